"""Writes torch.json: what torch.optim.lr_scheduler gives over whole runs.

Ran on Python 3.11.7 with torch 2.13.0 (CPU). From this folder: python make_torch.py

Each schedule case holds this package's JSON description, the positions and torch's values there; each plateau case
holds the options, the metrics observed and torch's learning rate after each. Values are doubles, written in full.
"""

import json
import math
import random
import sys
import warnings

import torch
from torch.optim import lr_scheduler as lrs

warnings.filterwarnings("ignore")


def optimizer(lr, **options):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, **options)


def run(name, description, make, count, lr=0.1, field="lr", **options):
    opt = optimizer(lr, **options)
    scheduler = make(opt)
    values = []
    for position in range(count):
        values.append(float(opt.param_groups[0][field]))
        if position < count - 1:
            opt.step()
            scheduler.step()
    return {"name": name, "schedule": description, "positions": list(range(count)), "values": values}


def run_fractional(name, description, make, positions, lr=0.1):
    opt = optimizer(lr)
    scheduler = make(opt)
    values = []
    for position in positions:
        opt.step()
        scheduler.step(position)
        values.append(float(opt.param_groups[0]["lr"]))
    return {"name": name, "schedule": description, "positions": positions, "values": values}


def schedules():
    yield run("LinearLR", {"type": "linear", "from": 0.02, "to": 0.08, "steps": 30},
              lambda o: lrs.LinearLR(o, start_factor=0.2, end_factor=0.8, total_iters=30), 60)
    yield run("StepLR, report A", {"type": "step", "initial": 0.005, "stepSize": 10, "gamma": 0.9},
              lambda o: lrs.StepLR(o, 10, 0.9), 200, lr=0.005)
    yield run("MultiStepLR", {"type": "multiStep", "initial": 0.1, "milestones": [60, 20, 60, 75], "gamma": 0.3},
              lambda o: lrs.MultiStepLR(o, [60, 20, 60, 75], 0.3), 100)
    yield run("ExponentialLR", {"type": "exponential", "initial": 0.1, "gamma": 0.97},
              lambda o: lrs.ExponentialLR(o, 0.97), 300)
    yield run("PolynomialLR", {"type": "polynomial", "from": 0.1, "to": 0, "steps": 120, "power": 0.9},
              lambda o: lrs.PolynomialLR(o, total_iters=120, power=0.9), 150)
    yield run("CosineAnnealingLR, report D", {"type": "cosine", "from": 0.1, "to": 0, "steps": 200},
              lambda o: lrs.CosineAnnealingLR(o, 200), 201)
    yield run("CosineAnnealingLR with eta_min", {"type": "cosine", "from": 0.1, "to": 0.003, "steps": 77},
              lambda o: lrs.CosineAnnealingLR(o, 77, 0.003), 78)
    yield run("CosineAnnealingWarmRestarts, report C",
              {"type": "cosineWarmRestarts", "from": 1e-4, "to": 2e-6, "steps": 10},
              lambda o: lrs.CosineAnnealingWarmRestarts(o, 10, 1, 2e-6), 50, lr=1e-4)
    yield run("CosineAnnealingWarmRestarts T_mult 2",
              {"type": "cosineWarmRestarts", "from": 0.1, "to": 0.001, "steps": 7, "tMult": 2},
              lambda o: lrs.CosineAnnealingWarmRestarts(o, 7, 2, 0.001), 250)
    eighths = [i / 8 for i in range(8 * 45)]
    yield run_fractional("CosineAnnealingWarmRestarts T_mult 2, fractional epochs",
                         {"type": "cosineWarmRestarts", "from": 0.1, "to": 0, "steps": 3, "tMult": 2},
                         lambda o: lrs.CosineAnnealingWarmRestarts(o, 3, 2), eighths)
    yield run_fractional("CosineAnnealingWarmRestarts T_mult 1, fractional epochs",
                         {"type": "cosineWarmRestarts", "from": 0.1, "to": 0, "steps": 3},
                         lambda o: lrs.CosineAnnealingWarmRestarts(o, 3, 1), eighths)
    for mode, ours, gamma in (("triangular", "triangular", 1.0), ("triangular2", "triangular2", 1.0),
                              ("exp_range", "expRange", 0.99)):
        for up, down in ((20, 20), (8, 24)):
            yield run(f"CyclicLR {mode} {up}/{down}",
                      {"type": "cyclic", "from": 0.01, "peak": 0.1, "stepsUp": up, "stepsDown": down,
                       "mode": ours, "gamma": gamma},
                      lambda o: lrs.CyclicLR(o, 0.01, 0.1, up, down, mode, gamma, cycle_momentum=False), 200)
    for anneal, ours in (("cos", "cosine"), ("linear", "linear")):
        for three in (False, True):
            total, pct = 150, 0.3
            common = {"type": "oneCycle", "steps": total, "warmupFraction": pct, "anneal": ours,
                      "phases": 3 if three else 2, "endsOnLastStep": True}

            def make(o):
                return lrs.OneCycleLR(o, 0.1, total, pct_start=pct, anneal_strategy=anneal, three_phase=three)

            label = f"OneCycleLR {anneal}, {'three' if three else 'two'} phases"
            yield run(label, {**common, "peak": 0.1}, make, total, momentum=0.9)
            yield run(f"{label}, momentum", {**common, "from": 0.95, "peak": 0.85, "to": 0.95}, make, total,
                      field="momentum", momentum=0.9)
    yield run("SequentialLR of LinearLR and CosineAnnealingLR",
              {"type": "warmup", "steps": 10, "from": 0.01,
               "schedule": {"type": "cosine", "from": 0.1, "to": 0.001, "steps": 90}},
              lambda o: lrs.SequentialLR(o, [lrs.LinearLR(o, 0.1, 1.0, 10), lrs.CosineAnnealingLR(o, 90, 0.001)], [10]),
              101)
    yield run("SequentialLR of ConstantLR, StepLR and ExponentialLR",
              {"type": "join", "parts": [
                  {"schedule": {"type": "constant", "value": 0.05}, "steps": 12},
                  {"schedule": {"type": "step", "initial": 0.1, "stepSize": 7, "gamma": 0.5}, "steps": 30},
                  {"schedule": {"type": "exponential", "initial": 0.1, "gamma": 0.9}}]},
              lambda o: lrs.SequentialLR(o, [lrs.ConstantLR(o, 0.5, 1000), lrs.StepLR(o, 7, 0.5),
                                             lrs.ExponentialLR(o, 0.9)], [12, 42]), 80)
    yield run("LambdaLR as a factor on a StepLR curve",
              {"type": "scale", "factor": 0.1,
               "schedule": {"type": "step", "initial": 0.5, "stepSize": 4, "gamma": 0.5}},
              lambda o: lrs.LambdaLR(o, lambda p: 0.5 ** (p // 4)), 40, lr=0.05)


def run_plateau(name, options, metrics):
    torch_names = {"factor": "factor", "patience": "patience", "threshold": "threshold", "cooldown": "cooldown",
                   "min": "min_lr", "eps": "eps", "mode": "mode", "thresholdMode": "threshold_mode"}
    opt = optimizer(options["initial"])
    scheduler = lrs.ReduceLROnPlateau(opt, **{torch_names[k]: v for k, v in options.items() if k != "initial"})
    values = []
    for metric in metrics:
        scheduler.step(metric)
        values.append(float(opt.param_groups[0]["lr"]))
    return {"name": name, "options": options, "metrics": metrics, "values": values,
            "reductions": sum(1 for a, b in zip([options["initial"], *values], values) if a != b)}


def plateaus():
    rng = random.Random(1)
    loss = [2 * math.exp(-i / 25) + 0.3 + 0.08 * rng.random() for i in range(200)]
    accuracy = [1 - value / 3 for value in loss]
    walk = [1.0]
    for _ in range(299):
        walk.append(abs(walk[-1] + rng.uniform(-0.2, 0.18)))
    yield run_plateau("defaults", {"initial": 0.1}, loss)
    yield run_plateau("report B", {"initial": 0.001, "factor": 0.5, "patience": 5, "min": 1e-7}, loss)
    yield run_plateau("max, abs, cooldown",
                      {"initial": 0.1, "mode": "max", "thresholdMode": "abs", "threshold": 0.01, "factor": 0.3,
                       "patience": 2, "cooldown": 4}, accuracy)
    yield run_plateau("max, rel", {"initial": 0.1, "mode": "max", "patience": 3, "factor": 0.7}, accuracy)
    yield run_plateau("abs threshold above the changes",
                      {"initial": 0.1, "thresholdMode": "abs", "threshold": 0.5, "patience": 0, "factor": 0.9}, loss)
    yield run_plateau("walk with cooldown", {"initial": 1.0, "patience": 1, "cooldown": 2, "factor": 0.6}, walk)
    yield run_plateau("min and eps stop it",
                      {"initial": 0.1, "patience": 0, "factor": 0.5, "min": 0.004, "eps": 0.001}, walk)
    yield run_plateau("a diverged start", {"initial": 0.1, "patience": 1, "factor": 0.5},
                      [math.nan, math.nan, math.nan, 3.0, 2.0, math.nan, 1.0, math.inf, math.inf, math.inf, 0.5])
    yield run_plateau("negative metric, abs", {"initial": 0.1, "thresholdMode": "abs", "patience": 2},
                      [value - 5 for value in walk])


def trap():
    """A negative metric that gets worse by 1 in 1000 at every step: torch never reduces."""
    metrics = [-10 * 0.9995 ** i for i in range(40)]
    return run_plateau("rel threshold, negative metric growing worse",
                       {"initial": 0.1, "patience": 3, "threshold": 1e-3}, metrics)


def late_restart():
    """A restart is due at 2 + 6 + 18 + 54 + 162 = 242, where math.log(243, 3) is 4.999999999999999."""
    return run_fractional("T_mult 3 at the fifth restart",
                          {"type": "cosineWarmRestarts", "from": 0.1, "to": 0, "steps": 2, "tMult": 3},
                          lambda o: lrs.CosineAnnealingWarmRestarts(o, 2, 3), [241, 242, 243])


def finite(value):
    """JSON has no NaN and no infinities: written as text, read back with Number()."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


with open("torch.json", "w") as file:
    document = {
        "made_by": "make_torch.py",
        "versions": {"python": sys.version.split()[0], "torch": torch.__version__},
        "schedules": list(schedules()),
        "plateaus": list(plateaus()),
        "trap": trap(),
        "late_restart": late_restart(),
    }
    json.dump(finite(document), file, indent=None, separators=(",", ":"))
    file.write("\n")
