#!/usr/bin/env python3
"""Makes images in which it is known what matters, and three sets of masks for them: the truth, chance, and its opposite.

  Scripts/planted_images.py FOLDER [TRAIN TEST]     images for training and for the test (default 800 300)

FOLDER/images holds a folder for each of four classes: a square or a cross, striped along or across. The outline is far above what an
attacker may change (8 of 255 grey levels, or half of it), the stripes are not: who trains against such an attacker everywhere gives
the stripes up, who protects the object need not. Faint stripes of the background agree with the class more often than not, which helps
nobody under attack. FOLDER/right marks the object, FOLDER/random as many pixels at a place drawn at random, FOLDER/wrong all but the
object. Needs nothing but Python; the same numbers give the same files.
"""

import os
import random
import struct
import sys
import zlib

SIZE, OBJECT = 16, 9
OUTLINE, STRIPES, BACKGROUND, NOISE = 80, 6, 3, 2


def png(path, rows):
    """An image of one byte per pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    raw = b"".join(b"\0" + bytes(row) for row in rows)
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 0, 0, 0, 0)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def inside(shape, x, y, left, top):
    """Whether a pixel belongs to the object at a place."""
    x, y = x - left, y - top
    if not (0 <= x < OBJECT and 0 <= y < OBJECT):
        return False
    return shape == "square" or 2 <= x < OBJECT - 2 or 2 <= y < OBJECT - 2


def stripe(along, x, y, phase, period):
    """1 or -1."""
    return 1 if ((y if along else x) + phase) % period < period / 2 else -1


def main():
    folder = sys.argv[1]
    counts = {"train": int(sys.argv[2]) if len(sys.argv) > 2 else 800, "test": int(sys.argv[3]) if len(sys.argv) > 3 else 300}
    classes = [(shape, along) for shape in ("square", "cross") for along in (True, False)]
    draws = random.Random(20261129)
    for split, count in counts.items():
        for number in range(count):
            shape, along = classes[number % 4]
            left, top, phase, light = draws.randrange(SIZE - OBJECT + 1), draws.randrange(SIZE - OBJECT + 1), draws.randrange(4), draws.randint(90, 130)
            other, place = along if draws.random() < 0.75 else not along, (draws.randrange(SIZE - OBJECT + 1), draws.randrange(SIZE - OBJECT + 1))
            image, masks = [], {"right": [], "random": [], "wrong": []}
            for y in range(SIZE):
                is_object = [inside(shape, x, y, left, top) for x in range(SIZE)]
                image.append([
                    max(0, min(255, round(
                        light + draws.gauss(0, NOISE)
                        + (OUTLINE + STRIPES * stripe(along, x, y, phase, 4) if is_object[x] else BACKGROUND * stripe(other, x, y, phase, 6)))))
                    for x in range(SIZE)])
                masks["right"].append([255 if one else 0 for one in is_object])
                masks["wrong"].append([0 if one else 255 for one in is_object])
                masks["random"].append([255 if inside(shape, x, y, *place) else 0 for x in range(SIZE)])
            name = f"{split}/{shape}-{'along' if along else 'across'}/{split}-{number:05d}.png"
            png(f"{folder}/images/{name}", image)
            for kind, rows in masks.items():
                png(f"{folder}/{kind}/{name}", rows)


main()
