#!/usr/bin/env python3
"""Sets what pilots recommend against what was planted (Scripts/pilot-truths); ends with 1 if one of them says something else.

  Scripts/planted_verdicts.py FOLDER
"""

import json
import sys

# What is planted, the recommendations that say so, a reason that must be among theirs, and whether SIP-AT may beat the shuffled maps.
PLANTED = {
    "right": ({"adopt"}, {"beats-shuffled"}, True),
    # A rival that needs no maps may be better, too; what matters is that maps are not credited.
    "random": ({"maps-bought-nothing", "no-difference", "not-yet", "cannot-tell"}, {"control-as-good", "control-better", "rival-better", "worse"}, False),
    "wrong": ({"not-yet"}, {"control-better"}, False),
    "one-seed": ({"cannot-tell"}, {"too-few-seeds"}, None),
    "few-images": ({"cannot-tell"}, {"too-few-images"}, None),
}


def main():
    folder, failed = sys.argv[1], 0
    print(f"{'planted':<12}{'recommendation':<18}{'reasons':<42}SIP-AT less shuffled, less inverted (clean, at the radius; points)")
    for name, (outcomes, reasons, beats_shuffled) in PLANTED.items():
        report = json.load(open(f"{folder}/pilot-{name}/report.json"))
        found, decision = report["recommendation"], report["plan"]["evaluation"]["decision"]
        codes = [reason["code"] for reason in found["reasons"]]

        def against(control):
            pairs = [c for c in report["comparisons"] if c["difference"]["second"] == control and c["difference"]["epsilon"] in (0, decision)]
            pairs.sort(key=lambda c: c["difference"]["epsilon"])
            return ", ".join(f"{100 * c['difference']['difference']:+.1f} {c['verdict']}" for c in pairs), [c["verdict"] for c in pairs]

        (shuffled, verdicts), (inverted, _) = against("sip-shuffled"), against("sip-inverted")
        is_right = found["outcome"] in outcomes and reasons & set(codes)
        if beats_shuffled is not None:
            is_right = is_right and ("better" in verdicts and "worse" not in verdicts) == beats_shuffled
        failed += not is_right
        print(f"{name:<12}{found['outcome']:<18}{', '.join(codes):<42}{shuffled}; {inverted}{'' if is_right else '   NOT WHAT WAS PLANTED'}")
    sys.exit(1 if failed else 0)


main()
