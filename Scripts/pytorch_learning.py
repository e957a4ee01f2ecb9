#!/usr/bin/env python3
"""Trains a ResNet-18 on CIFAR-10 with PyTorch DDP by the recipe of `sipat train`, so that only the training program differs.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 Scripts/pytorch_learning.py --data DIR --output FOLDER --mode at --epochs 5

What is the same: the images (the first ones of each class), batches of --batch over all ranks, BatchNorm's groups (each rank's part of a
batch; running statistics follow the ranks' mean), crop and flip of image and map alike (a map's border is repeated, an image's is
black), SGD with momentum 0.9 and weight decay on everything, the one-cycle schedule step by step, and the attack: in evaluation mode,
from a uniform start in the masked ball, signs of gradients, clipped to the ball and to [0, 1]. What differs are the random numbers.

FOLDER gets epoch-N.safetensors after each epoch (torchvision's names, which `sipat evaluate` reads) and, at the end, result.json with
the seconds of training. --budget is in core-seconds: a few steps are timed first, and as many steps are taken as fit.
"""
import argparse
import json
import math
import os
import statistics
import time

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from autoattack_official import resnet18

PADDING = 4


def fraction(text):
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder of CIFAR-10's binary files")
    parser.add_argument("--output", required=True)
    parser.add_argument("--mode", default="at", choices=["natural", "at", "sip-at"])
    parser.add_argument("--maps", help="an .npy of images × height × width, uint8 or float32, 1 where a pixel is meaningful")
    parser.add_argument("--threshold", type=float, default=0.5, help="a pixel may change if 1 − salience is at least this")
    parser.add_argument("--images", type=int, default=0, help="train on this many, balanced over classes; 0: all")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--budget", type=float, default=0, help="core-seconds to spend instead of --epochs")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--initialisation", default="torchvision", choices=["torchvision", "pytorch"])
    parser.add_argument("--batch", type=int, default=128, help="images per step, over all ranks")
    parser.add_argument("--epsilon", type=fraction, default=fraction("8/255"))
    parser.add_argument("--step-size", type=fraction, default=fraction("2/255"))
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--dtype", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def balanced(labels, count):
    """The first `count` images, evenly over the classes, in the data set's order."""
    if not 0 < count < len(labels):
        return np.arange(len(labels))
    places = np.zeros(len(labels), np.int64)
    for label in range(10):
        members = np.flatnonzero(labels == label)
        places[members] = np.arange(len(members))
    return np.sort(np.lexsort((labels, places))[:count])


def training_set(options):
    files = [os.path.join(options.data, f"data_batch_{i}.bin") for i in range(1, 6)]
    rows = np.concatenate([np.fromfile(path, np.uint8).reshape(-1, 3073) for path in files])
    labels, pixels = rows[:, 0].astype(np.int64), rows[:, 1:].reshape(-1, 3, 32, 32)
    maps = np.zeros((len(rows), 32, 32), np.float32)
    if options.mode == "sip-at":
        maps = np.load(options.maps)
        maps = maps.astype(np.float32) / 255 if maps.dtype == np.uint8 else maps
    chosen = balanced(labels, options.images)
    return [torch.from_numpy(np.ascontiguousarray(a[chosen])) for a in (pixels, labels, maps)]


def augmented(pixels, maps, generator):
    """Images in [0, 1] and maps, shifted and mirrored alike; channels last."""
    count, size = len(pixels), pixels.shape[-1]
    images = F.pad(pixels.float() / 255, [PADDING] * 4)
    both = torch.cat([images, F.pad(maps[:, None], [PADDING] * 4, mode="replicate")], 1).permute(0, 2, 3, 1)
    offsets = torch.randint(0, 2 * PADDING + 1, (2, count, 1), generator=generator)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    along = torch.arange(size)[None]
    rows, columns = offsets[0] + along, offsets[1] + torch.where(mirrored, size - 1 - along, along)
    placed = both[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return placed[:, :3].contiguous(memory_format=torch.channels_last), placed[:, 3:].contiguous()


class Trainer:
    """The network, its copies over the ranks, and one step of training."""

    def __init__(self, options, total):
        self.options = options
        torch.manual_seed(options.seed)
        self.net = resnet18(options.width, 10, "cifar", 3)
        if options.initialisation == "torchvision":
            for module in self.net.modules():
                if isinstance(module, torch.nn.Conv2d):
                    torch.nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.net = self.net.to(memory_format=torch.channels_last)
        self.model = DistributedDataParallel(self.net, broadcast_buffers=False) if dist.is_initialized() else self.net
        self.optimizer = torch.optim.SGD(self.net.parameters(), options.lr, 0.9, weight_decay=options.weight_decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, options.lr, total_steps=total, pct_start=0.3, cycle_momentum=False)
        self.running = [b for name, b in self.net.named_buffers() if "running" in name]

    def loss(self, module, images, labels, reduction="mean"):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.options.dtype == "bf16"):
            logits = module(images)
        return F.cross_entropy(logits.float(), labels, reduction=reduction)

    def attacked(self, images, labels, mask):
        epsilon, alpha = self.options.epsilon, self.options.step_size
        self.net.eval()
        self.net.requires_grad_(False)
        moved = (images + torch.empty_like(images).uniform_(-epsilon, epsilon) * mask).clamp(0, 1)
        for _ in range(self.options.steps):
            moved.requires_grad_(True)
            gradient, = torch.autograd.grad(self.loss(self.net, moved, labels, "sum"), moved)
            change = moved.detach() + alpha * gradient.sign() - images
            moved = (images + change.clamp(-epsilon, epsilon) * mask).clamp(0, 1)
        self.net.requires_grad_(True)
        self.net.train()
        return moved.contiguous(memory_format=torch.channels_last)

    def step(self, images, labels, maps):
        if self.options.mode != "natural":
            images = self.attacked(images, labels, (1 - maps >= self.options.threshold).float())
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.model, images, labels).backward()
        self.optimizer.step()
        self.schedule.step()
        if dist.is_initialized():
            flat = torch.cat([b.flatten() for b in self.running])
            dist.all_reduce(flat)
            for buffer, mean in zip(self.running, flat.div_(dist.get_world_size()).split([b.numel() for b in self.running])):
                buffer.copy_(mean)


def main():
    options = arguments()
    torch.set_num_threads(1)
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    rank, size = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    part = options.batch // size
    pixels, labels, maps = training_set(options)
    # All ranks draw the same order; geometry and the attack's start are each rank's own.
    order_generator = torch.Generator().manual_seed(options.seed)
    generator = torch.Generator().manual_seed(1000 * options.seed + rank)

    def step(trainer, batch):
        own = batch[rank * part:(rank + 1) * part]
        images, placed = augmented(pixels[own], maps[own], generator)
        trainer.step(images, labels[own], placed)

    per_epoch, epochs = len(pixels) // options.batch, options.epochs
    if options.budget > 0:
        trial, times = Trainer(options, 100), []
        for _ in range(8):
            start = time.perf_counter()
            step(trial, torch.arange(options.batch))
            times.append(time.perf_counter() - start)
        fits = torch.tensor([options.budget / size / statistics.median(times[2:])])
        if size > 1:
            dist.broadcast(fits, 0)
        total = max(4, int(fits.item()))
        epochs = math.ceil(total / per_epoch)
        per_epoch = total // epochs
        chosen = torch.from_numpy(balanced(labels.numpy(), per_epoch * options.batch))
        pixels, labels, maps = pixels[chosen], labels[chosen], maps[chosen]
    trainer = Trainer(options, per_epoch * epochs)
    torch.manual_seed(1000 * options.seed + rank)
    rows, seconds = [], 0.0
    for epoch in range(epochs):
        start = time.perf_counter()
        order = torch.randperm(len(pixels), generator=order_generator)
        for number in range(per_epoch):
            step(trainer, order[number * options.batch:(number + 1) * options.batch])
        if size > 1:
            dist.barrier()
        seconds += time.perf_counter() - start
        if rank == 0:
            os.makedirs(options.output, exist_ok=True)
            weights = {name: value.contiguous() for name, value in trainer.net.state_dict().items()}
            save_file(weights, os.path.join(options.output, f"epoch-{epoch + 1}.safetensors"))
            rows.append({"epoch": epoch + 1, "seconds": seconds})
            print(f"epoch {epoch + 1} of {epochs}, {per_epoch} steps each: {seconds:.0f} s", flush=True)
    if rank == 0:
        result = {"options": vars(options), "epochs": epochs, "stepsPerEpoch": per_epoch, "images": len(pixels), "ranks": size,
                  "seconds": seconds, "coreSeconds": size * seconds, "rows": rows, "torch": torch.__version__}
        with open(os.path.join(options.output, "result.json.partial"), "w") as file:
            json.dump(result, file, indent=1)
        os.replace(os.path.join(options.output, "result.json.partial"), os.path.join(options.output, "result.json"))
    if dist.is_initialized():
        # No rank may leave while another still talks to it; nor may DDP's threads outlive the group.
        dist.barrier()
        del trainer
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
