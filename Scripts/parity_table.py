"""The table of Scripts/parity: python3 parity_table.py FOLDER MODES SEEDS EPOCHS"""
import json
import math
import sys

from experiment_results import mean, sample_deviation, spread, t_quantile


def difference(ours, theirs):
    """Ours minus PyTorch's in points with a 95 % interval (Welch), and whether 0 lies in it; no interval of a single seed."""
    change = mean(ours) - mean(theirs)
    if len(ours) < 2:
        return f"{100 * change:+.1f}", None
    parts = [sample_deviation(values) ** 2 / len(values) for values in (ours, theirs)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return f"{100 * change:+.1f} ± 0.0", change == 0
    freedom = error ** 4 / sum(part ** 2 / (len(values) - 1) for part, values in zip(parts, (ours, theirs)))
    width = t_quantile(freedom) * error
    return f"{100 * change:+.1f} ± {100 * width:.1f}", abs(change) <= width


def crossing(ours, theirs):
    """Whether each one's mean lies within the other's least and greatest."""
    return min(theirs) <= mean(ours) <= max(theirs) and min(ours) <= mean(theirs) <= max(ours)


def main():
    folder, modes, seeds, epochs = sys.argv[1], sys.argv[2].split(), sys.argv[3].split(), int(sys.argv[4])
    for mode in modes:
        cells = meet = agree = 0
        print(f"\n**{mode}**\n\n| epoch | images | sipat, % | PyTorch, % | difference | each mean within the other's spread | 0 in the interval |\n"
              "| ---: | :--- | ---: | ---: | ---: | :---: | :---: |")
        for epoch in range(1, epochs + 1):
            results = {}
            for side in ("sipat", "pytorch"):
                for seed in seeds:
                    with open(f"{folder}/{side}-{mode}-{seed}-{epoch}.json") as file:
                        for row in json.load(file)["results"]:
                            results.setdefault(round(255 * row["epsilon"], 2), {}).setdefault(side, []).append(row["accuracy"])
            for radius, sides in sorted(results.items()):
                ours, theirs = sides["sipat"], sides["pytorch"]
                change, same = difference(ours, theirs)
                within = crossing(ours, theirs)
                cells, meet, agree = cells + 1, meet + within, agree + (same is True)
                name = "clean" if radius == 0 else f"PGD-20, {radius:g}/255"
                answer = "–" if same is None else "yes" if same else "**no**"
                print(f"| {epoch} | {name} | {spread(ours)} | {spread(theirs)} | {change} | {'yes' if within else '**no**'} | {answer} |")
        verdict = f"{mode}: the means lie within each other's spread in {meet} of {cells} cells"
        print(f"\n{verdict}; 0 lies in the 95 % interval of the difference in {agree}." if len(seeds) > 1 else f"\n{verdict}; one seed has no spread.")
    print("\nMeans over the seeds (least–greatest). The interval is Welch's over seeds. Of two programs that learn exactly alike about one cell in\n"
          "twenty would fall outside it, and more outside the spread of a few seeds; cells of a run go together.")


if __name__ == "__main__":
    main()
