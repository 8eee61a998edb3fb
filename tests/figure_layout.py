"""Whether a picture can be read: every text on the canvas, no two labels on top of each other."""

from itertools import combinations

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.text import Text


def linear(colour):
    """The amounts of light of sRGB colours, (..., 3)."""
    channels = np.array(to_rgb(colour) if isinstance(colour, str) else colour)
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    """Relative luminance of sRGB: what a greyscale projector shows."""
    return linear(colour) @ (0.2126, 0.7152, 0.0722)


def bars(axes):
    """(middle, bottom, top, patch) of every bar that ``style.bars`` drew, from left to right."""
    found = []
    for patch in axes.patches:
        for corners in patch.get_path().to_polygons():
            (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
            if np.any(corners[0] != (left, bottom)):  # a polygon begins at the foot of its bar, here a negative one
                bottom, top = top, bottom
            found.append(((left + right) / 2, bottom, top, patch))
    return sorted(found, key=lambda bar: bar[0])


def _labels(figure):
    """(what it is, its Text) of all words around the axes that are drawn: titles, axis labels, offsets and tick labels."""
    for number, axes in enumerate(figure.axes):
        yield f"title of panel {number}", axes.title
        for letter, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if not axis.get_visible():
                continue
            yield f"{letter} label of panel {number}", axis.label
            yield f"{letter} offset of panel {number}", axis.get_offset_text()
            for tick in axis._update_ticks():
                for label in (tick.label1, tick.label2):
                    yield f"{letter} tick of panel {number}", label


def _drawn(pairs, renderer):
    for what, text in pairs:
        if text.get_visible() and text.get_text().strip() and text.get_text() != "$\\mathdefault{}$":
            yield what, text, text.get_window_extent(renderer)


def _overlap(first, second, slack=1.0) -> bool:
    return (
        min(first.x1, second.x1) - max(first.x0, second.x0) > slack
        and min(first.y1, second.y1) - max(first.y0, second.y0) > slack
    )


def faults(figure) -> list[str]:
    """What is clipped, what lies on what; empty for a picture that can be read."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    width, height = figure.canvas.get_width_height()
    found = []
    labels = list(_drawn(_labels(figure), renderer))
    boxes = [(what, text.get_text(), box) for what, text, box in labels]
    inside = []
    for number, axes in enumerate(figure.axes):
        inside += [(f"text in panel {number}", text) for text in axes.texts]
        legend = axes.get_legend()
        if legend is not None:
            inside += [(f"legend of panel {number}", text) for text in legend.findobj(Text)]
            boxes.append((f"legend of panel {number}", "legend", legend.get_window_extent(renderer)))
    everything = boxes + [(what, text.get_text(), box) for what, text, box in _drawn(inside, renderer)]
    for what, words, box in everything:
        if box.x0 < -0.5 or box.y0 < -0.5 or box.x1 > width + 0.5 or box.y1 > height + 0.5:
            found.append(
                f"{what} ({words!r}) leaves the canvas: {[round(float(v)) for v in box.extents]} in {width} x {height}"
            )
    for (what, words, box), (other, others, other_box) in combinations(boxes, 2):
        if _overlap(box, other_box):
            found.append(f"{what} ({words!r}) lies on {other} ({others!r})")
    return found
