"""Single layers in PyTorch, written to layers.json.

Ran on: Python 3.11.7, torch 2.13.0+cpu, numpy 2.4.6. Usage: python make_layers.py
"""

import torch.nn as nn
from torch_goldens import forward_golden, write


def conv(channels, filters, kernelSize=3, stride=1, bias=True):
    return nn.Conv2d(channels, filters, kernelSize, stride, padding=kernelSize // 2, bias=bias)


def depthwise_conv(channels, kernelSize=3, stride=1):
    return nn.Conv2d(channels, channels, kernelSize, stride, padding=kernelSize // 2, groups=channels, bias=False)


def max_pool(kernelSize=2, stride=2, padding=0):
    return nn.Sequential(nn.ReLU(), nn.MaxPool2d(kernelSize, stride, padding))


def case(kind, module, shape, **options):
    net = nn.Sequential()
    net.add_module("layer", module)
    golden = forward_golden(net, shape, mean=0.5)  # numbers of both signs
    return {"kind": kind, "options": options, **golden}


cases = []
for options in [
    {},
    {"kernelSize": 1},
    {"kernelSize": 1, "stride": 2},
    {"stride": 2},
    {"kernelSize": 7, "stride": 2},
    {"kernelSize": 5, "stride": 2, "bias": False},
]:
    cases.append(case("conv", conv(3, 2, **options), (2, 6, 9, 3), **options))
for options in [{}, {"stride": 2}, {"kernelSize": 5, "stride": 2}]:
    cases.append(case("depthwiseConv", depthwise_conv(3, **options), (2, 6, 9, 3), **options))
for options in [{}, {"kernelSize": 3, "padding": 1}]:
    cases.append(case("maxPool", max_pool(**options), (2, 6, 9, 3), **options))
cases.append(case("batchNorm", nn.BatchNorm2d(3), (2, 2, 3, 3)))
cases.append(case("globalAveragePool", nn.AdaptiveAvgPool2d(1), (2, 6, 9, 3)))
cases.append(case("swish", nn.SiLU(), (2, 2, 3, 3)))
write(__file__, cases=cases)
