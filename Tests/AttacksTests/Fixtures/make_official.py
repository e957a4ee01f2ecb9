#!/usr/bin/env python3
"""Makes official.json: what the official AutoAttack does on a tiny network, step by step.

    AUTOATTACK=path/to/auto-attack python3 make_official.py       (PyTorch 2.13; a few seconds)

AUTOATTACK names a checkout of https://github.com/fra31/auto-attack, commit a3922004. Images are [height, width, channels].

  weights     w1 [hidden, values], b1, w2 [classes, hidden], b2 of logits = w2 · relu(w1 · image + b1) + b2
  images      with labels, all of them classified correctly
  apgd        for each loss and norm, from the starts given: losses after each iteration [iterations, images], the starting
              losses, for each image the iterations (from 1) after which the step was halved, the best losses, and who fell
  fab         distances of the nearest adversarial images for the class ranking second, and untargeted
  patterns    what Square adds to windows in L2, by side; not transposed
"""
import json
import os
import pathlib
import sys

sys.path.insert(0, os.environ["AUTOATTACK"])
import torch
from autoattack.autopgd_base import APGDAttack, APGDAttack_targeted
from autoattack.fab_pt import FABAttack_PT
from autoattack.square import SquareAttack
from torch import nn

HEIGHT, WIDTH, CHANNELS, HIDDEN, CLASSES, COUNT = 4, 5, 3, 24, 5, 6
VALUES = HEIGHT * WIDTH * CHANNELS


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2 = nn.Linear(VALUES, HIDDEN), nn.Linear(HIDDEN, CLASSES)

    def forward(self, x):
        return self.l2(torch.relu(self.l1(x.permute(0, 2, 3, 1).reshape(len(x), -1))))


def flat(x):
    return [float(v) for v in x.detach().float().reshape(-1)]


def nhwc(x):
    return flat(x.permute(0, 2, 3, 1))


torch.manual_seed(0)
model = Tiny()
with torch.no_grad():
    for p in model.parameters():
        p.copy_((torch.randn_like(p) * (0.6 if p.ndim == 2 else 0.1) * 256).round() / 256)
model.requires_grad_(False)
x = (torch.rand(COUNT, CHANNELS, HEIGHT, WIDTH) * 255).round() / 255
y = model(x).argmax(1)
out = {"shape": [HEIGHT, WIDTH, CHANNELS], "classes": CLASSES, "hidden": HIDDEN, "w1": flat(model.l1.weight), "b1": flat(model.l1.bias),
       "w2": flat(model.l2.weight), "b2": flat(model.l2.bias), "images": nhwc(x), "labels": y.tolist(), "apgd": [], "fab": []}


def traced(attack, start):
    """Runs the attack and looks over its shoulder: the local variables at the head of each iteration."""
    steps, final = {}, {}

    def look(frame, event, _):
        if frame.f_code.co_name != "attack_single_run":
            return None

        def inside(frame, event, _):
            names = frame.f_locals
            # What is seen last in an iteration is the step after it was judged.
            if "i" in names:
                steps[names["i"]] = names["step_size"].clone().flatten()
            if event == "return":
                final.update(losses=names["loss_steps"].clone())
            return inside

        return inside

    sys.settrace(look)
    best, acc, loss, adversarial = attack.attack_single_run(x, y, x_init=start)
    sys.settrace(None)
    return best, acc, loss, adversarial, torch.stack([steps[i] for i in sorted(steps)]), final["losses"]


def halved(steps):
    return [[i + 1 for i in range(1, len(steps)) if steps[i, n] < steps[i - 1, n]] for n in range(steps.shape[1])]


for norm, epsilon in (("Linf", 0.1), ("L2", 0.5)):
    for loss in ("ce", "dlr", "dlr-targeted"):
        kind = APGDAttack_targeted if loss == "dlr-targeted" else APGDAttack
        attack = kind(model, norm=norm, eps=epsilon, device="cpu")
        attack.loss = loss
        attack.init_hyperparam(x)
        if loss == "dlr-targeted":
            attack.y_target = model(x).sort(dim=1)[1][:, -2]
        noise = torch.rand_like(x) * 2 - 1
        noise = noise / noise.abs().amax((1, 2, 3), True) if norm == "Linf" else noise / noise.pow(2).sum((1, 2, 3), True).sqrt()
        start = (x + 0.9 * epsilon * noise).clamp(0, 1)
        best, acc, value, adversarial, steps, losses = traced(attack, start)
        logits = model(start)
        first = {"ce": lambda: nn.functional.cross_entropy(logits, y, reduction="none"), "dlr": lambda: attack.dlr_loss(logits, y),
                 "dlr-targeted": lambda: attack.dlr_loss_targeted(logits, y)}[loss]()
        out["apgd"].append({"norm": norm.lower(), "epsilon": epsilon, "loss": loss, "starts": nhwc(start), "startLosses": flat(first),
                            "losses": flat(losses), "halved": halved(steps),
                            "bestLosses": flat(value), "fell": (acc == 0).tolist()})
    for targeted in (True, False):
        attack = FABAttack_PT(model, norm=norm, eps=epsilon, device="cpu", n_iter=100)
        attack.target_class = 2
        adversarial = attack.attack_single_run(x, y, is_targeted=targeted)
        move = (adversarial - x).flatten(1)
        size = move.abs().amax(1) if norm == "Linf" else move.pow(2).sum(1).sqrt()
        out["fab"].append({"norm": norm.lower(), "isTargeted": targeted, "distances": flat(size)})

square = SquareAttack(model, norm="L2", eps=1, device="cpu")
out["patterns"] = []
for side in (1, 3, 5, 6, 9):
    torch.manual_seed(0)
    while True:
        state = torch.get_rng_state()
        if torch.rand([1]) <= 0.5:
            torch.set_rng_state(state)
            break
    out["patterns"].append({"side": side, "values": flat(square.eta(side))})
json.dump(out, open(pathlib.Path(__file__).with_name("official.json"), "w"))
