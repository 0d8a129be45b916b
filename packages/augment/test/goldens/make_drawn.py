"""Makes drawn.json and drawn.safetensors: what torchvision's random transforms make of the drawings in torchvision.safetensors,
and what they drew on the way.

Run: pip install torch==2.14.* torchvision==0.29.* pillow==13.* safetensors; python make_drawn.py
"""

import json
import platform
from pathlib import Path
from unittest.mock import patch

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from safetensors.numpy import load_file, save_file
from torchvision.transforms import (
    AugMix,
    AutoAugment,
    AutoAugmentPolicy,
    ElasticTransform,
    InterpolationMode,
    TrivialAugmentWide,
    autoaugment,
)
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op

HERE = Path(__file__).parent

arrays = load_file(HERE / "torchvision.safetensors")
inputs = {name: Image.fromarray(arrays[f"input.{name}"].squeeze()) for name in ["rgb", "tall", "square", "grey", "dark", "colors"]}
tensors = {}
cases = []


def expect(name, source, output, params, options, **more):
    array = np.asarray(output)
    key = f"drawn.{len(cases)}"
    tensors[key] = np.ascontiguousarray(array if array.ndim == 3 else array[..., None])
    cases.append({"name": name, "options": options, "params": params, "input": source, "output": key, **more})


def keywords(options):
    """Of our options as torchvision has them."""
    names = {"numMagnitudeBins": "num_magnitude_bins", "mixtureWidth": "mixture_width", "chainDepth": "chain_depth", "allOps": "all_ops"}
    values = {"interpolation": InterpolationMode, "policy": AutoAugmentPolicy}
    return {names.get(name, name): values.get(name, lambda value: value)(value) for name, value in options.items()}


def operations_of(calls):
    return [{"operation": call.args[1], "magnitude": call.args[2]} for call in calls]


def run_policy(transform, source):
    with patch.object(autoaugment, "_apply_op", wraps=_apply_op) as applied:
        output = transform(inputs[source])
    assert output != inputs[source]
    return output, {"operations": operations_of(applied.call_args_list)}


# Pairs in which every operation of the policy comes. A draw of 0 applies an operation, of 1 leaves it out; a sign of 0 is minus.
for policy, source, pair, draws, signs, options in [
    ("imagenet", "rgb", 0, [0, 0], [0, 1], {}),
    ("imagenet", "tall", 1, [0, 0], [0, 0], {}),
    ("imagenet", "grey", 11, [0, 0], [1, 0], {"fill": 90}),
    ("imagenet", "dark", 14, [0, 0], [0, 1], {}),
    ("imagenet", "colors", 16, [0, 0], [1, 0], {}),
    ("imagenet", "square", 17, [0, 0], [1, 0], {}),
    ("imagenet", "tall", 18, [0, 0], [0, 0], {"fill": [12, 130, 250]}),
    ("imagenet", "rgb", 15, [0, 0], [0, 1], {"interpolation": "bilinear"}),
    ("cifar10", "tall", 1, [0, 0], [1, 0], {}),
    ("cifar10", "rgb", 3, [0, 0], [0, 1], {"interpolation": "bilinear", "fill": [200, 100, 0]}),
    ("cifar10", "grey", 5, [0, 0], [1, 0], {"fill": 255}),
    ("cifar10", "colors", 6, [0, 0], [0, 1], {}),
    ("cifar10", "dark", 9, [0, 0], [1, 0], {}),
    ("cifar10", "square", 0, [0, 0], [0, 0], {}),
    ("cifar10", "rgb", 18, [0, 0], [0, 0], {}),
    ("cifar10", "tall", 4, [1, 0], [0, 0], {}),
]:
    options = {"policy": policy, **options}
    transform = AutoAugment(**keywords(options))
    transform.get_params = lambda _, drawn=(pair, torch.tensor(draws), torch.tensor(signs)): drawn
    expect("autoAugment", source, *run_policy(transform, source), options)

# Seeds that draw a dozen operations, each of which changes its picture.
for seed, source, options in [
    (7, "rgb", {}),
    (1, "tall", {"interpolation": "bilinear"}),
    (2, "grey", {"numMagnitudeBins": 7}),
    (8, "square", {"interpolation": "bilinear", "fill": [250, 0, 125]}),
    (11, "colors", {}),
    (20, "tall", {"fill": [60, 70, 80]}),
    (9, "tall", {"interpolation": "bilinear"}),
    (28, "grey", {"interpolation": "bilinear", "fill": 40}),
    (10, "dark", {}),
    (15, "dark", {"numMagnitudeBins": 7}),
    (4, "rgb", {}),
    (14, "square", {}),
]:
    torch.manual_seed(seed)
    expect("trivialAugmentWide", source, *run_policy(TrivialAugmentWide(**keywords(options)), source), options)


def on_pillow(tensor, *args, **more):
    """The operation on Pillow's picture: AugMix would work on tensors, whose operations round otherwise."""
    return F.pil_to_tensor(_apply_op(F.to_pil_image(tensor[0]), *args, **more))[None]


# Seeds of which the chains' shares are large enough to show.
for seed, source, options in [
    (9, "rgb", {}),
    (4, "tall", {"severity": 10}),
    (11, "grey", {"severity": 8, "mixtureWidth": 2, "fill": 120}),
    (5, "square", {"severity": 6, "mixtureWidth": 4, "chainDepth": 2, "interpolation": "nearest"}),
    (0, "dark", {"severity": 5, "chainDepth": 1, "alpha": 0.4}),
    (7, "tall", {"severity": 9, "allOps": False, "fill": [30, 160, 220]}),
    (6, "rgb", {"severity": 7, "mixtureWidth": 1, "chainDepth": 4, "alpha": 3.0}),
]:
    torch.manual_seed(seed)
    transform = AugMix(**keywords(options))
    drawn = []
    transform._sample_dirichlet = lambda alphas: drawn.append(torch._sample_dirichlet(alphas)) or drawn[-1]
    with patch.object(autoaugment, "_apply_op", side_effect=on_pillow) as applied:
        output = transform(inputs[source])
    calls = applied.call_args_list
    starts = [k for k, call in enumerate(calls) if call.args[0] is calls[0].args[0]]  # each chain starts from the picture itself
    original, mixed = drawn[0][0].tolist()
    shares = (drawn[1][0] * drawn[0][0, 1]).tolist()
    assert len(starts) == len(shares)
    chains = [
        {"share": share, "operations": operations_of(calls[start:end])}
        for share, start, end in zip(shares, starts, [*starts[1:], len(calls)])
    ]
    expect("augMix", source, output, {"original": original, "chains": chains}, options)

# The noise is drawn once more from the same seed; displacements are in half sizes of the picture, recorded in pixels.
for seed, (source, options) in enumerate([
    ("rgb", {}),
    ("square", {"alpha": 120.0, "sigma": 4.0, "fill": [20, 90, 160]}),
    ("tall", {"alpha": 15.0, "sigma": 1.5, "interpolation": "nearest", "fill": [255, 0, 30]}),
    ("grey", {"alpha": 30.0, "sigma": 2.2, "fill": 200}),
    ("grey", {"alpha": 4.0, "sigma": 0.5, "interpolation": "nearest"}),
    ("dark", {"alpha": 60.0, "sigma": 1.8}),
]):  # fmt: skip
    width, height = inputs[source].size
    transform = ElasticTransform(**keywords(options))
    torch.manual_seed(seed)
    with patch.object(transform, "get_params", wraps=transform.get_params) as drawing:
        output = transform(inputs[source])
    torch.manual_seed(seed)
    grid = transform.get_params(*drawing.call_args.args)
    torch.manual_seed(seed)
    noise = torch.cat([torch.rand([1, height, width]) * 2 - 1 for _ in "xy"])
    keys = {"displacement": f"displacement.drawn.{len(cases)}", "noise": f"noise.drawn.{len(cases)}"}
    tensors[keys["displacement"]] = (grid[0] * torch.tensor([width / 2, height / 2])).numpy()
    tensors[keys["noise"]] = noise.permute(1, 2, 0).numpy()
    params = {"alpha": transform.alpha[0], "sigma": transform.sigma[0]}
    expect("elasticTransform", source, output, params, {"interpolation": "bilinear", "fill": 0, **options}, **keys)

versions = {
    "python": platform.python_version(), "torchvision": torchvision.__version__, "torch": torch.__version__,
    "pillow": PIL.__version__, "numpy": np.__version__,
}  # fmt: skip
lines = ",\n".join("    " + json.dumps(case) for case in cases)
(HERE / "drawn.json").write_text('{\n  "versions": %s,\n  "cases": [\n%s\n  ]\n}\n' % (json.dumps(versions), lines))
save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, HERE / "drawn.safetensors")
