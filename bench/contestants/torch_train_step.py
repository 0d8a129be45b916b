"""A contestant of train-step.ts: PyTorch. Arguments: model, batch, float32 | bfloat16, memory layout, eager | compiled.

SGD with momentum; under bfloat16 forward and loss run in autocast, as PyTorch's documentation has it.
"""

import json
import resource
import sys
import time

import torch
import torch.nn.functional as F

from torch_models import MODELS, build

name, batch, precision, layout, mode = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
_, (height, width, channels), positions, classes = MODELS[name]
memory_format = {"channels-last": torch.channels_last, "contiguous": torch.contiguous_format}[layout]

model = build(name).to(memory_format=memory_format).train()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, foreach=True)
x = torch.randint(0, 256, (batch, channels, height, width)).float().to(memory_format=memory_format)
y = torch.randint(0, classes, (batch * positions,))
forward = torch.compile(model) if mode == "compiled" else model


def step():
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        loss = F.cross_entropy(forward(x).reshape(batch * positions, classes), y)
    loss.backward()
    optimizer.step()
    loss.item()
    return 1000 * (time.perf_counter() - start)


def say(value):
    print(json.dumps(value), flush=True)


step()
step()
say({"ready": f"PyTorch {torch.__version__}, {mode}, {layout}, {torch.get_num_threads()} threads"})
for line in sys.stdin:
    if line.strip() != "run":
        break
    say({"milliseconds": step()})
say({"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})
