"""A contestant of train-step.ts: PyTorch. Arguments: see torch_contest.py.

SGD with momentum; under bfloat16 forward and loss run in autocast, as PyTorch's documentation has it.
"""

import torch
import torch.nn.functional as F

from torch_contest import contest, open_model

this = open_model()
this.model.train()
optimizer = torch.optim.SGD(this.model.parameters(), lr=1e-3, momentum=0.9, foreach=True)
x = this.as_input()
y = torch.randint(0, this.classes, (this.batch * this.positions,))


def step():
    optimizer.zero_grad(set_to_none=True)
    with this.autocast():
        loss = F.cross_entropy(this.forward(x).reshape(len(y), this.classes), y)
    loss.backward()
    optimizer.step()
    loss.item()


contest(step, this.description)
