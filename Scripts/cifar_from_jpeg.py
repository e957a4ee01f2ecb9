#!/usr/bin/env python3
"""Writes the layout of CIFAR-10's official binary version from an image folder of it, so that every reader takes it.

    python3 Scripts/cifar_from_jpeg.py FOLDER OUTPUT      FOLDER: train|test/<class>/<number>.jpg or .png

Five files of 10,000 training images, test_batch.bin, batches.meta.txt, and about.txt, which the experiments print. An image is a byte
of label, then 3,072 bytes, the planes R, G, B row by row. Labels are the class folders' places in alphabetical order, which is
CIFAR-10's own. Images follow their numbers, and among equal numbers their labels, so that every file holds all classes equally.
This is not the order of the official files, and images that went through JPEG differ slightly from theirs: say so beside every
number. Needs Pillow.
"""
import os
import sys

from PIL import Image


def images(folder, classes):
    """The paths of a split's images with their labels, in the order of their numbers, then of their labels."""
    found = []
    for label, name in enumerate(classes):
        for file in os.listdir(os.path.join(folder, name)):
            number = os.path.splitext(file)[0]
            if not number.isdigit():
                sys.exit(f"{folder}/{name}/{file}: expected a number as the file's name, such as 0042.jpg")
            found.append((int(number), label, os.path.join(folder, name, file)))
    return [(label, path) for _, label, path in sorted(found)]


def record(label, path):
    """The 3,073 bytes of an image."""
    with Image.open(path) as image:
        if image.size != (32, 32):
            sys.exit(f"{path}: {image.size[0]}×{image.size[1]} pixels, expected 32×32")
        return bytes([label]) + b"".join(plane.tobytes() for plane in image.convert("RGB").split())


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, output = sys.argv[1:]
    classes = sorted(os.listdir(os.path.join(folder, "train")))
    if len(classes) != 10 or sorted(os.listdir(os.path.join(folder, "test"))) != classes:
        sys.exit(f"{folder}: expected the same ten class folders in train and test, found {len(classes)} in train")
    train, test = (images(os.path.join(folder, split), classes) for split in ("train", "test"))
    if len(train) % 5:
        sys.exit(f"{folder}/train: {len(train)} images, which five files cannot share equally")
    os.makedirs(output, exist_ok=True)
    each = len(train) // 5
    files = {f"data_batch_{i + 1}.bin": train[i * each:(i + 1) * each] for i in range(5)} | {"test_batch.bin": test}
    for name, samples in files.items():
        with open(os.path.join(output, name + ".partial"), "wb") as file:
            file.writelines(record(*sample) for sample in samples)
        os.replace(os.path.join(output, name + ".partial"), os.path.join(output, name))
    with open(os.path.join(output, "batches.meta.txt"), "w") as file:
        file.write("\n".join(classes) + "\n")
    with open(os.path.join(output, "about.txt"), "w") as file:
        file.write("Images: a re-encoding of CIFAR-10 (JPEG), whose pixels differ slightly from the official files'.\n")
    print(f"{len(train)} training and {len(test)} test images in {output}", file=sys.stderr)


if __name__ == "__main__":
    main()
