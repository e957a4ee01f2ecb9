"""Masks as PNG in the ways in which people save them, by Pillow. Run in this folder."""
import numpy as np
from PIL import Image

mask = np.array([[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]], np.uint8)
Image.fromarray(mask).save("mask-zero-one.png")
grey = mask * 255
grey[0, 3] = 51
Image.fromarray(grey).save("mask-grey.png")
indices = Image.fromarray(np.array([[0, 1, 2, 255], [0, 0, 2, 255], [0, 0, 0, 0]], np.uint8), "P")
indices.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [7, 7, 7] * 252 + [224, 224, 192])
indices.save("mask-palette.png")
Image.fromarray(mask * 255).convert("1").save("mask-one-bit.png")
deep = np.zeros((3, 4), np.uint16)
deep[0, 1], deep[0, 2] = 65535, 13107
Image.fromarray(deep).save("mask-sixteen-bit.png")
alpha = np.zeros((3, 4, 2), np.uint8)
alpha[..., 1] = mask * 255
Image.fromarray(alpha, "LA").save("mask-alpha.png")
opaque = np.zeros((3, 4, 4), np.uint8)
opaque[..., 3] = 255
Image.fromarray(opaque, "RGBA").save("mask-opaque.png")
white_first = Image.fromarray(1 - mask, "P")
white_first.putpalette([255, 255, 255, 0, 0, 0])
white_first.save("mask-white-first.png", bits=1)
shades = Image.fromarray(np.array([[2, 0, 0, 1], [2, 2, 0, 2], [2, 2, 2, 2]], np.uint8), "P")
shades.putpalette([255, 255, 255, 51, 51, 51, 0, 0, 0])
shades.save("mask-grey-palette.png")
colour = np.zeros((3, 4, 3), np.uint8)
colour[0, 1] = [255, 0, 0]
Image.fromarray(colour).save("mask-colour.png")
