"""Writes the npy files that the tests read. Run: python make_fixtures.py (needs numpy).

The spectral residual is written here a second time, with numpy's FFT, from the definition in the paper.
"""

import pathlib

import numpy as np

here = pathlib.Path(__file__).parent


def picture(height, width, channels):
    """A picture that the tests can make for themselves: whole-number arithmetic, a pattern with a brighter block."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    pattern = (x * 7 + y * 13 + x * y * 3 + c * 31) % 97 + 2 * x + y
    block = (abs(2 * x - width) < width // 3) & (abs(4 * y - height) < height // 2)
    return np.where(block, 330 + 5 * ((x + y) % 3), pattern) / 512


def weights(count, new):
    """[new, count]: bilinear with half-pixel centres, the triangle widened when shrinking."""
    scale = count / new
    support = max(1, scale)
    centre = (np.arange(new) + 0.5)[:, None] * scale
    w = np.maximum(0, 1 - abs(np.arange(count) + 0.5 - centre) / support)
    return w / w.sum(1, keepdims=True)


def resize(image, height, width):
    return weights(image.shape[0], height) @ image @ weights(image.shape[1], width).T


def filtered(image, kernel):
    """Correlation with a [k, k] kernel, the border repeated."""
    r = kernel.shape[0] // 2
    padded = np.pad(image, r, mode="edge")
    return (np.lib.stride_tricks.sliding_window_view(padded, kernel.shape) * kernel).sum((2, 3))


def spectral_residual(image, sigma=2.5):
    height, width, channels = image.shape
    grey = image @ np.array([0.299, 0.587, 0.114]) if channels == 3 else image.mean(2)
    spectrum = np.fft.fft2(resize(grey, 64, 64))
    log_amplitude = np.log(abs(spectrum) + 1e-6)
    residual = log_amplitude - filtered(log_amplitude, np.full((3, 3), 1 / 9))
    # exp(residual + i·phase); the amplitude's floor divides out of the residual.
    phase = spectrum / (abs(spectrum) + 1e-6)
    salience = abs(np.fft.ifft2(np.exp(residual) * phase)) ** 2
    r = int(np.ceil(3 * sigma))
    g = np.exp(-np.arange(-r, r + 1) ** 2 / (2 * sigma**2))
    g /= g.sum()
    salience = resize(filtered(salience, np.outer(g, g)), height, width)
    return ((salience - salience.min()) / (salience.max() - salience.min())).astype("<f4")


for shape in [(32, 32, 3), (20, 90, 1), (100, 72, 3), (8, 9, 2)]:
    np.save(here / f"spectral-residual-{'x'.join(map(str, shape))}.npy", spectral_residual(picture(*shape).astype("f4").astype("f8")))

ramp = np.arange(2 * 3 * 4).reshape(2, 3, 4)
np.save(here / "uint8.npy", (ramp * 11).astype("u1"))
with open(here / "float32-v2.npy", "wb") as f:
    np.lib.format.write_array(f, (ramp / 24).astype("<f4"), version=(2, 0))
with open(here / "float32-v3.npy", "wb") as f:
    np.lib.format.write_array(f, (ramp / 24).astype("<f4"), version=(3, 0))
np.save(here / "fortran.npy", np.asfortranarray(ramp.astype("u1")))
np.save(here / "big-endian.npy", (ramp / 24).astype(">f4"))
np.save(here / "float64.npy", ramp / 24)
np.save(here / "bool.npy", ramp > 7)
np.save(here / "object.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
np.save(here / "structured.npy", np.zeros(2, dtype=[("a", "u1"), ("b", "<f4")]))
