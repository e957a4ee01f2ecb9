"""Line and point charts as SVG, with nothing but the standard library. Imported by the other scripts.

A chart has panels that share axes and a legend. Series are told apart by colour and by the shape of their marks, so that neither
colour-blind readers nor grey paper lose them (colours: M. Okabe and K. Ito, Color Universal Design, 2008).
"""
import math
from dataclasses import dataclass, field
from html import escape

COLOURS = ["#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
LEFT, RIGHT, TOP, BOTTOM, ROW, NAME = 56, 14, 34, 46, 20, 180
MARK = 4.5


@dataclass
class Point:
    """A measurement; the ranges (least, greatest) are drawn as bars, where there are any."""
    x: float
    y: float
    label: str = ""
    x_range: tuple = None
    y_range: tuple = None


@dataclass
class Series:
    name: str
    points: list
    line: bool = True


@dataclass
class Panel:
    title: str
    series: list = field(default_factory=list)


def mark(kind, x, y, colour, title=""):
    """One of eight shapes around (x, y)."""
    r = MARK
    polygon = {
        1: [(-r, -r), (r, -r), (r, r), (-r, r)],
        2: [(0, -1.4 * r), (1.4 * r, 0), (0, 1.4 * r), (-1.4 * r, 0)],
        3: [(0, -1.3 * r), (1.2 * r, r), (-1.2 * r, r)],
        4: [(0, 1.3 * r), (1.2 * r, -r), (-1.2 * r, -r)],
    }.get(kind)
    inside = f"<title>{escape(title)}</title>" if title else ""
    if polygon:
        points = " ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in polygon)
        return f'<polygon points="{points}" fill="{colour}">{inside}</polygon>'
    if kind == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{colour}">{inside}</circle>'
    if kind == 5:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="#fff" stroke="{colour}" stroke-width="2">{inside}</circle>'
    strokes = {6: [(-r, -r, r, r), (-r, r, r, -r)], 7: [(-1.3 * r, 0, 1.3 * r, 0), (0, -1.3 * r, 0, 1.3 * r)]}[kind]
    path = "".join(f"M{x + a:.1f} {y + b:.1f}L{x + c:.1f} {y + d:.1f}" for a, b, c, d in strokes)
    return f'<path d="{path}" stroke="{colour}" stroke-width="2.2" fill="none">{inside}</path>'


def linear_ticks(low, high, count=6):
    step = 10 ** math.floor(math.log10((high - low) / count))
    step = next(m * step for m in (1, 2, 5, 10) if (high - low) / (m * step) <= count)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def logarithmic_ticks(low, high):
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0 ** p for p in powers for m in (1, 2, 5) if low * 0.999 <= m * 10.0 ** p <= high * 1.001]
    return ticks or [low, high]


def bounds(values, logarithmic):
    """Some room around the values."""
    low, high = min(values), max(values)
    if logarithmic:
        return low / 1.25, high * 1.25
    room = 0.06 * (high - low) or 1
    return (0 if low >= 0 and low - room < 0 else low - room), high + room


def svg(title, panels, x_title, y_title, log_x=False, columns=2, size=(460, 330), note=""):
    """The text of an SVG file; `size` is a panel's. Panels without a point stay empty; with `log_x` every x must be above 0."""
    panel_width, panel_height = size
    points = [p for panel in panels for s in panel.series for p in s.points]
    if not points:
        points = [Point(1, 0), Point(2, 1)]
    x_low, x_high = bounds([v for p in points for v in (p.x, *(p.x_range or ()))], log_x)
    y_low, y_high = bounds([v for p in points for v in (p.y, *(p.y_range or ()))], False)
    names = list(dict.fromkeys(s.name for panel in panels for s in panel.series))
    style = {name: (COLOURS[i % len(COLOURS)], i % 8) for i, name in enumerate(names)}
    is_line = {s.name: s.line for panel in panels for s in panel.series}
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    per_row = max(1, (columns * panel_width - LEFT) // NAME)
    foot = ROW * math.ceil(len(names) / per_row) + (ROW if note else 0) + 12
    width, height = columns * panel_width, 30 + rows * panel_height + foot
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           f'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222" role="img">',
           f"<title>{escape(title)}</title>", f'<rect width="{width}" height="{height}" fill="#fff"/>',
           f'<text x="{width / 2}" y="20" font-size="15" font-weight="bold" text-anchor="middle">{escape(title)}</text>']

    def share(value):
        if log_x:
            return math.log(value / x_low) / math.log(x_high / x_low)
        return (value - x_low) / (x_high - x_low)

    for number, panel in enumerate(panels):
        left, top = number % columns * panel_width + LEFT, 30 + number // columns * panel_height + TOP
        right, bottom = left + panel_width - LEFT - RIGHT, top + panel_height - TOP - BOTTOM

        def place_x(value):
            return left + (right - left) * share(value)

        def place_y(value):
            return bottom - (bottom - top) * (value - y_low) / (y_high - y_low)

        out.append(f'<text x="{(left + right) / 2}" y="{top - 10}" text-anchor="middle" font-size="13">{escape(panel.title)}</text>')
        for tick in logarithmic_ticks(x_low, x_high) if log_x else linear_ticks(x_low, x_high):
            x = place_x(tick)
            out.append(f'<path d="M{x:.1f} {top}V{bottom}" stroke="#e4e4e4"/>'
                       f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:.4g}</text>')
        for tick in linear_ticks(y_low, y_high):
            y = place_y(tick)
            out.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#e4e4e4"/>'
                       f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.4g}</text>')
        out.append(f'<path d="M{left} {top}V{bottom}H{right}" stroke="#444" fill="none"/>')
        out.append(f'<text x="{(left + right) / 2}" y="{bottom + 36}" text-anchor="middle">{escape(x_title)}</text>')
        out.append(f'<text transform="translate({left - 40} {(top + bottom) / 2}) rotate(-90)" text-anchor="middle">{escape(y_title)}</text>')
        for series in panel.series:
            colour, kind = style[series.name]
            places = [(place_x(p.x), place_y(p.y)) for p in series.points]
            if series.line and len(places) > 1:
                path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
                out.append(f'<path d="{path}" stroke="{colour}" stroke-width="1.6" fill="none"/>')
            for point, (x, y) in zip(series.points, places):
                bars = ""
                if point.y_range:
                    bars += f"M{x:.1f} {place_y(point.y_range[0]):.1f}V{place_y(point.y_range[1]):.1f}"
                if point.x_range:
                    bars += f"M{place_x(point.x_range[0]):.1f} {y:.1f}H{place_x(point.x_range[1]):.1f}"
                if bars:
                    out.append(f'<path d="{bars}" stroke="{colour}" stroke-width="1" opacity="0.7"/>')
                hint = f"{series.name}{', ' if point.label else ''}{point.label}: {point.x:.2f}, {point.y:.2f}"
                out.append(mark(kind, x, y, colour, hint))
                if point.label:
                    side, anchor = (-7, "end") if x > right - 45 else (7, "start")
                    out.append(f'<text x="{x + side:.1f}" y="{y - 5:.1f}" text-anchor="{anchor}" font-size="10" fill="{colour}">'
                               f"{escape(point.label)}</text>")
    for i, name in enumerate(names):
        colour, kind = style[name]
        x, y = LEFT + i % per_row * NAME, 30 + rows * panel_height + 12 + ROW * (i // per_row)
        if is_line[name]:
            out.append(f'<path d="M{x - 12} {y}H{x + 12}" stroke="{colour}" stroke-width="1.6"/>')
        out.append(mark(kind, x, y, colour) + f'<text x="{x + 18}" y="{y + 4}">{escape(name)}</text>')
    if note:
        out.append(f'<text x="{LEFT - 12}" y="{height - 8}" font-size="11" fill="#555">{escape(note)}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"
