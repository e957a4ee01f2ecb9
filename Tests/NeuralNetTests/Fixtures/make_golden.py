#!/usr/bin/env python3
"""Makes the golden files of this folder: what PyTorch computes, in float64, for small networks on random images.

    python3 make_golden.py            (PyTorch 2.13, safetensors; a few seconds)

Every file is a safetensors file whose metadata name the network ("model", "width", "stem", "depth", "widen"). Images
are NCHW in [0, 1]; parameters and buffers have the names of their PyTorch state_dict.

  x, y                  the images and their labels
  param/<name>          the weights and running statistics everything below starts from
  eval/logits           BatchNorm in evaluation mode
  eval/input_grad       derivative of the sum of the cross-entropies with respect to x, evaluation mode
  train/logits          BatchNorm in training mode
  train/loss            mean cross-entropy, training mode
  train/input_grad      derivative of the sum of the cross-entropies with respect to x, training mode
  train/grad/<name>     derivatives of train/loss

cnn-w4-imagenet is a network behind ImageNet's normalisation (metadata "normalization"). It, resnet18-w4 and densenet121-w4 also hold

  mask, noise           a perturbation mask (1 where a pixel may change) and a random start within ±8/255
  pgd/adv               masked PGD in L∞ from x + mask·noise: 10 steps of 2/255, radius 8/255, evaluation mode
  step1/<name>          state after one SIP-AT step (that attack; then SGD in training mode, learning rate 0.1)
  step0/<name>          the same for an attack of 4 steps that begins at x, which needs no noise
  clean3/<name>         state after three steps of SGD on x, learning rate 0.01

cnn-w4-imagenet also holds, in evaluation mode and for the class that the network predicts,

  salience/gradient     the derivative of the cross-entropy with respect to x
  salience/integrated   integrated gradients of the logit from a black image, at 32 midpoints
  salience/difference   the logit, less that of a black image
  salience/grad_cam     Grad-CAM at the last activation, scaled up bilinearly (align_corners=False)

Steps are taken with momentum 0.9 and weight decay 5e-4 on every parameter. To keep the files small, train/grad, step1, step0 and
clean3 leave out tensors of more than 4096 values; of densenet121-w4's layers they hold some.

Inputs and weights are rounded to float16 before anything is computed, so that float16 stores them exactly; results are
stored as float32. For scale, the distance of PyTorch's own float32 results is printed.
"""
import copy
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

CLASSES = 10
LARGEST = 4096
DENSE_LAYERS = {("denseblock1", "denselayer1"), ("denseblock1", "denselayer6"), ("denseblock2", "denselayer7"),
                ("denseblock3", "denselayer24"), ("denseblock4", "denselayer2"), ("denseblock4", "denselayer16")}


def conv(inputs, outputs, kernel, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def normalised(net, mean, std):
    """The network behind (x − mean) / std; the names of its state_dict stay as they are."""

    def shape(values, x):
        return torch.tensor(values, dtype=torch.float64).to(x.dtype).reshape(1, -1, 1, 1)

    net.register_forward_pre_hook(lambda _, inputs: ((inputs[0] - shape(mean, inputs[0])) / shape(std, inputs[0]),))
    return net


class SmallCNN(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.bn1 = conv(3, width, 3), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, 2 * width, 3, 2), nn.BatchNorm2d(2 * width)
        self.conv3, self.bn3 = conv(2 * width, 2 * width, 3), nn.BatchNorm2d(2 * width)
        self.conv4, self.bn4 = conv(2 * width, 4 * width, 3, 2), nn.BatchNorm2d(4 * width)
        self.fc = nn.Linear(4 * width, CLASSES)

    def forward(self, x):
        for layer, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3), (self.conv4, self.bn4)):
            x = norm(layer(x)).relu()
        self.activation = x
        return self.fc(x.mean((2, 3)))


class Basic(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        if stride != 1 or inputs != width:
            self.downsample = nn.Sequential(conv(inputs, width, 1, stride), nn.BatchNorm2d(width))
        else:
            self.downsample = nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.downsample(x)).relu()


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        if stride != 1 or inputs != 4 * width:
            self.downsample = nn.Sequential(conv(inputs, 4 * width, 1, stride), nn.BatchNorm2d(4 * width))
        else:
            self.downsample = nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        return (self.bn3(self.conv3(y)) + self.downsample(x)).relu()


class ResNet(nn.Module):
    def __init__(self, block, counts, width, stem):
        super().__init__()
        self.conv1 = conv(3, width, 7, 2) if stem == "imagenet" else conv(3, width, 3)
        self.bn1 = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, 1) if stem == "imagenet" else nn.Identity()
        channels = width
        for stage, count in enumerate(counts):
            blocks = []
            for index in range(count):
                blocks.append(block(channels, width << stage, 2 if stage and not index else 1))
                channels = (width << stage) * block.expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, CLASSES)

    def forward(self, x):
        x = self.pool(self.bn1(self.conv1(x)).relu())
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.fc(x.mean((2, 3)))


class PreActivation(nn.Module):
    """`shortcut`: the attribute that holds the shortcut's convolution, and whether it sits in a Sequential."""

    def __init__(self, inputs, outputs, stride, shortcut):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv(outputs, outputs, 3)
        self.reshape = None
        if stride != 1 or inputs != outputs:
            name, nested = shortcut
            layer = conv(inputs, outputs, 1, stride)
            self.add_module(name, nn.Sequential(layer) if nested else layer)
            self.reshape = name

    def forward(self, x):
        a = self.bn1(x).relu()
        y = self.conv2(self.bn2(self.conv1(a)).relu())
        return y + (getattr(self, self.reshape)(a) if self.reshape else x)


class PreActResNet(nn.Module):
    def __init__(self, counts, width):
        super().__init__()
        self.conv1 = conv(3, width, 3)
        channels = width
        for stage, count in enumerate(counts):
            blocks = []
            for index in range(count):
                stride = 2 if stage and not index else 1
                blocks.append(PreActivation(channels, width << stage, stride, ("shortcut", True)))
                channels = width << stage
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.bn, self.linear = nn.BatchNorm2d(channels), nn.Linear(channels, CLASSES)

    def forward(self, x):
        x = self.conv1(x)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.linear(self.bn(x).relu().mean((2, 3)))


class WideBlocks(nn.Module):
    def __init__(self, inputs, outputs, count, stride):
        super().__init__()
        self.layer = nn.Sequential(*[
            PreActivation(outputs if i else inputs, outputs, 1 if i else stride, ("convShortcut", False)) for i in range(count)
        ])

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, depth, widen, width):
        super().__init__()
        count, channels = (depth - 4) // 6, width * widen
        self.conv1 = conv(3, width, 3)
        self.block1 = WideBlocks(width, channels, count, 1)
        self.block2 = WideBlocks(channels, 2 * channels, count, 2)
        self.block3 = WideBlocks(2 * channels, 4 * channels, count, 2)
        self.bn1, self.fc = nn.BatchNorm2d(4 * channels), nn.Linear(4 * channels, CLASSES)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(self.bn1(x).relu().mean((2, 3)))


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, 4 * growth, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), conv(4 * growth, growth, 3)

    def forward(self, x):
        y = self.conv1(self.norm1(x).relu())
        return torch.cat([x, self.conv2(self.norm2(y).relu())], 1)


class Transition(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(inputs), conv(inputs, inputs // 2, 1)

    def forward(self, x):
        return F.avg_pool2d(self.conv(self.norm(x).relu()), 2)


class DenseNet(nn.Module):
    def __init__(self, counts, width):
        super().__init__()
        self.features = nn.Sequential()
        self.features.add_module("conv0", conv(3, width, 3))
        self.features.add_module("norm0", nn.BatchNorm2d(width))
        self.features.add_module("relu0", nn.ReLU())
        channels, growth = width, width // 2
        for block, count in enumerate(counts, 1):
            layers = nn.Sequential()
            for layer in range(1, count + 1):
                layers.add_module(f"denselayer{layer}", DenseLayer(channels, growth))
                channels += growth
            self.features.add_module(f"denseblock{block}", layers)
            if block < len(counts):
                self.features.add_module(f"transition{block}", Transition(channels))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, CLASSES)

    def forward(self, x):
        return self.classifier(self.features(x).relu().mean((2, 3)))


def drawn(module, generator):
    """The module with random weights and statistics, none of them neutral, all of them float16 numbers, in float64."""

    def fill(tensor, draw):
        tensor.data = draw(torch.empty(tensor.shape)).half().double()

    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d):
            deviation = (2 / (part.out_channels * part.kernel_size[0] ** 2)) ** 0.5
            fill(part.weight, lambda t: t.normal_(0, deviation, generator=generator))
        elif isinstance(part, nn.Linear):
            fill(part.weight, lambda t: t.uniform_(-0.3, 0.3, generator=generator))
            fill(part.bias, lambda t: t.uniform_(-0.3, 0.3, generator=generator))
        elif isinstance(part, nn.BatchNorm2d):
            # A bottleneck's last one stays small, or the gradients of fifty layers over a few values would be chaotic.
            low, high = (0.1, 0.4) if name.endswith("bn3") else (0.6, 1.4)
            fill(part.weight, lambda t: t.uniform_(low, high, generator=generator))
            fill(part.bias, lambda t: t.normal_(0, 0.1, generator=generator))
            fill(part.running_mean, lambda t: t.normal_(0, 0.1, generator=generator))
            fill(part.running_var, lambda t: t.uniform_(0.5, 1.5, generator=generator))
    return module.double()


def loss_sum(net, x, y):
    return F.cross_entropy(net(x), y, reduction="sum")


def input_gradient(net, x, y):
    x = x.clone().requires_grad_(True)
    return torch.autograd.grad(loss_sum(net, x, y), x)[0]


def state(net):
    return {name: value.clone() for name, value in net.state_dict().items() if value.is_floating_point()}


def small(prefix, tensors):
    def is_kept(name):
        parts = name.split(".")
        return "denseblock" not in name or (parts[1], parts[2]) in DENSE_LAYERS

    return {f"{prefix}/{name}": value for name, value in tensors.items() if value.numel() <= LARGEST and is_kept(name)}


def passes(net, x, y):
    """Logits and gradients in both modes; the network is left as it was."""
    net = copy.deepcopy(net)
    result = {}
    net.eval()
    result["eval/logits"] = net(x)
    result["eval/input_grad"] = input_gradient(net, x, y)
    net.train()
    result["train/logits"] = net(x)
    result["train/input_grad"] = input_gradient(net, x, y)
    net.zero_grad()
    loss = loss_sum(net, x, y) / len(y)
    loss.backward()
    result["train/loss"] = loss.reshape(1)
    result.update(small("train/grad", {name: parameter.grad for name, parameter in net.named_parameters()}))
    return {name: value.detach().clone() for name, value in result.items()}


def attack(net, x, y, mask, noise, steps=10, size=2 / 255, radius=8 / 255):
    net.eval()
    point = (x + mask * noise).clamp(0, 1)
    for _ in range(steps):
        direction = (mask * input_gradient(net, point, y)).sign()
        perturbation = (point + size * direction - x).clamp(-radius, radius)
        point = (x + perturbation).clamp(0, 1)
    return point


def trained(net, x, y, steps, rate, perturb=None):
    net = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
    for _ in range(steps):
        images = perturb(net) if perturb else x
        net.train()
        optimizer.zero_grad()
        F.cross_entropy(net(images), y).backward()
        optimizer.step()
    return state(net)


def sip_at(net, x, y, mask, noise):
    result = {"pgd/adv": attack(copy.deepcopy(net), x, y, mask, noise)}
    result.update(small("step1", trained(net, x, y, 1, 0.1, lambda net: attack(net, x, y, mask, noise))))
    still = torch.zeros_like(noise)
    result.update(small("step0", trained(net, x, y, 1, 0.1, lambda net: attack(net, x, y, mask, still, steps=4))))
    result.update(small("clean3", trained(net, x, y, 3, 0.01)))
    return result


def salience(net, x, steps=32):
    net.eval()
    y = net(x).argmax(1)
    logit = lambda images: net(images)[torch.arange(len(y)), y]
    total = torch.zeros_like(x)
    for k in range(steps):
        point = ((k + 0.5) / steps * x).requires_grad_(True)
        total += torch.autograd.grad(logit(point).sum(), point)[0]
    score = logit(x).sum()
    weights = torch.autograd.grad(score, net.activation)[0].mean((2, 3), keepdim=True)
    small = (weights * net.activation).sum(1, keepdim=True).relu()
    return {
        "salience/gradient": input_gradient(net, x, y),
        "salience/integrated": x * total / steps,
        "salience/difference": logit(x) - logit(torch.zeros_like(x)),
        "salience/grad_cam": F.interpolate(small, size=x.shape[2:], mode="bilinear", align_corners=False)[:, 0],
    }


def distance(results, exact):
    worst, name = max(((v.double() - exact[k]).norm() / exact[k].norm(), k) for k, v in results.items())
    return f"{worst.item():.1e} ({name})"


def make(file, net, seed, size, batch, metadata, with_attack=False, with_salience=False):
    generator = torch.Generator().manual_seed(seed)
    net = drawn(net, generator)
    x = torch.rand(batch, 3, size, size, generator=generator).half().double()
    y = torch.randint(CLASSES, (batch,), generator=generator)
    results = passes(net, x, y)
    inputs = {"x": x} | {f"param/{name}": value for name, value in state(net).items()}
    single = copy.deepcopy(net).float()
    print(f"{file}: float32 differs by {distance(passes(single, x.float(), y), results)}")
    if with_attack:
        centre = torch.rand(batch, 2, 1, 1, generator=generator) * size
        rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        far = (rows - centre[:, :1]) ** 2 + (columns - centre[:, 1:]) ** 2 > (size / 4) ** 2
        inputs["mask"] = far.double()
        inputs["noise"] = ((torch.rand(x.shape, generator=generator) * 2 - 1) * 7.9 / 255).half().double()
        arguments = (inputs["mask"], inputs["noise"])
        more = sip_at(net, x, y, *arguments)
        print(f"  after steps {distance(sip_at(single, x.float(), y, *(a.float() for a in arguments)), more)}")
        results |= more
    if with_salience:
        results |= {name: value.detach().clone() for name, value in salience(net, x).items()}
    tensors = {name: value.half() for name, value in inputs.items()} | {name: value.float() for name, value in results.items()}
    assert all(torch.equal(tensors[name].double(), value) for name, value in inputs.items())
    path = pathlib.Path(__file__).with_name(file + ".safetensors")
    save_file({name: value.contiguous() for name, value in tensors.items()} | {"y": y}, path, metadata=metadata)
    print(f"  {path.stat().st_size / 1e3:.0f} kB")


def main():
    torch.set_num_threads(1)
    make("resnet18-w4", ResNet(Basic, [2, 2, 2, 2], 4, "cifar"), 1, 32, 4,
         {"model": "resnet18", "width": "4", "stem": "cifar"}, with_attack=True)
    make("cnn-w4-imagenet", normalised(SmallCNN(4), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), 4, 16, 4,
         {"model": "cnn", "width": "4", "stem": "cifar", "normalization": "imagenet"}, with_attack=True, with_salience=True)
    make("densenet121-w4", DenseNet([6, 12, 24, 16], 4), 5, 16, 4,
         {"model": "densenet121", "width": "4", "stem": "cifar"}, with_attack=True)
    make("preact-resnet18-w4", PreActResNet([2, 2, 2, 2], 4), 2, 16, 4,
         {"model": "preact-resnet18", "width": "4", "stem": "cifar"})
    make("wide-resnet-10-1-w8", WideResNet(10, 1, 8), 3, 16, 4,
         {"model": "wide-resnet", "depth": "10", "widen": "1", "width": "8", "stem": "cifar"})
    make("resnet50-w4", ResNet(Bottleneck, [3, 4, 6, 3], 4, "imagenet"), 13, 32, 6,
         {"model": "resnet50", "width": "4", "stem": "imagenet"})


if __name__ == "__main__":
    main()
