#!/usr/bin/env python3
"""Makes a manifest as long as ImageNet's, CSV and JSON Lines, whose images repeat: to time how large sets are opened.

    python3 Scripts/large_manifest.py /tmp/large                      # 1,000 JPEGs of 64x64, 1,281,167 lines, 1,000 classes
    python3 Scripts/large_manifest.py /tmp/photos --size 500x375 --quality 90 --entries 1000    # JPEGs as large as ImageNet's

Needs Pillow and numpy. Pictures are noise of several scales, so that they compress about as photographs do.
"""
import argparse
import json
import os

import numpy
from PIL import Image


def picture(random, width, height):
    """Grey clouds of several scales, tinted, with noise: width x height x 3 bytes."""
    total = numpy.zeros((height, width, 3))
    for cells in (2, 5, 11, 23, 47):
        small = Image.fromarray(random.integers(0, 256, (cells, cells, 3), dtype=numpy.uint8))
        total += numpy.asarray(small.resize((width, height), Image.BICUBIC), dtype=float) * 2 / cells**0.5
    total += random.normal(0, 25, (height, width, 3))
    total -= total.min()
    return Image.fromarray((total * (255 / total.max())).astype(numpy.uint8))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--images", type=int, default=1000, help="different files")
    parser.add_argument("--entries", type=int, default=1_281_167, help="lines of each manifest")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--size", default="64x64", help="width x height")
    parser.add_argument("--quality", type=int, default=85)
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    random = numpy.random.default_rng(0)
    paths = []
    for index in range(options.images):
        path = f"train/class-{index % options.classes:04}/image-{index:08}.JPEG"
        paths.append(path)
        full = os.path.join(options.folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if not os.path.exists(full):
            picture(random, width, height).save(full, "JPEG", quality=options.quality)
    with open(os.path.join(options.folder, "large.csv"), "w") as table, open(os.path.join(options.folder, "large.jsonl"), "w") as lines:
        table.write("path,label\n")
        for index in range(options.entries):
            path, label = paths[index % options.images], f"class-{index % options.images % options.classes:04}"
            table.write(f"{path},{label}\n")
            lines.write(json.dumps({"path": path, "label": label}) + "\n")


main()
