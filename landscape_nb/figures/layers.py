"""A picture as layers of SVG: a frame for each panel, which seldom changes, and what moves.

Nearly all the time that a figure costs goes into its axes: ticks, tick labels, titles. A lab therefore keeps its figure and its axes and
draws only their content anew. The frame of an axes (background, axis, title) and what lies on top of the content (spines, legend) are
drawn again only when something they show has changed: limits, scale, ticks, words, place, legend. All layers come from matplotlib's
own SVG renderer, without the parts that only a document needs, so that they are what a full drawing of the figure would be.
"""

from __future__ import annotations

import base64
import io
import re
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import _path
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from PIL import Image

from . import style

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_PIECES = 256  # a slider that goes back and forth finds the frames of its way again
_SPINES, _LEGEND = 2.5, 10.0  # places in matplotlib's order of drawing
_DIGITS = 2  # after the point, of coordinates in points: a hundredth is finer than any screen


class _Renderer(RendererSVG):
    """matplotlib's renderer for a picture that changes many times a second: few elements, few digits.

    A browser spends its time on elements. A line of text is one path here, not a ``use`` of each of its letters; so are marks that are
    only lines. There is no style, author, name of a group or comment, as in a document.
    """

    def __init__(self, size: tuple[float, float], buffer: io.StringIO) -> None:
        super().__init__(*size, buffer, image_dpi=72)
        self.writer.comment = lambda text: None
        self.start = buffer.tell()

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
        return made.decode("ascii")

    def draw_markers(  # type: ignore[no-untyped-def]
        self, gc, marker_path, marker_trans, path, trans, rgbFace=None
    ) -> None:
        """The same mark at every point of a path."""
        shape = marker_trans + Affine2D().scale(1.0, -1.0)
        ends = path.iter_segments(self._make_flip_transform(trans), simplify=False)
        marks = [
            self._convert_path(marker_path, shape + Affine2D().translate(*corners[-2:]), simplify=False)
            for corners, _ in ends
            if len(corners) and np.all(np.isfinite(corners))
        ]
        clip, look = self._get_clip_attrs(gc), self._get_style(gc, rgbFace)
        if rgbFace is None and gc.get_alpha() == 1.0 or len(marks) == 1:  # nothing shows where one lies over another
            self.writer.element("path", d="".join(marks), **clip, style=look)
        elif marks:
            self.writer.start("g", **clip, style=look)
            for mark in marks:
                self.writer.element("path", d=mark)
            self.writer.end("g")

    def draw_path_collection(self, *args: Any, **options: Any) -> None:
        RendererBase.draw_path_collection(self, *args, **options)

    def _draw_text_as_path(  # type: ignore[no-untyped-def]
        self, gc, x, y, s, prop, angle, ismath, mtext=None
    ) -> None:
        """A line of text as one path."""
        if ismath:
            glyphs, new, bars = self._text2path.get_glyphs_mathtext(prop, s, _GLYPHS, True)
        else:
            font = self._text2path._get_font(prop)
            glyphs, new, bars = self._text2path.get_glyphs_with_font(font, s, _GLYPHS, True)
        _GLYPHS.update(new)
        size = prop.get_size_in_points() / self._text2path.FONT_SCALE
        place = Affine2D().scale(size, -size).rotate_deg(-angle).translate(x, y)
        words = []
        for glyph, right, up, scale in glyphs:
            across, down = place.transform((right, up))
            words.append(f"M{across:.{_DIGITS}f} {down:.{_DIGITS}f}{_outline(glyph, size * scale, angle, _DIGITS)}")
        words += [self._convert_path(Path(*bar), place, simplify=False) for bar in bars]
        alpha = gc.get_alpha() if gc.get_forced_alpha() else gc.get_rgb()[3]
        look = f"fill: {to_hex(gc.get_rgb())}" + (f"; opacity: {alpha:g}" if alpha != 1.0 else "")
        self.writer.element("path", d="".join(words), style=look)

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


_GLYPHS: OrderedDict[str, tuple[np.ndarray, np.ndarray]] = (
    OrderedDict()
)  # by font and number: corners and what they are


@lru_cache(maxsize=4096)
def _outline(glyph: str, size: float, angle: float, digits: int) -> str:
    """A letter of this size, turned by this angle in degrees, as steps from its origin."""
    corners, codes = _GLYPHS[glyph]
    turned = Affine2D().scale(size, -size).rotate_deg(-angle).transform(corners)
    grid = np.rint(10**digits * turned).astype(int)  # differences of rounded places add up to the rounded place
    words, here, start, i = [], np.zeros(2, int), np.zeros(2, int), 0
    while i < len(codes):
        letter, count = _STEPS[codes[i]]
        if letter == "z":
            here = start
        else:
            words.append(letter)
            words += [f"{step / 10**digits:g}" for step in (grid[i : i + count] - here).ravel()]
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


class Layers:
    """The layers of one figure. ``render()`` gives them; what did not change in the frames is taken from the last time."""

    def __init__(self, figure: Figure, like: Layers | None = None) -> None:
        """like : the layers of another sheet in whose place these will be shown; the same picture is then the same text."""
        self.figure = figure
        # clip paths of two figures on one page must not share their names
        self._salt: str = uuid.uuid4().hex if like is None else like._salt
        self._kept: OrderedDict[tuple[Any, ...], str] = OrderedDict()  # pieces of the frame, by what they show

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points, the units of all layers."""
        width, height = self.figure.get_size_inches()
        return 72.0 * float(width), 72.0 * float(height)

    def render(self) -> tuple[tuple[str, ...], str]:
        """(frames of the panels, moving) as SVG elements; the figure must be drawn, and stays unchanged."""
        with style.drawing({"svg.fonttype": "path", "svg.hashsalt": self._salt}):
            panels = sorted(self.figure.axes, key=lambda axes: axes.get_zorder())
            for axes in panels:
                axes.apply_aspect()
            frames = tuple(self._frame(axes) for axes in panels)
            moving = self._fragment([item for axes in panels for item in self._moving(axes)])
        return frames, moving

    def _frame(self, axes: Axes) -> str:
        """Background, both axes with their ticks and grid, and title; each from the last time if it shows the same."""
        place = axes.get_position().bounds
        pieces = [self._piece("title", axes, (place, axes.get_title(), axes.axison), [axes.patch, axes.title])]
        if axes.axison:
            for axis in (axes.xaxis, axes.yaxis):
                pieces.append(self._piece(axis.axis_name, axes, (place, *_signature(axis)), [axis]))
        return "".join(pieces)

    def _moving(self, axes: Axes) -> list[Artist | str]:
        """The content, with spines and legend as they were if they show the same, from the lowest to the highest."""
        place = axes.get_position().bounds
        layers: list[tuple[float, Artist | str]] = [(artist.get_zorder(), artist) for artist in style.content(axes)]
        if axes.axison:
            layers.append((_SPINES, self._piece("spines", axes, (place,), list(axes.spines.values()))))
        legend = axes.get_legend()
        if legend is not None:
            says = getattr(legend, "says", legend)
            layers.append((_LEGEND, self._piece("legend", axes, (place, says), [legend])))
        return [item for _, item in sorted(layers, key=lambda layer: layer[0])]

    def _piece(self, name: str, axes: Axes, signature: tuple[Any, ...], artists: Sequence[Artist]) -> str:
        key = name, axes, *signature
        if key not in self._kept:
            self._kept[key] = self._fragment(artists)
            if len(self._kept) > _PIECES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _fragment(self, items: Sequence[Artist | str]) -> str:
        """These artists, and the pieces of SVG between them, as SVG elements without the document around them."""
        buffer = io.StringIO()
        renderer = _Renderer(self.size, buffer)
        for item in items:
            if isinstance(item, str):
                renderer.writer.flush()
                buffer.write(item)
            else:
                _draw(item, renderer)
        renderer.finalize()
        text = buffer.getvalue()
        return text[renderer.start : text.rindex("</svg>")]


def _draw(artist: Artist, renderer: RendererSVG) -> None:
    if not isinstance(artist, AxesImage):
        artist.draw(renderer)
        return
    interpolation = artist.get_interpolation()
    artist.set_interpolation("none")  # hand the grid itself to the browser, instead of an enlarged one
    try:
        artist.draw(renderer)
    finally:
        artist.set_interpolation(interpolation)


def _signature(axis: Axis) -> tuple[Any, ...]:
    """All that an axis shows: limits, scale, ticks and words."""
    locator, formatter = axis.get_major_locator(), axis.get_major_formatter()
    return (
        axis.get_visible(),
        axis.get_scale(),
        getattr(axis.get_transform(), "linthresh", None),
        tuple(axis.get_view_interval()),
        axis.get_label_text(),
        type(locator),
        tuple(getattr(locator, "locs", ())),
        type(formatter),
        tuple(getattr(formatter, "seq", ())),
    )


def picture(fragment: str, size: tuple[float, float], attributes: str) -> str:
    """An ``<svg>`` element of this size in points around a fragment."""
    width, height = size
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="100%" xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink" style="stroke-linejoin:round;stroke-linecap:butt" {attributes}>'
        f"{fragment}</svg>"
    )
