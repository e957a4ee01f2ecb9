"""The table and picture of Scripts/frontier: python3 frontier_table.py FOLDER METHODS BUDGETS SEEDS RANKS ATTACK"""
import json
import os
import sys

from chart import Panel, Point, Series, svg
from experiment_results import mean, outcomes, spread

BATCH = 128


def training(folder, ranks):
    """Core-minutes and what was trained on, of a finished run of either program."""
    peer = os.path.join(folder, "result.json")
    if os.path.exists(peer):
        with open(peer) as file:
            result = json.load(file)
        return result["coreSeconds"] / 60, f"{result['epochs']} × {result['images']}"
    with open(os.path.join(folder, "metrics.jsonl")) as file:
        lines = [json.loads(text) for text in file]
    epochs = [line for line in lines if line["type"] == "epoch"]
    with open(os.path.join(folder, "recipe.yaml")) as file:
        recipe = file.read()
    limit = next(line.split()[1] for line in recipe.splitlines() if line.strip().startswith("limit:"))
    planned = int(next(line.split()[1] for line in recipe.splitlines() if line.startswith("epochs:")))
    stopped = "" if len(epochs) == planned else f", stopped after {len(epochs)}"
    # An epoch that the watch took back has no line of its own, but its steps have.
    told = {line["epoch"] for line in epochs}
    taken_back = sum(BATCH / line["imagesPerSecond"] for line in lines if line["type"] == "step" and line["epoch"] not in told)
    return (sum(line["seconds"] for line in epochs) + taken_back) * ranks / 60, f"{planned} × {limit}{stopped}"


def point(folder, method, budget, seeds, ranks):
    """What the seeds of a method and a budget came to; None before all are finished."""
    runs = [os.path.join(folder, f"{method}-{budget}-{seed}") for seed in seeds]
    if not all(os.path.exists(f"{run}.{kind}/finished") for run in runs for kind in ("pgd", "attack")):
        return None
    trained = [training(run, ranks) for run in runs]
    pgd, attack = ([outcomes(f"{run}.{kind}") for run in runs] for kind in ("pgd", "attack"))
    return {"method": method, "budget": float(budget), "seeds": seeds, "coreMinutes": [minutes for minutes, _ in trained],
            "trained": trained[0][1], "images": len(pgd[0][0]), "clean": [mean(v[0]) for v in pgd],
            "pgd20": [mean(v[8.0]) for v in pgd], "attack": [mean(v[8.0]) for v in attack]}


def cheapest(points, accuracy):
    """The least core-minutes of ours that reach an accuracy under the attack; None if none does."""
    enough = [p for p in points if not p["method"].startswith("pytorch-") and mean(p["attack"]) >= accuracy]
    return min(enough, key=lambda p: mean(p["coreMinutes"]), default=None)


def main():
    folder, methods, budgets, seeds, ranks, attack = sys.argv[1], sys.argv[2].split(), sys.argv[3].split(), sys.argv[4].split(), int(sys.argv[5]), sys.argv[6]
    name = "AutoAttack" if attack == "autoattack" else attack
    points = [p for m in methods for b in budgets if (p := point(folder, m, b, seeds, ranks))]
    with open(os.path.join(folder, "frontier.json"), "w") as file:
        json.dump({"attack": attack, "epsilon": "8/255", "points": points}, file, indent=1)
    print(f"| method | budget | core-minutes | epochs × images | clean, % | PGD-20, % | {name}, % |\n| :--- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for p in points:
        print(f"| {p['method']} | {p['budget']:g} | {mean(p['coreMinutes']):.1f} | {p['trained']} | {spread(p['clean'])} | {spread(p['pgd20'])} | {spread(p['attack'])} |")
    series = []
    for method in methods:
        own = sorted((p for p in points if p["method"] == method), key=lambda p: mean(p["coreMinutes"]))
        bars = [(100 * min(p["attack"]), 100 * max(p["attack"])) if len(seeds) > 1 else None for p in own]
        series.append(Series(method, [Point(mean(p["coreMinutes"]), 100 * mean(p["attack"]), y_range=bar) for p, bar in zip(own, bars)]))
    picture = svg("Robust accuracy for core-minutes", [Panel(f"{name} at 8/255", [s for s in series if s.points])], "core-minutes of training",
                  "accuracy under attack, %", log_x=True, columns=1, size=(780, 520), note="CIFAR-10; what images, machine and seeds these are stands beside the table.")
    with open(os.path.join(folder, "frontier.svg"), "w") as file:
        file.write(picture)
    print()
    for p in points:
        if p["method"].startswith("pytorch-"):
            ours = cheapest(points, mean(p["attack"]))
            minutes = mean(p["coreMinutes"])
            print(f"- {p['method']}, {minutes:.1f} core-minutes, {100 * mean(p['attack']):.1f} %: " + (
                f"{ours['method']} has {100 * mean(ours['attack']):.1f} % after {mean(ours['coreMinutes']):.1f}, {mean(ours['coreMinutes']) / minutes:.2f} of it"
                if ours else "none of ours reaches it in these budgets"))


if __name__ == "__main__":
    main()
