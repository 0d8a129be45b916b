"""A contestant of inference.ts: PyTorch, from pixels to logits. Arguments: see torch_contest.py."""

import torch

from torch_contest import contest, open_model

this = open_model()
this.model.eval()


def predict():
    return this.forward(this.as_input()).float().numpy()


# Around all calls, so that autocast keeps the weights it has converted.
with torch.inference_mode(), this.autocast():
    contest(predict, this.description)
