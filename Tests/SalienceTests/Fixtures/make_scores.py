"""Writes scores.json, which the tests read: scores computed from their definitions, plainly. Run: python make_scores.py (needs numpy).

The maps are made by whole-number arithmetic, so that the tests can make them for themselves.
"""

import json
import pathlib

import numpy as np

here = pathlib.Path(__file__).parent
height, width, images = 12, 10, 5
threshold, coverage, epsilon = 0.5, 0.3, 2.0**-52
y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")


def truth(i):
    """A box with a soft edge; the last image is salient everywhere."""
    if i == images - 1:
        return np.ones((height, width))
    inside = (x >= 1 + i) & (x < 5 + i) & (y >= 2 * i) & (y < 2 * i + 4 + i)
    edge = (x == 5 + i) & (y >= 2 * i) & (y < 2 * i + 4 + i)
    return np.where(inside, 1, np.where(edge, 0.75 if i % 2 else 0.25, 0))


def prediction(i):
    """Sixteenths, with many ties; the second is constant, the third is zero inside the truth here and there."""
    if i == 1:
        return np.full((height, width), 0.25)
    values = (x * 7 + y * 13 + x * y + i * 31) % 17 + np.where(truth(i) > 0.5, 4, 0)
    return np.where(values > 16, 16, values) / 16


def distribution(values):
    return values / values.sum() if values.sum() > 0 else np.full(values.shape, 1 / values.size)


def stretched(values):
    spread = values.max() - values.min()
    return distribution((values - values.min()) / spread if spread > 0 else np.zeros(values.shape))


def area(p, positive, weights):
    """Every positive pixel against every negative one."""
    total = 0.0
    for value in p[positive]:
        total += (weights * ((value > p) + 0.5 * (value == p))).sum()
    return total / positive.sum() / weights.sum() if weights.sum() > 0 else None


def expected_overlap(p, positive, count):
    """Of the count largest values; ties at the end shared out."""
    limit = np.sort(p.ravel())[::-1][count - 1]
    above, tied = p > limit, p == limit
    both = (above & positive).sum() + (tied & positive).sum() * (count - above.sum()) / tied.sum()
    return both / (count + positive.sum() - both)


def scores(i):
    p, q = prediction(i), truth(i)
    positive = 1 - q < threshold
    others = np.zeros(p.shape)
    for j in range(images):
        if j != i:
            mask = 1 - truth(j) < threshold
            others += mask / mask.sum()
    protected = 1 - p < threshold
    constant = p.max() == p.min()
    a, b = distribution(p), distribution(q)
    return {
        "cc": 0 if constant or q.max() == q.min() else np.corrcoef(p.ravel(), q.ravel())[0, 1],
        "sim": np.minimum(stretched(p), stretched(q)).sum(),
        "kl": (b * np.log(epsilon + b / (a + epsilon))).sum(),
        "nss": 0 if constant else ((p - p.mean()) / p.std())[positive].mean(),
        "auc": area(p, positive, (~positive).astype(float)),
        "shuffled-auc": area(p, positive, others),
        "iou": (protected & positive).sum() / (protected | positive).sum(),
        "iou-equal-area": expected_overlap(p, positive, positive.sum()),
        "iou-coverage": expected_overlap(p, positive, round(coverage * p.size)),
        "pointing": positive[p == p.max()].mean(),
        "energy": p[positive].sum() / p.sum(),
    }


with open(here / "scores.json", "w") as f:
    json.dump([{k: None if v is None else float(v) for k, v in scores(i).items()} for i in range(images)], f, indent=1)
    f.write("\n")
