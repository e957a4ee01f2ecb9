"""Writes the pictures beside it. Run: python make_fixtures.py (needs Pillow 11.3 or later and numpy).

PNG: every colour type and depth, plain and interlaced, of samples that a formula gives (the tests know it too).
JPEG: variants, each with what Pillow decodes as NAME.png. resize.json: what Pillow's bilinear resize makes of noise.png.
"""

import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

here = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 19, 13


def samples(channels, depth):
    """Sample c of pixel (x, y): (31x + 57y + 91c) · (257 at 16 bits) modulo 2^depth."""
    y, x, c = np.mgrid[0:HEIGHT, 0:WIDTH, 0:channels]
    value = 31 * x + 57 * y + 91 * c
    return (value * (257 if depth == 16 else 1)) % (1 << depth)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(pixels, depth):
    """Unfiltered rows, most significant bits first."""
    out = b""
    for row in pixels.reshape(pixels.shape[0], -1):
        if depth == 16:
            packed = row.astype(">u2").tobytes()
        else:
            bits = ((row[:, None] >> np.arange(depth)[::-1]) & 1).reshape(-1).astype(np.uint8)
            packed = np.packbits(bits).tobytes()
        out += b"\0" + packed
    return out


PASSES = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def png(kind, channels, depth, interlaced=False, extra=b""):
    pixels = samples(channels, depth)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, int(interlaced))
    if interlaced:
        parts = [pixels[y::dy, x::dx] for y, x, dy, dx in PASSES]
        data = b"".join(rows(part, depth) for part in parts if part.size)
    else:
        data = rows(pixels, depth)
    palette = b""
    if kind == 3:
        palette = chunk(b"PLTE", bytes((7 * i + 60 * c) % 256 for i in range(1 << depth) for c in range(3)))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + extra + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")
    )


def write_pngs():
    depths = {0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]}
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    for kind in depths:
        for depth in depths[kind]:
            for interlaced in (False, True):
                name = f"type{kind}-{depth}{'-interlaced' if interlaced else ''}.png"
                (here / name).write_bytes(png(kind, channels[kind], depth, interlaced))
    # One transparent grey, colour and palette index.
    (here / "type0-8-trns.png").write_bytes(png(0, 1, 8, extra=chunk(b"tRNS", struct.pack(">H", 31))))
    (here / "type2-8-trns.png").write_bytes(png(2, 3, 8, extra=chunk(b"tRNS", struct.pack(">HHH", 31, 122, 213))))
    (here / "type3-8-trns.png").write_bytes(png(3, 1, 8, extra=chunk(b"tRNS", bytes([0, 128, 255]))))
    # Gamma must change nothing.
    (here / "type0-16-gamma.png").write_bytes(png(0, 1, 16, extra=chunk(b"gAMA", struct.pack(">I", 100000))))
    (here / "type2-8-turned.png").write_bytes(png(2, 3, 8, extra=chunk(b"eXIf", exif(6)[6:])))


def smooth():
    y, x = np.mgrid[0:48, 0:66]
    red = 127 + 120 * np.sin(x / 11.0)
    green = 255 * y / 47
    blue = np.where((x - 40) ** 2 + (y - 20) ** 2 < 150, 220, 40)
    return np.stack([red, green, blue], -1).round().astype(np.uint8)


def jpeg(image, **options):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=92, **options)
    return stream.getvalue()


def without_adobe(data):
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


def exif(value, order=">"):
    head = (b"MM" if order == ">" else b"II") + struct.pack(order + "HI", 42, 8)
    return b"Exif\0\0" + head + struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, value, 0, 0)


def write_jpegs():
    rgb = Image.fromarray(smooth())
    cmyk = np.concatenate([255 - smooth(), smooth()[:, :, 1:2] // 3], -1)
    inks = jpeg(Image.fromarray(cmyk, "CMYK"))
    # Pillow stores inks inverted. Their plain form: the inverse of the inverse, and no marker of Adobe's.
    plain = without_adobe(jpeg(Image.fromarray(255 - cmyk, "CMYK")))
    # YCCK: luma and chroma of the colours whose complement is stored for C, M and Y; Adobe's transform flag says so.
    stored = np.array(Image.fromarray(cmyk[:, :, :3]).convert("YCbCr"))
    ycck = np.concatenate([255 - stored, cmyk[:, :, 3:]], -1)
    ycck = bytearray(jpeg(Image.fromarray(ycck, "CMYK")))
    ycck[ycck.index(b"Adobe") + 11] = 2
    files = {
        "baseline-420": jpeg(rgb, subsampling=2),
        "baseline-422": jpeg(rgb, subsampling=1),
        "baseline-444": jpeg(rgb, subsampling=0),
        "progressive": jpeg(rgb, progressive=True),
        "grey": jpeg(rgb.convert("L")),
        "stored-rgb": jpeg(rgb, keep_rgb=True),
        "restart": jpeg(rgb, restart_marker_blocks=3),
        "cmyk": inks,
        "cmyk-plain": plain,
        "ycck": bytes(ycck),
    }
    for name, data in files.items():
        (here / f"{name}.jpg").write_bytes(data)
        if not name.startswith(("cmyk", "ycck")):
            Image.open(io.BytesIO(data)).convert("RGB").save(here / f"{name}.jpg.png", optimize=True)
    Image.open(io.BytesIO(inks)).convert("RGB").save(here / "cmyk.jpg.png", optimize=True)
    # The picture as it is to be seen whatever the orientation: turned the other way before it is stored.
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    for value in range(10):
        turned = rgb.transpose(Image.Transpose(undo[value])) if value in undo else rgb
        order = "<" if value % 2 else ">"
        (here / f"orientation-{value}.jpg").write_bytes(jpeg(turned, exif=exif(value, order), subsampling=0))


def write_resizes():
    noise = np.random.default_rng(7).integers(0, 256, (47, 61, 3), dtype=np.uint8)
    noise[10:30, 20:40] = 255
    image = Image.fromarray(noise)
    image.save(here / "noise.png")
    wanted = [(32, 32, None), (61, 47, None), (90, 70, None), (17, 60, None), (5, 4, None), (1, 1, None), (128, 9, None)]
    wanted += [(24, 24, (10, 5, 40, 35)), (24, 24, (10.25, 5.5, 40.75, 35.125)), (56, 40, (60, 46, 61, 47))]
    entries = []
    for number, (width, height, box) in enumerate(wanted):
        for mode in ("RGB", "L"):
            name = f"resized-{number}-{mode}.png"
            image.convert(mode).resize((width, height), Image.Resampling.BILINEAR, box=box).save(here / name, optimize=True)
            entries.append({"file": name, "width": width, "height": height, "box": box or [0, 0, 61, 47], "grey": mode == "L"})
    (here / "resize.json").write_text(json.dumps(entries, indent=0) + "\n")


write_pngs()
write_jpegs()
write_resizes()
