"""What the experiments read and how they count. Imported by their scripts; nothing but the standard library.

A vector has a number for each test image, in the images' order: 1 where the model is right and stays right, else 0.
"""
import json
import math
import os


def outcomes(folder):
    """Vectors of an evaluation's folder, by radius in 255ths; 0 is clean. An image stands if no attack of a radius moved it."""
    broken, images = {}, set()
    with open(os.path.join(folder, "evaluation.json")) as file:
        radii = [round(255 * epsilon, 3) for epsilon in json.load(file)["epsilons"] if epsilon > 0]
    with open(os.path.join(folder, "ledger.jsonl")) as file:
        for text in file:
            line = json.loads(text)
            if "index" not in line or line["region"] != "all":
                continue
            images.add(line["index"])
            if line["success"]:
                broken.setdefault(round(255 * line["epsilon"], 3), set()).add(line["index"])
    order, wrong = sorted(images), broken.get(0, set())
    vectors = {0: [int(i not in wrong) for i in order]}
    for radius in radii:
        fallen = wrong | broken.get(radius, set())
        vectors[radius] = [int(i not in fallen) for i in order]
    return vectors


def mean(values):
    return sum(values) / len(values)


def spread(values):
    """Percentages: the mean, with least and greatest if there are several."""
    text = f"{100 * mean(values):.1f}"
    return text + (f" ({100 * min(values):.1f}–{100 * max(values):.1f})" if len(values) > 1 else "")


def sample_deviation(values):
    centre = mean(values)
    return math.sqrt(sum((v - centre) ** 2 for v in values) / (len(values) - 1))


def normal_tail(z):
    """The two-sided p of a normal deviate."""
    return math.erfc(abs(z) / math.sqrt(2))


def t_quantile(freedom):
    """The 97.5 % quantile of Student's t, for whole degrees of freedom."""
    table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101]
    return table[int(freedom) - 1] if 1 <= freedom < len(table) + 1 else 2.0


def holm(values):
    """Holm's adjusted p-values, in the order given."""
    adjusted, greatest = [0.0] * len(values), 0.0
    for place, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        greatest = max(greatest, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = greatest
    return adjusted
