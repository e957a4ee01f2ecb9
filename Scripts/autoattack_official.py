#!/usr/bin/env python3
"""Runs the official AutoAttack on weights of sipat, and compares what `sipat bench attacks` found on the same images.

    AUTOATTACK=path/to/auto-attack python3 Scripts/autoattack_official.py run --weights W --images I --labels L ... --json O
    python3 Scripts/autoattack_official.py compare OFFICIAL.json OURS.json
    python3 Scripts/autoattack_official.py images test_batch.bin --count 200 --output FOLDER

`run` rebuilds a ResNet-18 with torchvision's names, loads the safetensors, and hands the model and the images to the
official evaluator as its README says. AUTOATTACK names a checkout of https://github.com/fra31/auto-attack (this was written
against commit a3922004). `images` takes a class-balanced subset of a CIFAR-10 batch.
"""
import argparse
import json
import os
import sys
import time

import numpy as np


def resnet18(width, classes, stem, channels):
    import torch
    from torch import nn

    def conv(inputs, outputs, size, stride=1):
        return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
            self.conv2, self.bn2 = conv(outputs, outputs, 3), nn.BatchNorm2d(outputs)
            self.downsample = None
            if stride != 1 or inputs != outputs:
                self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

        def forward(self, x):
            y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
            return torch.relu(y + (x if self.downsample is None else self.downsample(x)))

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = conv(channels, width, 7, 2) if stem == "imagenet" else conv(channels, width, 3)
            self.bn1 = nn.BatchNorm2d(width)
            self.pool = nn.MaxPool2d(3, 2, 1) if stem == "imagenet" else nn.Identity()
            inputs = width
            for stage in range(4):
                outputs = width << stage
                blocks = [Block(inputs, outputs, 1 if stage == 0 else 2), Block(outputs, outputs, 1)]
                self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
                inputs = outputs
            self.fc = nn.Linear(inputs, classes)

        def forward(self, x):
            x = self.pool(torch.relu(self.bn1(self.conv1(x))))
            for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
                x = layer(x)
            return self.fc(x.mean((2, 3)))

    return ResNet()


def run(options):
    import torch
    from safetensors.torch import load_file
    path = os.environ.get("AUTOATTACK")
    if not path or not os.path.exists(os.path.join(path, "autoattack", "autoattack.py")):
        sys.exit("AUTOATTACK names no checkout of https://github.com/fra31/auto-attack")
    sys.path.insert(0, path)
    from autoattack import AutoAttack
    from autoattack.state import EvaluationState
    torch.set_num_threads(options.threads)
    images = np.load(options.images)
    if images.dtype == np.uint8:
        images = images.astype(np.float32) / 255
    x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    y = torch.from_numpy(np.load(options.labels).astype(np.int64))
    model = resnet18(options.width, options.classes, options.stem, x.shape[1])
    model.load_state_dict(load_file(options.weights))
    model.eval()
    a, _, b = options.epsilon.partition("/")
    epsilon = float(a) / float(b or 1)
    # Of all threads, and of nothing else: on a machine that others use too, the fairer of the two.
    rows, state = [], {"wall": time.time(), "cpu": time.process_time()}
    add = EvaluationState.add_run_attack

    def recording(self, attack):
        add(self, attack)
        wall, cpu = time.time(), time.process_time()
        rows.append({"attack": attack, "seconds": wall - state["wall"], "processorSeconds": cpu - state["cpu"],
                     "standing": int(self.robust_flags.sum()), "flags": self.robust_flags.tolist()})
        print(f"{attack}: {rows[-1]['standing']} of {len(y)}, {rows[-1]['seconds']:.1f} s", flush=True)
        save()
        state.update(wall=wall, cpu=cpu)

    with torch.no_grad():
        clean = model(x).argmax(1) == y

    def save():
        with open(options.json, "w") as file:
            json.dump({"images": len(y), "clean": int(clean.sum()), "cleanFlags": clean.tolist(), "rows": rows}, file)

    EvaluationState.add_run_attack = recording
    norm = {"linf": "Linf", "l2": "L2"}[options.norm]
    if options.attacks in ("standard", "plus", "rand"):
        judge = AutoAttack(model, norm=norm, eps=epsilon, version=options.attacks, device="cpu", seed=options.seed, verbose=False)
    else:
        judge = AutoAttack(model, norm=norm, eps=epsilon, version="custom", attacks_to_run=options.attacks.split(","),
                           device="cpu", seed=options.seed, verbose=False)
        judge.apgd.n_restarts = judge.fab.n_restarts = 1
    judge.run_standard_evaluation(x, y, bs=options.batch)
    save()


def compare(options):
    official, ours = json.load(open(options.official)), json.load(open(options.ours))
    count = official["images"]
    assert count == ours["images"], "different images"
    broken = ours["brokenBy"]
    order = ["clean"] + [row["attack"]["name"] for row in ours["rows"]]
    print("| attack | official: robust, s, CPU s | sipat: robust, s, CPU s | equal flags | time | CPU time |\n"
          "| :--- | ---: | ---: | ---: | ---: | ---: |")
    flags = [b != "clean" for b in broken]
    equal = sum(a == b for a, b in zip(flags, official["cleanFlags"]))
    print(f"| clean | {official['clean']} | {ours['clean']} | {100 * equal / count:.1f} % | | |")
    totals = [0, 0, 0, 0]
    for i, row in enumerate(official["rows"]):
        if i >= len(ours["rows"]):
            print(f"| {row['attack']} | {row['standing']} | none left | | | |")
            continue
        mine = ours["rows"][i]
        assert mine["attack"]["name"] == row["attack"], "different attacks"
        flags = [b not in order[:i + 2] for b in broken]
        equal = sum(a == b for a, b in zip(flags, row["flags"]))
        times = [row["seconds"], row["processorSeconds"], mine["seconds"], mine["processorSeconds"]]
        totals = [a + b for a, b in zip(totals, times)]
        print(f"| {row['attack']} | {row['standing']}, {times[0]:.1f}, {times[1]:.1f} | {mine['standing']}, {times[2]:.1f}, "
              f"{times[3]:.1f} | {100 * equal / count:.1f} % | {times[2] / times[0]:.2f} | {times[3] / times[1]:.2f} |")
    if totals[0]:
        print(f"| together | {totals[0]:.1f}, {totals[1]:.1f} | {totals[2]:.1f}, {totals[3]:.1f} | | "
              f"{totals[2] / totals[0]:.2f} | {totals[3] / totals[1]:.2f} |")


def images(options):
    rows = np.fromfile(options.batch, np.uint8).reshape(-1, 3073)
    each = options.count // 10
    chosen = np.sort(np.concatenate([np.flatnonzero(rows[:, 0] == c)[:each] for c in range(10)]))
    pixels = rows[chosen, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    os.makedirs(options.output, exist_ok=True)
    np.save(os.path.join(options.output, "images.npy"), np.ascontiguousarray(pixels))
    np.save(os.path.join(options.output, "labels.npy"), rows[chosen, 0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("run")
    for name in ("weights", "images", "labels", "json"):
        command.add_argument(f"--{name}", required=True)
    command.add_argument("--width", type=int, default=64)
    command.add_argument("--classes", type=int, default=10)
    command.add_argument("--stem", default="cifar", choices=["cifar", "imagenet"])
    command.add_argument("--norm", default="linf", choices=["linf", "l2"])
    command.add_argument("--epsilon", default="8/255")
    command.add_argument("--attacks", default="standard")
    command.add_argument("--batch", type=int, default=250)
    command.add_argument("--threads", type=int, default=2)
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(act=run)
    command = commands.add_parser("compare")
    command.add_argument("official")
    command.add_argument("ours")
    command.set_defaults(act=compare)
    command = commands.add_parser("images")
    command.add_argument("batch")
    command.add_argument("--count", type=int, default=200)
    command.add_argument("--output", required=True)
    command.set_defaults(act=images)
    options = parser.parse_args()
    options.act(options)


if __name__ == "__main__":
    main()
