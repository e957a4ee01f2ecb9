"""Writes the npy files that the tests read. Run: python make_fixtures.py (needs numpy and scipy).

The estimators are written here a second time, with numpy and scipy, from their definitions.
"""

import pathlib

import numpy as np
from scipy import fft, ndimage

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


def unit_range(values):
    low, high = values.min(), values.max()
    return ((values - low) / (high - low) if high > low else np.zeros_like(values)).astype("<f4")


def gaussian(image, sigma):
    """Cut off at 3 sigma, the border repeated."""
    return ndimage.gaussian_filter(image, sigma, mode="nearest", radius=int(np.ceil(3 * sigma)))


def lightness(t):
    """The cube root of CIE L*a*b*, with its straight part."""
    return np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)


def lab(image):
    """[channels, height, width]: L*a*b* of three channels in sRGB, L* of the mean of any other number."""
    linear = np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)
    if image.shape[2] != 3:
        grey = image.mean(2)
        grey = np.where(grey <= 0.04045, grey / 12.92, ((grey + 0.055) / 1.055) ** 2.4)
        return np.array([116 * lightness(grey) - 16])
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = lightness(np.moveaxis(linear @ (matrix / matrix.sum(1, keepdims=True)).T, 2, 0))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def boolean_maps(image, sigma=0.05):
    attention = np.zeros(image.shape[:2])
    eight = np.ones((3, 3))
    for plane in lab(image):
        if plane.max() - plane.min() <= 0.04:
            continue
        levels = np.round((plane - plane.min()) / (plane.max() - plane.min()) * 255)
        for threshold in range(0, 255, 8):
            for region in (levels > threshold, levels <= threshold):
                labels, _ = ndimage.label(region, eight)
                border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
                surrounded = region & ~np.isin(labels, border)
                if surrounded.any():
                    attention += surrounded / np.linalg.norm(surrounded)
    return unit_range(gaussian(attention, sigma * max(image.shape[:2])))


def working_size(image, longest):
    scale = min(1, longest / max(image.shape))
    return [max(1, int(np.floor(n * scale + 0.5))) for n in image.shape]


def local_contrast(image, sigma=0.05):
    height, width = working_size(image[:, :, 0], 128)
    planes = [resize(plane, height, width) for plane in lab(image)]
    longer = max(height, width)
    total = np.zeros((height, width))
    for scale in (1 / 32, 1 / 16, 1 / 8, 1 / 4):
        squares = sum((plane - gaussian(plane, scale * longer)) ** 2 for plane in planes)
        # A Gaussian much narrower than a pixel leaves nothing but rounding.
        if squares.mean() > 4e-4**2:
            total += squares / squares.mean()
    return unit_range(resize(np.sqrt(gaussian(total, sigma * longer)), *image.shape[:2]))


def fine_grained(image):
    grey = image @ np.array([0.299, 0.587, 0.114]) if image.shape[2] == 3 else image.mean(2)
    height, width = grey.shape
    for _ in range(2):
        for axis in range(2):
            # numpy's "reflect" mirrors at the outermost pixel; of a single one nothing is left to mirror.
            pad = [(1, 1) if a == axis else (0, 0) for a in range(2)]
            padded = np.pad(grey, pad, mode="reflect" if grey.shape[axis] > 1 else "edge")
            grey = (np.take(padded, range(0, grey.shape[axis]), axis) + 2 * grey + np.take(padded, range(2, grey.shape[axis] + 2), axis)) / 4
    on, off = np.zeros_like(grey), np.zeros_like(grey)
    for half in (12, 24, 48, 28, 56, 112):
        for y in range(height):
            for x in range(width):
                window = grey[max(0, y - half + 1) : y + half + 1, max(0, x - half + 1) : x + half + 1]
                if window.size > 1:
                    difference = grey[y, x] - (window.sum() - grey[y, x]) / (window.size - 1)
                    on[y, x] += max(0, difference)
                    off[y, x] += max(0, -difference)
    return unit_range(on / on.max() + off / off.max())


def colour_spectral(image, sigma=2.5):
    height, width = image.shape[:2]
    spectra = np.array([fft.dctn(resize(plane, 64, 64), norm="ortho") for plane in lab(image)])
    norms = np.sqrt((spectra**2).sum(0))
    signs = np.where(norms > 1e-9 * norms.max(), spectra / np.where(norms > 0, norms, 1), 0)
    energy = sum(fft.idctn(plane, norm="ortho") ** 2 for plane in signs)
    return unit_range(resize(gaussian(energy, sigma), height, width))


def centre_weighted(map, sigma):
    y, x = [((np.arange(n) + 0.5) / n - 0.5) / sigma for n in map.shape]
    weighted = map * np.exp(-(y[:, None] ** 2 + x**2) / 2)
    return (weighted / weighted.max()).astype("<f4")


for shape in [(32, 32, 3), (20, 90, 1), (100, 72, 3), (8, 9, 2)]:
    np.save(here / f"spectral-residual-{'x'.join(map(str, shape))}.npy", spectral_residual(picture(*shape).astype("f4").astype("f8")))

# Of the largest only every seventh row and column, to keep the files small.
for shape in [(3, 5, 3), (28, 28, 1), (200, 200, 3), (40, 30, 2)]:
    image = picture(*shape).astype("f4").astype("f8")
    step = 7 if shape[0] == 200 else 1
    for name, estimator in [("boolean-map", boolean_maps), ("local-contrast", local_contrast), ("fine-grained", fine_grained), ("colour-spectral", colour_spectral)]:
        np.save(here / f"{name}-{'x'.join(map(str, shape))}.npy", estimator(image)[::step, ::step])
image = picture(28, 28, 1).astype("f4").astype("f8")
np.save(here / "centre-weighted-28x28x1.npy", centre_weighted(boolean_maps(image).astype("f8"), 0.3))

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
