#!/usr/bin/env python3
"""Makes methods-cnn-w4.safetensors: what training methods come to in PyTorch, in float64, written as their authors write them.

    python3 make_methods.py            (PyTorch 2.13, safetensors; a few seconds)

As make_golden.py has it: x, y, param/<name>, mask and noise; images are NCHW. And

  loss/clean, loss/adversarial    random logits [8, 10], some of them far apart, and loss/y their labels
  loss/<name>                     the sum of the losses; loss/<name>/clean, loss/<name>/adversarial its derivatives (trades, mart)
  trades/adv                      masked PGD on KL(p(x) || p(x')) from x + mask*noise: 10 steps of 2/255, radius 8/255, evaluation mode
  <name>/<parameter or buffer>    the state after a step; the attack, where none is named, is cross-entropy's from x, in 4 steps

of these steps (momentum 0.9, weight decay 5e-4, learning rate 0.1 unless said):

  trades, mart      the objective, beta 6 and 5: clean images first, then attacked ones, so running statistics take both in turn
  awp               cross-entropy, weights perturbed by gamma 0.01
  trades-awp        the same around TRADES, gamma 0.005
  free              free training, 3 times through the batch (learning rate 0.05), inside the mask
  average           the moving average of the weights over 3 clean steps (learning rate 0.01), decay 0.9 and (1 + t)/(10 + t) at most
"""
import copy
import pathlib

import torch
from make_golden import CLASSES, SmallCNN, drawn, input_gradient, small, state
from safetensors.torch import save_file
from torch.nn import functional as F

RADIUS, SIZE = 8 / 255, 2 / 255


def trades(clean, adversarial, y, beta=6.0):
    divergence = F.kl_div(F.log_softmax(adversarial, 1), F.softmax(clean, 1), reduction="sum")
    return F.cross_entropy(clean, y, reduction="sum") + beta * divergence


def mart(clean, adversarial, y, beta=5.0):
    probabilities = F.softmax(adversarial, 1)
    top = torch.argsort(probabilities, 1)[:, -2:]
    other = torch.where(top[:, -1] == y, top[:, -2], top[:, -1])
    boosted = F.cross_entropy(adversarial, y, reduction="sum") + F.nll_loss(
        torch.log(1.0001 - probabilities + 1e-12), other, reduction="sum")
    natural = F.softmax(clean, 1)
    true = torch.gather(natural, 1, y.unsqueeze(1)).squeeze(1)
    divergence = F.kl_div(torch.log(probabilities + 1e-12), natural, reduction="none").sum(1)
    return boosted + beta * (divergence * (1.0000001 - true)).sum()


def losses(generator):
    clean = torch.randn(8, CLASSES, generator=generator).mul(3).half().double()
    adversarial = torch.randn(8, CLASSES, generator=generator).mul(3).half().double()
    clean[6] *= 16
    adversarial[7] *= 16
    y = torch.randint(CLASSES, (8,), generator=generator)
    result = {"loss/clean": clean, "loss/adversarial": adversarial}
    for name, loss in (("trades", trades), ("mart", mart)):
        a, b = clean.clone().requires_grad_(True), adversarial.clone().requires_grad_(True)
        value = loss(a, b, y)
        value.backward()
        result |= {f"loss/{name}": value.detach().reshape(1), f"loss/{name}/clean": a.grad, f"loss/{name}/adversarial": b.grad}
    return result, y


def ascend(net, x, mask, point, steps, gradient):
    """Masked PGD in evaluation mode."""
    net = copy.deepcopy(net).eval()
    for _ in range(steps):
        perturbation = (point + SIZE * (mask * gradient(net, point)).sign() - x).clamp(-RADIUS, RADIUS)
        point = (x + perturbation).clamp(0, 1)
    return point


def divergence_gradient(x):
    def gradient(net, point):
        point = point.clone().requires_grad_(True)
        divergence = F.kl_div(F.log_softmax(net(point), 1), F.softmax(net(x), 1), reduction="sum")
        return torch.autograd.grad(divergence, point)[0]

    return gradient


def perturbation_of_weights(net, loss, rate=0.01):
    proxy = copy.deepcopy(net).train()
    optimizer = torch.optim.SGD(proxy.parameters(), lr=rate)
    (-loss(proxy)).backward()
    optimizer.step()
    moved, result = dict(proxy.named_parameters()), {}
    for name, old in net.named_parameters():
        if old.dim() > 1 and "weight" in name:
            difference = moved[name].detach() - old.detach()
            result[name] = old.detach().norm() / (difference.norm() + 1e-20) * difference
    return result


def add(net, differences, factor):
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name in differences:
                parameter.add_(factor * differences[name])


def step(net, loss, gamma=0.0, rate=0.1):
    """The state after one step of SGD on the mean loss."""
    net = copy.deepcopy(net).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
    differences = perturbation_of_weights(net, loss) if gamma else {}
    add(net, differences, gamma)
    optimizer.zero_grad()
    loss(net).backward()
    optimizer.step()
    add(net, differences, -gamma)
    return state(net)


def free(net, x, y, mask, replays=3, rate=0.05):
    net = copy.deepcopy(net).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
    noise = torch.zeros_like(x)
    for _ in range(replays):
        batch = noise.clone().requires_grad_(True)
        loss = F.cross_entropy(net((x + mask * batch).clamp(0, 1)), y)
        optimizer.zero_grad()
        loss.backward()
        noise = (noise + mask * RADIUS * batch.grad.sign()).clamp(-RADIUS, RADIUS)
        optimizer.step()
    return state(net)


def average(net, x, y, decay=0.9):
    net = copy.deepcopy(net).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    means = {name: value.detach().clone() for name, value in net.named_parameters()}
    for t in range(1, 4):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        kept = min(decay, (1 + t) / (10 + t))
        means = {name: kept * means[name] + (1 - kept) * value.detach() for name, value in net.named_parameters()}
    return state(net) | means


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(21)
    net, batch, size = drawn(SmallCNN(4), generator), 6, 12
    x = torch.rand(batch, 3, size, size, generator=generator).half().double()
    y = torch.randint(CLASSES, (batch,), generator=generator)
    mask = (torch.rand(batch, 1, size, size, generator=generator) > 0.3).double()
    noise = ((torch.rand(x.shape, generator=generator) * 2 - 1) * 7.9 / 255).half().double()
    inputs = {"x": x, "mask": mask, "noise": noise} | {f"param/{name}": value for name, value in state(net).items()}

    results, labels = losses(generator)
    attacked = ascend(net, x, mask, x, 4, lambda net, point: input_gradient(net, point, y))
    results["trades/adv"] = ascend(net, x, mask, (x + mask * noise).clamp(0, 1), 10, divergence_gradient(x))

    def pair(loss):
        return lambda net: loss(net(x), net(attacked), y) / batch

    results |= small("trades", step(net, pair(trades)))
    results |= small("mart", step(net, pair(mart)))
    results |= small("awp", step(net, lambda net: F.cross_entropy(net(attacked), y), gamma=0.01))
    results |= small("trades-awp", step(net, pair(trades), gamma=0.005))
    results |= small("free", free(net, x, y, mask))
    results |= small("average", average(net, x, y))

    tensors = {name: value.half() for name, value in inputs.items()} | {name: value.float() for name, value in results.items()}
    assert all(torch.equal(tensors[name].double(), value) for name, value in inputs.items())
    path = pathlib.Path(__file__).with_name("methods-cnn-w4.safetensors")
    integers = {"y": y, "loss/y": labels}
    save_file({name: value.contiguous() for name, value in tensors.items()} | integers, path,
              metadata={"model": "cnn", "width": "4", "stem": "cifar"})
    print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
