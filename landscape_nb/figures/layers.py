"""A picture as layers of SVG: a frame for each panel, which seldom changes, and what moves.

Nearly all the time that a figure costs goes into its axes: ticks, tick labels, titles. A lab therefore keeps its figure and its axes and
draws only their content anew. The frame of an axes (background, axis, title) and what lies on top of the content (spines, legend) are
drawn again only when something they show has changed: limits, scale, ticks, words, place, legend. All layers come from matplotlib's
own SVG renderer, without the parts that only a document needs, so that they are what a full drawing of the figure would be.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.image import AxesImage

from . import style
from .svg_renderer import FewElements

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_PIECES = 256  # a slider that goes back and forth finds the frames of its way again
_SPINES, _LEGEND = 2.5, 10.0  # places in matplotlib's order of drawing


class Layers:
    """The layers of one figure. ``render()`` gives them; what did not change in the frames is taken from the last time."""

    def __init__(self, figure: Figure, like: Layers | None = None) -> None:
        """like : the layers of another sheet in whose place these will be shown; the same picture is then the same text."""
        self.figure = figure
        #: Clip paths and frames of two figures on one page must not share their names.
        self.name: str = uuid.uuid4().hex if like is None else like.name
        self._kept: OrderedDict[tuple[Any, ...], str] = OrderedDict()  # pieces of the frame, by what they show

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points, the units of all layers."""
        width, height = self.figure.get_size_inches()
        return 72.0 * float(width), 72.0 * float(height)

    def render(self) -> tuple[tuple[str, ...], str]:
        """(frames of the panels, moving) as SVG elements; the figure must be drawn, and stays unchanged."""
        with style.drawing({"svg.fonttype": "path", "svg.hashsalt": self.name}):
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
        renderer = FewElements(self.size)
        for item in items:
            if isinstance(item, str):
                renderer.write(item)
            else:
                _draw(item, renderer)
        return renderer.fragment()


def _draw(artist: Artist, renderer: FewElements) -> None:
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
