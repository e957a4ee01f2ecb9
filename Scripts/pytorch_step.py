#!/usr/bin/env python3
"""The SIP-AT step of `sipat bench step` in PyTorch DDP over gloo, for a ratio taken on the same cores in the same minutes.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 Scripts/pytorch_step.py --model resnet18 --width 64 --batch 64 --pgd-steps 10

Rank 0 prints one JSON line. The attack runs in evaluation mode and asks for the input gradient only; the update runs in
training mode under DistributedDataParallel. --dtype bf16 uses autocast for both.
"""
import argparse
import json
import os
import resource
import statistics
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel


def conv(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)


class Block(nn.Module):
    """A residual block of ResNet: two 3x3 convolutions, or 1x1, 3x3, 1x1."""

    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = width * (4 if bottleneck else 1)
        sizes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)] if bottleneck else [
            (inputs, width, 3, stride), (width, width, 3, 1)]
        self.convs = nn.ModuleList(conv(*s) for s in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(s[1]) for s in sizes)
        self.skip = None
        if stride != 1 or inputs != outputs:
            self.skip = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.outputs = outputs

    def forward(self, x):
        y = x
        for i, (c, n) in enumerate(zip(self.convs, self.norms)):
            y = n(c(y))
            if i + 1 < len(self.convs):
                y = F.relu(y)
        return F.relu(y + (x if self.skip is None else self.skip(x)))


class PreBlock(nn.Module):
    """A pre-activation block of WideResNet."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.n1, self.c1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 3, stride)
        self.n2, self.c2 = nn.BatchNorm2d(outputs), conv(outputs, outputs, 3)
        self.skip = None if stride == 1 and inputs == outputs else conv(inputs, outputs, 1, stride)

    def forward(self, x):
        a = F.relu(self.n1(x))
        y = self.c2(F.relu(self.n2(self.c1(a))))
        return y + (x if self.skip is None else self.skip(a))


def network(name, width, classes):
    if name == "wide-resnet-28-10":
        layers, channels = [conv(3, 16, 3)], 16
        for stage, w in enumerate((160, 320, 640)):
            for i in range(4):
                layers.append(PreBlock(channels, w, 2 if stage > 0 and i == 0 else 1))
                channels = w
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
    else:
        bottleneck = name == "resnet50"
        layers = ([conv(3, width, 7, 2), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)] if bottleneck
                  else [conv(3, width, 3), nn.BatchNorm2d(width), nn.ReLU()])
        channels = width
        for stage, count in enumerate((3, 4, 6, 3) if bottleneck else (2, 2, 2, 2)):
            for i in range(count):
                block = Block(channels, width << stage, 2 if stage > 0 and i == 0 else 1, bottleneck)
                channels = block.outputs
                layers.append(block)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="resnet18", choices=["resnet18", "wide-resnet-28-10", "resnet50"])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64, help="images per rank")
    parser.add_argument("--input-size", type=int, default=32)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--pgd-steps", type=int, default=10)
    parser.add_argument("--dtype", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    distributed = "RANK" in os.environ
    if distributed:
        dist.init_process_group("gloo")
    torch.manual_seed(0)
    net = network(options.model, options.width, options.classes).to(memory_format=torch.channels_last)
    model = DistributedDataParallel(net) if distributed else net
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    size = options.input_size
    images = torch.rand(options.batch, 3, size, size).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, options.classes, (options.batch,))
    mask = (torch.rand(options.batch, 1, size, size) > 0.5).float()
    epsilon, alpha = 8 / 255, 2 / 255

    def logits(module, x):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.dtype == "bf16"):
            return module(x).float()

    def step():
        net.eval()
        net.requires_grad_(False)
        adversarial = (images + torch.empty_like(images).uniform_(-epsilon, epsilon) * mask).clamp(0, 1)
        for _ in range(options.pgd_steps):
            adversarial.requires_grad_(True)
            loss = F.cross_entropy(logits(net, adversarial), labels, reduction="sum")
            gradient, = torch.autograd.grad(loss, adversarial)
            moved = adversarial.detach() + alpha * (gradient * mask).sign()
            adversarial = (images + (moved - images).clamp(-epsilon, epsilon)).clamp(0, 1)
        net.train()
        net.requires_grad_(True)
        optimizer.zero_grad()
        F.cross_entropy(logits(model, adversarial), labels).backward()
        optimizer.step()

    def barrier():
        if distributed:
            dist.barrier()

    step()
    times = []
    for _ in range(options.repeats):
        barrier()
        start = time.perf_counter()
        step()
        barrier()
        times.append(time.perf_counter() - start)
    ranks = dist.get_world_size() if distributed else 1
    if not distributed or dist.get_rank() == 0:
        median = statistics.median(times)
        print(json.dumps({"imagesPerSecond": ranks * options.batch / median, "stepSeconds": median,
                          "residentBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
    if distributed:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
