"""matplotlib's SVG renderer for pictures that change many times a second.

A browser spends its time on elements, so there are few: a line of text is one path and not a ``use`` of each of its letters, and so are
marks that are only lines. Coordinates have few digits, dotted hatches a small tile, and there is no style, author, comment or name of a
group, which only a document needs. What is drawn is what matplotlib draws.
"""

from __future__ import annotations

import base64
import io
import re
from collections import OrderedDict
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import _path, rcParams
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D
from PIL import Image

_HATCH_DENSITY = 6  # matplotlib's: rows of dots in an inch for each dot in the name of a hatch
_DIGITS = 2  # after the point, of coordinates in points: a hundredth is finer than any screen


class FewElements(RendererSVG):
    """Draws on a sheet of this size in points; ``fragment`` gives the SVG elements."""

    def __init__(self, size: tuple[float, float]) -> None:
        buffer = io.StringIO()
        super().__init__(*size, buffer, image_dpi=72)
        self.writer.comment = lambda text: None
        self._buffer, self._start = buffer, buffer.tell()

    def write(self, elements: str) -> None:
        """Elements that were drawn before."""
        self.writer.flush()
        self._buffer.write(elements)

    def fragment(self) -> str:
        """All that was drawn, without the document around it."""
        self.finalize()
        text = self._buffer.getvalue()
        return text[self._start : text.rindex("</svg>")]

    def _write_metadata(self, metadata: object) -> None:
        pass

    def _write_default_style(self) -> None:
        self.writer.element("defs")  # ends the document's first tag

    def open_group(self, s: str, gid: str | None = None) -> None:
        pass

    def close_group(self, s: str) -> None:
        pass

    def _convert_path(self, path, transform=None, clip=None, simplify=None, sketch=None):  # type: ignore[no-untyped-def]
        limits = (0.0, 0.0, self.width, self.height) if clip else None
        marks = [b"M", b"L", b"Q", b"C", b"z"]
        made = _path.convert_to_string(  # type: ignore[attr-defined]
            *(path, transform, limits, simplify, sketch, _DIGITS, marks, False)
        )
        words = made.decode("ascii").replace(" \n", "").replace("\n", "")
        return re.sub("([MLQC]) ", r"\1", words)

    def draw_markers(  # type: ignore[no-untyped-def]
        self, gc, marker_path, marker_trans, path, trans, rgbFace=None
    ) -> None:
        """The same mark at every point of a path."""
        shape = marker_trans + Affine2D().scale(1.0, -1.0)
        near = (0, 0, 72 * self.width, 72 * self.height)  # as matplotlib does
        ends = path.iter_segments(self._make_flip_transform(trans), clip=near, simplify=False)
        marks = [
            self._convert_path(marker_path, shape + Affine2D().translate(*corners[-2:]), simplify=False)
            for corners, _ in ends
            if len(corners)
        ]
        clip, look = self._get_clip_attrs(gc), self._get_style(gc, rgbFace)
        if (rgbFace is None and gc.get_alpha() == 1.0) or len(marks) == 1:  # nothing shows where one lies over another
            self.writer.element("path", d="".join(marks), **clip, style=look)
        elif marks:
            self.writer.start("g", **clip, style=look)
            for mark in marks:
                self.writer.element("path", d=mark)
            self.writer.end("g")

    def _write_hatches(self) -> None:
        """The patterns of hatched areas; dots as the smallest tile that repeats, since matplotlib's own tile holds hundreds."""
        if not self._hatchd:
            return
        self.writer.start("defs")
        for (hatch, *_), ((path, face, stroke, *widths), name) in self._hatchd.items():
            tile = 72.0
            if set(hatch) == {"."}:
                tile, path = 72.0 * 2 / (len(hatch) * _HATCH_DENSITY), Path.hatch(".", 2)
            line_width = widths[0] if widths else rcParams["hatch.linewidth"]  # one for all before matplotlib 3.10
            side = f"{tile:g}"
            self.writer.start("pattern", id=name, patternUnits="userSpaceOnUse", width=side, height=side)
            self.writer.element("rect", width=side, height=side, fill=to_hex(face) if face is not None else "none")
            place = Affine2D().scale(tile, -tile).translate(0.0, tile)
            look = f"fill: {to_hex(stroke)}; stroke: {to_hex(stroke)}; stroke-width: {line_width:g}; stroke-linejoin: miter"
            if stroke[3] < 1:
                look += f"; stroke-opacity: {stroke[3]:g}"
            self.writer.element("path", d=self._convert_path(path, place, simplify=False), style=look)
            self.writer.end("pattern")
        self.writer.end("defs")

    def draw_path_collection(self, *args: Any, **options: Any) -> None:
        RendererBase.draw_path_collection(self, *args, **options)

    def _draw_text_as_path(  # type: ignore[no-untyped-def]
        self, gc, x, y, s, prop, angle, ismath, mtext=None
    ) -> None:
        """A line of text as one path."""
        glyphs, bars = _letters(s, prop.copy(), bool(ismath))
        size = prop.get_size_in_points() / text_to_path.FONT_SCALE
        place = Affine2D().scale(size, -size).rotate_deg(-angle).translate(x, y)
        words = []
        for glyph, right, up, scale in glyphs:
            across, down = place.transform((right, up))
            words.append(f"M{across:.{_DIGITS}f} {down:.{_DIGITS}f}{_outline(glyph, size * scale, angle)}")
        words += [self._convert_path(Path(*bar), place, simplify=False) for bar in bars]
        alpha = gc.get_alpha() if gc.get_forced_alpha() else gc.get_rgb()[3]
        look = f"fill: {to_hex(gc.get_rgb())}" + (f"; opacity: {alpha:g}" if alpha != 1.0 else "")
        self.writer.element("path", d="".join(words), style=look)

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        return _measures(s, prop.copy(), bool(ismath))

    def draw_image(self, gc: Any, x: float, y: float, im: np.ndarray, transform: Any = None) -> None:
        """A grid of colours, enlarged by the browser, which interpolates it as the still picture does."""
        height, width = im.shape[:2]
        place = Affine2D() if transform is None else Affine2D().scale(1 / width, 1 / height) + transform
        upright = place + Affine2D().translate(x, y).scale(1.0, -1.0).translate(0.0, self.height)
        (a, c, e), (b, d, f) = upright.get_matrix()[:2]
        file = io.BytesIO()
        Image.fromarray(im).save(file, format="png", compress_level=1)  # six times as fast as the usual level
        address = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
        clip = self._get_clip_attrs(gc)
        if clip:
            self.writer.start("g", **clip)
        look = {
            "width": f"{width}",
            "height": f"{height}",
            "transform": f"matrix({' '.join(f'{v:.6f}' for v in (a, b, c, d, e, f))})",
        }
        if gc.get_alpha() != 1.0:
            look["opacity"] = f"{gc.get_alpha():g}"
        self.writer.element("image", attrib={"xlink:href": address, **look})
        if clip:
            self.writer.end("g")


#: Letters by font and number: corners and what they are.
_GLYPHS: OrderedDict[str, tuple[np.ndarray, np.ndarray]] = OrderedDict()


@lru_cache(maxsize=4096)
def _measures(words: str, look: FontProperties, formula: bool) -> tuple[float, float, float]:
    """Width, height and descent of a line of text in points."""
    return text_to_path.get_text_width_height_descent(words, look, formula)


@lru_cache(maxsize=4096)
def _letters(words: str, look: FontProperties, formula: bool) -> tuple[list[Any], list[Any]]:
    """Which letters stand where in a line of text: (name, x, y, scale) of each, and the bars of fractions and roots."""
    if formula:
        glyphs, new, bars = text_to_path.get_glyphs_mathtext(look, words, _GLYPHS, True)
    else:
        font = text_to_path._get_font(look)  # type: ignore[attr-defined]
        glyphs, new, bars = text_to_path.get_glyphs_with_font(font, words, _GLYPHS, True)
    _GLYPHS.update(new)
    return glyphs, bars


@lru_cache(maxsize=4096)
def _outline(glyph: str, size: float, angle: float) -> str:
    """A letter of this size, turned by this angle in degrees, as steps from its origin."""
    corners, codes = _GLYPHS[glyph]
    turned = Affine2D().scale(size, -size).rotate_deg(-angle).transform(corners)
    grid = np.rint(10**_DIGITS * turned).astype(int)  # differences of rounded places add up to the rounded place
    words, here, start, i = [], np.zeros(2, int), np.zeros(2, int), 0
    while i < len(codes):
        letter, count = _STEPS[codes[i]]
        if letter == "z":
            here = start
        else:
            words.append(letter)
            words += [f"{step / 10**_DIGITS:g}" for step in (grid[i : i + count] - here).ravel()]
            here = grid[i + count - 1]
            start = here if letter == "m" else start
        if letter == "z":
            words.append(letter)
        i += count
    return re.sub(" ?(-|[a-z]) ?", r"\1", " ".join(words)).replace("-0.", "-.").replace(" 0.", " .")


_STEPS = {
    Path.MOVETO: ("m", 1),
    Path.LINETO: ("l", 1),
    Path.CURVE3: ("q", 2),
    Path.CURVE4: ("c", 3),
    Path.CLOSEPOLY: ("z", 1),
}
