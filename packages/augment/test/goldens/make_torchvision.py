"""Makes torchvision.json and torchvision.safetensors: what torchvision and Pillow make of small drawings.

Run: pip install torch==2.13.* torchvision==0.28.* pillow==13.* safetensors; python make_torchvision.py
"""

import io
import json
import math
import platform
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image, ImageDraw
from safetensors.numpy import save_file
from torchvision.transforms import AugMix, InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op
from torchvision.transforms.v2 import functional as F2

HERE = Path(__file__).parent
NEAREST, BILINEAR, BOX = InterpolationMode.NEAREST, InterpolationMode.BILINEAR, InterpolationMode.BOX
MODES = {"nearest": NEAREST, "bilinear": BILINEAR, "area": BOX}

random = np.random.default_rng(7)


def drawing(width, height, mode):
    """Gradients, shapes and a little noise: smooth parts, edges, and all hues."""
    image = Image.new("RGB", (width, height))
    y, x = np.mgrid[0:height, 0:width]
    ramps = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 255 // (width + height - 2)], -1)
    image.paste(Image.fromarray(ramps.astype(np.uint8)))
    draw = ImageDraw.Draw(image)
    draw.ellipse([width // 6, height // 5, width // 2, height - 4], fill=(230, 40, 90))
    draw.rectangle([width // 2, 2, width - 4, height // 2], fill=(20, 160, 60))
    draw.line([0, height - 1, width - 1, 0], fill=(250, 250, 240), width=2)
    values = np.asarray(image).astype(int)
    noisy = np.clip(values + random.integers(-12, 13, values.shape), 0, 255).astype(np.uint8)
    image = Image.fromarray(noisy).convert(mode)
    if "A" in image.getbands():
        alpha = np.clip(x * 400 // width - 60, 0, 255).astype(np.uint8)
        image.putalpha(Image.fromarray(alpha))
    return image


inputs = {
    "rgb": drawing(29, 23, "RGB"),
    "tall": drawing(17, 32, "RGB"),
    "square": drawing(24, 24, "RGB"),
    "grey": drawing(26, 19, "L"),
    "rgba": drawing(21, 18, "RGBA"),
    "dark": Image.fromarray((np.asarray(drawing(25, 16, "RGB")) // 4 + 30).astype(np.uint8)),
    # A grid of all greys and of many colours.
    "colors": Image.fromarray(
        np.stack(np.meshgrid(np.arange(0, 256, 25), np.arange(0, 256, 28), np.arange(4, 256, 83)), -1)
        .reshape(20, 22, 3)
        .astype(np.uint8)
    ),
}
tensors = {f"input.{name}": np.ascontiguousarray(as_array) for name, as_array in ((n, np.asarray(i)) for n, i in inputs.items())}
tensors = {name: a if a.ndim == 3 else a[..., None] for name, a in tensors.items()}
cases = []


def expect(name, source, output, params=None, options=None, **more):
    array = np.asarray(output)
    key = f"{len(cases)}"
    tensors[key] = np.ascontiguousarray(array if array.ndim == 3 else array[..., None])
    cases.append({"name": name, "options": options or {}, "params": params or {}, "input": source, "output": key, **more})


# Geometry

for source, padding in [("rgb", 3), ("grey", [2, 5]), ("square", [1, 0, 4, 7]), ("tall", [6, 2]), ("rgba", [0, 3, 2, 1])]:
    expect("pad", source, F.pad(inputs[source], padding), options={"padding": padding})
    for mode in ["edge", "reflect", "symmetric"]:
        expect("pad", source, F.pad(inputs[source], padding, padding_mode=mode), options={"padding": padding, "paddingMode": mode})
expect("pad", "rgb", F.pad(inputs["rgb"], 2, fill=(9, 99, 199)), options={"padding": 2, "fill": [9, 99, 199]})

for interpolation in ["bilinear", "area", "nearest"]:
    for source, size in [
        ("rgb", [11, 17]), ("tall", [40, 9]), ("grey", [30, 41]), ("square", [7, 24]), ("rgba", [13, 30]), ("rgb", 12), ("tall", 25),
    ]:  # fmt: skip
        expect("resize", source, F.resize(inputs[source], size, MODES[interpolation]), options={"size": size, "interpolation": interpolation})
expect("resize", "tall", F.resize(inputs["tall"], 20, max_size=24), options={"size": 20, "maxSize": 24})

for source, size in [("rgb", [10, 12]), ("tall", [9, 10]), ("grey", [30, 10]), ("square", [40, 31]), ("rgba", [5, 4])]:
    expect("centerCrop", source, F.center_crop(inputs[source], size), options={"size": size})

for source, (top, left, height, width) in [("rgb", (3, 5, 12, 14)), ("tall", (0, 0, 20, 9)), ("grey", (7, 9, 12, 17)), ("square", (-4, -3, 20, 24)), ("rgb", (10, 20, 18, 16))]:  # fmt: skip
    box = {"top": top, "left": left, "height": height, "width": width}
    expect("randomCrop", source, F.crop(inputs[source], top, left, height, width), box, {"size": [height, width], "padding": 4})

for source, (top, left, height, width), size, interpolation in [
    ("rgb", (2, 3, 17, 20), [24, 24], "bilinear"),
    ("tall", (5, 1, 25, 15), [9, 7], "bilinear"),
    ("grey", (0, 4, 19, 11), [16, 30], "bilinear"),
    ("square", (1, 2, 7, 9), [40, 33], "bilinear"),
    ("square", (6, 3, 12, 16), [8, 16], "bilinear"),
    ("rgba", (2, 4, 13, 12), [17, 17], "bilinear"),
    ("rgb", (2, 3, 17, 20), [13, 31], "nearest"),
    ("rgb", (0, 0, 23, 29), [5, 8], "area"),
]:
    box = {"top": top, "left": left, "height": height, "width": width}
    output = F.resized_crop(inputs[source], top, left, height, width, size, MODES[interpolation])
    expect("randomResizedCrop", source, output, box, {"size": size, "interpolation": interpolation})

for source in ["rgb", "tall", "grey", "rgba", "square"]:
    expect("randomHorizontalFlip", source, F.hflip(inputs[source]))
    expect("randomVerticalFlip", source, F.vflip(inputs[source]))

for interpolation in ["nearest", "bilinear"]:
    for source, angle, more in [
        ("rgb", 13.7, {}), ("tall", -41.0, {}), ("grey", 90, {"expand": True}), ("square", 90, {}), ("square", 180, {}),
        ("rgb", 200.5, {"expand": True}), ("tall", 33.3, {"center": [3, 8]}), ("rgb", 71, {"fill": [5, 100, 200]}),
        ("tall", 270, {"expand": True}), ("grey", -7.25, {"expand": True, "fill": 77}), ("rgba", 25, {}),
    ]:  # fmt: skip
        output = F.rotate(inputs[source], angle, MODES[interpolation], **more)
        expect("randomRotation", source, output, {"angle": angle}, {"degrees": 360, "interpolation": interpolation, **more})
    for source, angle, translate, scale, shear, more in [
        ("rgb", 10.5, [3, -2], 1.0, [0.0, 0.0], {}),
        ("tall", -30.0, [0, 5], 1.3, [10.0, 0.0], {}),
        ("grey", 0.0, [-4, 4], 0.8, [0.0, -12.0], {"fill": 128}),
        ("square", 77.0, [1, 1], 0.55, [7.0, 15.0], {"fill": [1, 2, 3]}),
        ("rgb", 0.0, [0, 0], 1.7, [0.0, 0.0], {}),
        ("tall", 5.0, [2, 2], 1.1, [-20.0, 3.0], {"center": [0, 0]}),
        ("rgba", 15.0, [1, 0], 0.9, [3.0, 0.0], {}),
    ]:
        output = F.affine(inputs[source], angle, translate, scale, shear, MODES[interpolation], **more)
        params = {"angle": angle, "translate": translate, "scale": scale, "shear": shear}
        expect("randomAffine", source, output, params, {"degrees": 90, "interpolation": interpolation, **more})
    for source, moved, more in [
        ("rgb", [[3, 2], [26, 0], [24, 20], [1, 22]], {}),
        ("tall", [[0, 0], [12, 6], [16, 31], [4, 25]], {}),
        ("grey", [[6, 4], [20, 3], [25, 15], [0, 18]], {"fill": 200}),
        ("square", [[5, 5], [23, 0], [18, 18], [0, 23]], {"fill": [40, 50, 60]}),
        ("square", [[0, 0], [23, 0], [23, 23], [0, 23]], {}),
        ("rgba", [[2, 1], [19, 3], [20, 15], [0, 17]], {}),
    ]:
        width, height = inputs[source].size
        corners = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
        output = F.perspective(inputs[source], corners, moved, MODES[interpolation], **more)
        expect("randomPerspective", source, output, {"startpoints": corners, "endpoints": moved}, {"interpolation": interpolation, **more})

# Smooth displacements; of each pixel also how much of its surroundings lies inside, for borders differ.
for source, scale in [("rgb", 0.05), ("tall", 0.1), ("grey", 0.2), ("square", 0.3), ("square", 0.02)]:
    width, height = inputs[source].size
    pixels = np.asarray(inputs[source])
    noise = torch.from_numpy(random.uniform(-1, 1, (1, 2, height, width)).astype(np.float32))
    smooth = F.gaussian_blur(noise, [9, 9], [2.0, 2.0]) * scale * 4
    grid = smooth.permute(0, 2, 3, 1).contiguous()
    output = F.elastic_transform(inputs[source], grid, BILINEAR, fill=[0.0] * (3 if pixels.ndim == 3 else 1))
    key = f"displacement.{len(cases)}"
    tensors[key] = (grid[0] * torch.tensor([width / 2, height / 2])).numpy()
    expect("elasticTransform", source, output, options={"interpolation": "bilinear"}, displacement=key)

# A grid of cells is Pillow's MESH of rectangles.
for source, columns, rows in [
    ("square", [1, 2, 1], [1, 1, 2]), ("square", [0.7, 1.3, 1.1, 0.9], [1.25, 0.75, 1.25, 0.75]), ("grey", [1.3, 0.7], [1.0]),
    ("rgb", [1.0], [1.0]), ("tall", [1.0], [0.75, 1.25, 0.8, 1.2]),
]:  # fmt: skip
    for interpolation in ["nearest", "bilinear"]:
        width, height = inputs[source].size
        xs = np.concatenate([[0], np.cumsum(columns) / sum(columns) * width])
        ys = np.concatenate([[0], np.cumsum(rows) / sum(rows) * height])
        mesh = []
        for i in range(len(columns)):
            for j in range(len(rows)):
                to = [width * i // len(columns), height * j // len(rows), width * (i + 1) // len(columns), height * (j + 1) // len(rows)]
                assert to[0] * len(columns) == width * i and to[1] * len(rows) == height * j, "cells of whole pixels"
                quad = [xs[i], ys[j], xs[i], ys[j + 1], xs[i + 1], ys[j + 1], xs[i + 1], ys[j]]
                mesh.append((to, [float(v) for v in quad]))
        output = inputs[source].transform((width, height), Image.Transform.MESH, mesh, Image.Resampling[interpolation.upper()])
        expect("gridDistortion", source, output, {"columns": columns, "rows": rows}, {"interpolation": interpolation})

# Colours and tones

COLORED = ["rgb", "tall", "grey", "dark", "colors"]
for name, adjust, factors in [
    ("brightness", F.adjust_brightness, [0, 0.3, 0.75, 1, 1.3, 2.6]),
    ("contrast", F.adjust_contrast, [0, 0.4, 0.85, 1, 1.25, 3]),
    ("saturation", F.adjust_saturation, [0, 0.35, 0.9, 1, 1.4, 2.7]),
    ("hue", F.adjust_hue, [-0.5, -0.31, -0.1, 0, 0.07, 0.25, 0.5]),
]:
    for i, factor in enumerate(factors):
        for source in [COLORED[i % 5], "colors", "dark"]:
            expect(name, source, adjust(inputs[source], factor), {"factor": factor}, {"factor": factor})
for source, gamma, gain in [("rgb", 0.4, 1), ("grey", 1.7, 1), ("dark", 1.0, 1), ("tall", 2.2, 0.6), ("colors", 0.8, 1.3), ("rgb", 0, 1)]:
    expect("gamma", source, F.adjust_gamma(inputs[source], gamma, gain), {"gamma": gamma}, {"gamma": gamma, "gain": gain})
for steps in [
    [["hue", 0.1], ["brightness", 1.2], ["contrast", 0.8], ["saturation", 1.3]],
    [["contrast", 1.3], ["hue", -0.05], ["saturation", 0.7], ["brightness", 0.75]],
    [["saturation", 1.1], ["contrast", 0.9]],
    [["brightness", 1.3], ["saturation", 1.3], ["hue", 0.02], ["contrast", 1.3]],
    [["hue", 0.5]],
]:
    for source in ["rgb", "colors"]:
        output = inputs[source]
        for what, factor in steps:
            output = getattr(F, f"adjust_{what}")(output, factor)
        expect("colorJitter", source, output, {"steps": steps})
for source in COLORED:
    expect("grayscale", source, F.to_grayscale(inputs[source], 1))
    expect("randomGrayscale", source, F.to_grayscale(inputs[source], len(inputs[source].getbands())))
    expect("randomInvert", source, F.invert(inputs[source]))
    expect("randomEqualize", source, F.equalize(inputs[source]))
    expect("randomAutocontrast", source, F.autocontrast(inputs[source]))
plain = Image.new("RGB", (5, 4), (10, 20, 30))
inputs["plain"], tensors["input.plain"] = plain, np.asarray(plain)
expect("randomEqualize", "plain", F.equalize(plain))
expect("randomAutocontrast", "plain", F.autocontrast(plain))
for source, bits in zip(COLORED + COLORED[:3], [1, 2, 3, 4, 5, 7, 8, 6]):
    expect("randomPosterize", source, F.posterize(inputs[source], bits), {"bits": bits}, {"bits": bits})
for source, threshold in zip(COLORED + COLORED[:2], [0, 64, 128, 191.5, 255, 256, 100]):
    expect("randomSolarize", source, F.solarize(inputs[source], threshold), {"threshold": threshold}, {"threshold": threshold})
for source, factor in zip(COLORED + COLORED[:2], [0, 0.5, 1, 1.7, 2, 4.5, 0.1]):
    expect("randomAdjustSharpness", source, F.adjust_sharpness(inputs[source], factor), {"sharpnessFactor": factor}, {"sharpnessFactor": factor})

for source, size, sigma in [("rgb", 3, 0.8), ("tall", 5, 1.1), ("grey", [7, 3], 2.0), ("square", 9, 0.1), ("dark", [1, 5], 1.6), ("rgb", 15, 5.0)]:
    expect("gaussianBlur", source, F.gaussian_blur(inputs[source], size, [sigma, sigma]), {"sigma": sigma}, {"kernelSize": size})

# Straight ways as means of shifted pictures, mirrored at the border.
for source, size, (dx, dy), angle in [("rgb", 3, (1, 0), 0), ("tall", 5, (0, 1), 90), ("grey", 7, (1, 0), 180), ("square", 5, (1, -1), 45), ("square", 3, (1, 1), 315)]:
    pixels = np.asarray(inputs[source]).astype(np.float64)
    reach = size // 2
    padded = np.pad(pixels, [(reach, reach), (reach, reach)] + [(0, 0)] * (pixels.ndim - 2), "reflect")
    height, width = pixels.shape[:2]
    total = sum(padded[reach + k * dy :, reach + k * dx :][:height, :width] for k in range(-reach, reach + 1))
    expect("motionBlur", source, np.round(total / size).astype(np.uint8), {"kernelSize": size, "angle": angle}, reference="numpy")

for source, quality, subsampling in [
    ("rgb", 75, "4:2:0"), ("tall", 10, "4:2:0"), ("square", 50, "4:4:4"), ("colors", 95, "4:2:2"), ("dark", 1, "4:2:0"),
    ("grey", 30, "4:2:0"), ("grey", 88, "4:4:4"), ("rgb", 100, "4:4:4"), ("tall", 25, "4:2:2"), ("colors", 60, "4:2:0"), ("plain", 40, "4:2:0"),
]:  # fmt: skip
    file = io.BytesIO()
    inputs[source].save(file, "JPEG", quality=quality, subsampling=subsampling)
    expect("jpeg", source, Image.open(file), {"quality": quality}, {"quality": quality, "subsampling": subsampling})
for size in [(3, 5), (4, 4), (16, 16), (17, 1), (33, 47)]:
    name = f"jpeg{size[0]}x{size[1]}"
    inputs[name] = drawing(*size, "RGB") if min(size) > 8 else Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    tensors[f"input.{name}"] = np.asarray(inputs[name])
    for subsampling in ["4:2:0", "4:2:2", "4:4:4"]:
        file = io.BytesIO()
        inputs[name].save(file, "JPEG", quality=80, subsampling=subsampling)
        expect("jpeg", name, Image.open(file), {"quality": 80}, {"quality": 80, "subsampling": subsampling})

for source, (top, left, height, width), value in [("rgb", (2, 3, 5, 9), [0, 0, 0]), ("tall", (0, 0, 31, 4), [7, 8, 9]), ("grey", (5, 6, 7, 8), [255]), ("square", (23, 23, 1, 1), [1, 2, 3]), ("rgb", (10, 0, 13, 29), [200, 100, 0])]:  # fmt: skip
    erased = F.erase(F.pil_to_tensor(inputs[source]), top, left, height, width, torch.tensor(value, dtype=torch.uint8)[:, None, None])
    box = {"top": top, "left": left, "height": height, "width": width}
    expect("randomErasing", source, erased.permute(1, 2, 0).numpy(), {"box": box, "seed": 1}, {"value": value})
for source, order in [("rgb", [2, 1, 0]), ("tall", [1, 0, 2]), ("square", [2, 0, 1]), ("colors", [0, 2, 1]), ("dark", [1, 2, 0])]:
    permuted = F2.permute_channels(F.pil_to_tensor(inputs[source]), order)
    expect("randomChannelPermutation", source, permuted.permute(1, 2, 0).numpy(), {"order": order})

for source, mean, std in [("rgb", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), ("tall", [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.201]), ("grey", [0.5], [0.5]), ("square", [0, 0, 0], [1, 1, 1]), ("colors", [0.1, 0.9, 0.5], [2, 0.3, 1])]:  # fmt: skip
    normal = F.normalize(F.to_tensor(inputs[source]), mean, std)
    expect("normalize", source, normal.permute(1, 2, 0).numpy(), {}, {"mean": mean, "std": std})

# Policies, one operation at a time

OPERATIONS = {
    "Identity": [0.0], "ShearX": [0.3, -0.12, 0.99], "ShearY": [0.21, -0.3], "TranslateX": [9.4, -3.0], "TranslateY": [5.9, -7.2],
    "Rotate": [30.0, -11.0, 135.0], "Brightness": [0.9, -0.45], "Color": [0.6, -0.9], "Contrast": [0.9, -0.27], "Sharpness": [0.9, -0.5],
    "Posterize": [4, 6], "Solarize": [110.5, 255.0], "AutoContrast": [0.0], "Equalize": [0.0], "Invert": [0.0],
}  # fmt: skip
for operation, magnitudes in OPERATIONS.items():
    for magnitude in magnitudes:
        for source, interpolation, fill in [("rgb", "nearest", None), ("tall", "bilinear", [30.0, 60.0, 90.0])]:
            output = _apply_op(inputs[source], operation, magnitude, MODES[interpolation], fill)
            params = {"operations": [{"operation": operation, "magnitude": magnitude}]}
            expect("randAugment", source, output, params, {"interpolation": interpolation, **({"fill": fill} if fill else {})})
for source in ["rgb", "square", "tall", "dark", "colors"]:
    chain = [["Rotate", 12.0], ["Posterize", 4], ["Color", 0.5]]
    output = inputs[source]
    for operation, magnitude in chain:
        output = _apply_op(output, operation, magnitude, NEAREST, None)
    params = {"operations": [{"operation": operation, "magnitude": magnitude} for operation, magnitude in chain]}
    expect("autoAugment", source, output, params)
    expect("trivialAugmentWide", source, output, params)

    # AugMix on Pillow pictures of the chains: within, torchvision would work on tensors, whose operations round otherwise.
    output = inputs[source]
    for operation, magnitude in chain:
        output = _apply_op(output, operation, magnitude, BILINEAR, None)
    shares = np.array([0.2, 0.5, 0.3], np.float32)
    single = _apply_op(inputs[source], "ShearX", 0.1, BILINEAR, None)
    mixed = sum(share * np.asarray(image).astype(np.float32) for share, image in zip(shares, [inputs[source], output, single]))
    operations = [{"operation": o, "magnitude": m} for o, m in chain]
    chains = [{"share": 0.5, "operations": operations}, {"share": 0.3, "operations": [{"operation": "ShearX", "magnitude": 0.1}]}]
    params = {"original": 0.2, "chains": chains}
    expect("augMix", source, mixed.astype(np.uint8), params, mixed=True)

# What the samplers draw their magnitudes from.
spaces = {}
for name, space in {
    "randAugment": torchvision.transforms.RandAugment()._augmentation_space(31, (23, 29)),
    "trivialAugmentWide": torchvision.transforms.TrivialAugmentWide()._augmentation_space(31),
    "autoAugment": torchvision.transforms.AutoAugment()._augmentation_space(10, (23, 29)),
    "augMix": AugMix()._augmentation_space(10, (23, 29)),
}.items():
    spaces[name] = {op: {"magnitudes": m.flatten().tolist(), "signed": signed} for op, (m, signed) in space.items()}
policies = {
    policy: torchvision.transforms.AutoAugment(torchvision.transforms.AutoAugmentPolicy(policy)).policies for policy in ["imagenet", "cifar10"]
}

# Mixes of batches, through torchvision's own transforms with the draws replaced.
batches = []
for lam, (x, y), shape in [(0.3, (4, 5), (3, 8, 10)), (0.75, (0, 0), (1, 7, 5)), (0.5, (9, 7), (3, 8, 10)), (0.0, (2, 3), (3, 6, 6)), (1.0, (2, 3), (3, 6, 6))]:  # fmt: skip
    images = torch.from_numpy(random.integers(0, 256, (4, *shape)).astype(np.uint8)).float()
    labels = torch.from_numpy(random.integers(0, 5, (4,)))
    one_hot = torch.nn.functional.one_hot(labels, 5).float()
    height, width = shape[1:]
    r = 0.5 * math.sqrt(1.0 - lam)
    rows, columns = int(r * height), int(r * width)
    x1, x2, y1, y2 = max(x - columns, 0), min(x + columns, width), max(y - rows, 0), min(y + rows, height)
    mixup_params, cutmix_params = {"lam": lam}, {"box": (x1, y1, x2, y2), "lam_adjusted": 1.0 - (x2 - x1) * (y2 - y1) / (width * height)}
    both = []
    for kind, params in [("MixUp", mixup_params), ("CutMix", cutmix_params)]:
        transform = getattr(torchvision.transforms.v2, kind)(num_classes=5)
        transform.make_params = lambda _, params=params: {**params, "labels": labels, "batch_size": 4}
        mixed, targets = transform(images, labels)
        both.append((mixed, targets))
    key = f"batch.{len(batches)}"
    tensors[f"{key}.inputs"] = images.permute(0, 2, 3, 1).contiguous().numpy()
    tensors[f"{key}.labels"] = labels.numpy().astype(np.int32)
    for kind, (mixed, targets) in zip(["mixUp", "cutMix"], both):
        tensors[f"{key}.{kind}"] = mixed.permute(0, 2, 3, 1).contiguous().numpy()
        tensors[f"{key}.{kind}.targets"] = targets.contiguous().numpy()
    batches.append({"key": key, "lambda": lam, "box": {"top": y1, "left": x1, "height": y2 - y1, "width": x2 - x1}})

versions = {
    "python": platform.python_version(), "torchvision": torchvision.__version__, "torch": torch.__version__,
    "pillow": PIL.__version__, "numpy": np.__version__,
}  # fmt: skip
lines = ",\n".join("    " + json.dumps(case) for case in cases)
(HERE / "torchvision.json").write_text(
    '{\n  "versions": %s,\n  "spaces": %s,\n  "policies": %s,\n  "batches": %s,\n  "cases": [\n%s\n  ]\n}\n'
    % (json.dumps(versions), json.dumps(spaces), json.dumps(policies), json.dumps(batches), lines)
)
save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, HERE / "torchvision.safetensors")
