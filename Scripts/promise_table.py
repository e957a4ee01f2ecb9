"""The tables and the picture of Scripts/promise: python3 promise_table.py FOLDER METHODS SEEDS RADII ATTACK

A SIP-AT point is compared with a curve at the point's clean accuracy or above. Between two models A and B of the curve lies the one that
answers by A with probability w and by B otherwise; w is chosen so that its clean accuracy is the point's. Its robust accuracy is
w·A + (1 − w)·B: the chord. Of all pairs' chords, and of the models that are themselves at least as clean, the most robust is the rival:
one's choice among rivals, too, would fall on it. The difference is paired image by image. Its variance over images follows from
the influence of each image, that on w included (delta method); seeds add the variance of their mean. p is two-sided and normal,
adjusted over all tests of a table by Holm.
"""
import json
import math
import os
import sys
from itertools import combinations

from chart import Panel, Point, Series, svg
from experiment_results import holm, mean, normal_tail, outcomes, sample_deviation, spread


def averaged(runs, radius):
    """For each image the share of seeds whose model stands."""
    return [mean(values) for values in zip(*(run[radius] for run in runs))]


class Rival:
    """The mixture of two models of a curve that has a point's clean accuracy; of one with itself: that model."""

    def __init__(self, first, second, clean):
        a, b = mean(first[0]), mean(second[0])
        self.first, self.second = first, second
        self.slope = a - b
        self.weight = (clean - b) / self.slope if self.slope else 0.5

    def robust(self, radius):
        return self.weight * mean(self.first[radius]) + (1 - self.weight) * mean(self.second[radius])

    def influences(self, point, radius):
        """A value for each image: their mean is the difference, their variance over the images' number that of the difference."""
        w, a, b = self.weight, self.first, self.second
        turn = (mean(a[radius]) - mean(b[radius])) / self.slope if self.slope else 0
        return [s - w * x - (1 - w) * y - turn * (c - w * u - (1 - w) * v)
                for s, x, y, c, u, v in zip(point[radius], a[radius], b[radius], point[0], a[0], b[0])]


def rival(point, curve, radius):
    """The strongest mixture or model at least as clean as a point; None where no model of the curve is."""
    clean = mean(point[0])
    ordered = sorted(curve, key=lambda model: mean(model[0]))
    fitting = [Rival(a, a, clean) for a in ordered if mean(a[0]) >= clean]
    fitting += [Rival(a, b, clean) for a, b in combinations(ordered, 2) if mean(a[0]) < clean < mean(b[0])]
    return max(fitting, key=lambda r: r.robust(radius), default=None)


def difference(point, curve, radius):
    """Point and curve: for each method the seeds' vectors. Difference, standard error, and each seed's difference (None: beyond the curve)."""
    radii = list(point[0])

    def pooled(runs):
        return {r: averaged(runs, r) for r in radii}

    whole, members = pooled(point), [pooled(runs) for runs in curve]
    other = rival(whole, members, radius)
    if other is None:
        return None
    values = other.influences(whole, radius)
    change = mean(whole[radius]) - other.robust(radius)
    variance = sample_deviation(values) ** 2 / len(values)
    each = []
    for number, run in enumerate(point):
        own = rival(run, [runs[number] for runs in curve], radius)
        each.append(mean(run[radius]) - own.robust(radius) if own else None)
    known = [value for value in each if value is not None]
    if len(known) > 1:
        variance += sample_deviation(known) ** 2 / len(known)
    return {"difference": change, "error": math.sqrt(variance), "seeds": each}


def curves(methods):
    """Names of the two curves' members, in the order of radius and of β; natural training is the end of both."""
    def members(prefix):
        own = sorted((m for m in methods if m.startswith(prefix)), key=lambda m: float(m[len(prefix):]))
        return (["natural"] if own else []) + own
    return {"AT": members("at-"), "TRADES": members("trades-")}


def verdict(test, adjusted):
    """Above or below only if the adjusted p is below 0.05 and no seed says otherwise."""
    signs = {value > 0 for value in test["seeds"] if value is not None}
    if adjusted >= 0.05 or len(signs) != 1:
        return ""
    return " **above**" if test["difference"] > 0 else " **below**"


def accuracies(title, results, methods, radii):
    print(f"\n| trained | clean, % | {' | '.join(f'{title}, {r}/255' for r in radii)} |\n| :--- | ---: |{' ---: |' * len(radii)}")
    for method in methods:
        cells = [spread([mean(run[r]) for run in results[method]]) for r in [0, *map(float, radii)]]
        print(f"| {method} | {' | '.join(cells)} |")


def label(method, name):
    """What a point of a curve is called; natural training, which both end in, only once."""
    return method.split("-")[-1] if method != "natural" or name == "AT" else ""


def picture(results, methods, names, radii, title):
    panels = []
    for radius in radii:
        def point(method, label="", r=float(radius)):
            clean, robust = ([100 * mean(run[x]) for run in results[method]] for x in (0, r))
            many = len(clean) > 1
            return Point(mean(clean), mean(robust), label, (min(clean), max(clean)) if many else None, (min(robust), max(robust)) if many else None)
        series = [Series(f"{name} ({'ε in 255ths' if name == 'AT' else 'β'})", [point(m, label(m, name)) for m in members])
                  for name, members in names.items() if members]
        on_curves = {m for members in names.values() for m in members}
        series += [Series(m, [point(m)], line=False) for m in methods if m not in on_curves]
        panels.append(Panel(f"{title}, {radius}/255", series))
    return svg("Clean against robust accuracy", panels, "clean accuracy, %", "accuracy under attack, %", columns=2,
               note="Bars: least to greatest over seeds. What images, machine and seeds these are stands beside the table.")


def main():
    folder, methods, seeds, radii, attack = sys.argv[1], sys.argv[2].split(), sys.argv[3].split(), sys.argv[4].split(), sys.argv[5]
    title = "AutoAttack" if attack == "autoattack" else attack
    results = {kind: {m: [outcomes(os.path.join(folder, f"{m}-{seed}.{kind}")) for seed in seeds] for m in methods} for kind in ("attack", "pgd")}
    names = curves(methods)
    on_curves = {m for members in names.values() for m in members}
    accuracies(title, results["attack"], methods, radii)
    accuracies("PGD-20", results["pgd"], methods, radii)
    tests = []
    for name, members in names.items():
        for method in (m for m in methods if members and m not in on_curves):
            for radius in radii:
                test = difference(results["attack"][method], [results["attack"][m] for m in members], float(radius))
                tests.append({"curve": name, "method": method, "radius": radius, **(test or {"difference": None})})
    known = [test for test in tests if test["difference"] is not None]
    for test in known:
        test["p"] = normal_tail(test["difference"] / test["error"]) if test["error"] else 1.0
    for name in names:
        own = [test for test in known if test["curve"] == name]
        for test, adjusted in zip(own, holm([test["p"] for test in own])):
            test["holm"] = adjusted
            test["verdict"] = verdict(test, adjusted).strip(" *")
        rows = [test for test in tests if test["curve"] == name]
        if not rows:
            continue
        print(f"\nPoints under {title}, less the {name} curve ({', '.join(names[name])}) at no less clean accuracy, ± 95 %:\n\n"
              f"| trained | clean, % | {' | '.join(f'{r}/255' for r in radii)} |\n| :--- | ---: |{' ---: |' * len(radii)}")
        for method in dict.fromkeys(test["method"] for test in rows):
            cells = []
            for test in (t for t in rows if t["method"] == method):
                cells.append("cleaner than the curve" if test["difference"] is None else
                             f"{100 * test['difference']:+.1f} ± {196 * test['error']:.1f}{verdict(test, test['holm'])}")
            print(f"| {method} | {100 * mean([mean(run[0]) for run in results['attack'][method]]):.1f} | {' | '.join(cells)} |")
    count = len(results["attack"][methods[0]][0][0])
    print(f"\nMeans over the seeds (least–greatest), {count} test images. **above**, **below**: Holm's p over this table below 0.05, and all seeds agree\n"
          "in sign. The rival is, of the curve's models and the mixtures that answer by one or another of two at random, the most robust that is at\n"
          "least as clean. Intervals are over images, paired, "
          f"{'and over seeds' if len(seeds) > 1 else 'not over seeds: there is one'}. Positive is more robust than the rival.")
    with open(os.path.join(folder, "promise.json"), "w") as file:
        json.dump({"attack": attack, "seeds": seeds, "images": count, "tests": tests, "accuracies": {
            kind: {m: {str(r): [mean(run[r]) for run in runs] for r in runs[0]} for m, runs in own.items()} for kind, own in results.items()}}, file, indent=1)
    with open(os.path.join(folder, "promise.svg"), "w") as file:
        file.write(picture(results["attack"], methods, names, radii, title))


if __name__ == "__main__":
    main()
