"""The frame and the moving layer together are what a full drawing of the figure is, whatever was drawn before."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_svg import RendererSVG
from scipy.optimize import linear_sum_assignment

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.one_neuron import one_neuron_points
from landscape_nb.figures import channels, copy_or_average, gradient_flow, kernels, one_neuron, splitting, style
from landscape_nb.figures.layers import Layers, picture
from landscape_nb.labs import Channels, CopyOrAverage, GradientFlow, Splitting
from landscape_nb.labs.computation import Computation
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import equicorrelated_teacher, orthonormal_teacher
from landscape_nb.search import OneNeuronPoints

SVG, HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"


def one(name, teacher, chosen=0, points=True):
    landscape = PopulationLandscape(ACTIVATIONS[name], teacher)
    found = one_neuron_points(ACTIVATIONS[name], teacher) if points else OneNeuronPoints([], remark="none")
    return one_neuron.one_neuron_view(landscape, found, chosen)


ONE_NEURON = {
    "the start": lambda: one("erf", orthonormal_teacher(3, 4)),
    "a saddle with zero modes": lambda: one("erf", orthonormal_teacher(10, 12), 1),
    "a curve in one dimension": lambda: one("erf", orthonormal_teacher(1, 1)),
    "half-lines": lambda: one("relu", orthonormal_teacher(3, 4), 1),
    "an infimum at infinity": lambda: one("gelu", orthonormal_teacher(3, 4)),
    "points outside the plane": lambda: one("cos", equicorrelated_teacher(3, 4, 0.0, 3.0, [1.0, 1.4, 1.8]), 4),
    "large numbers": lambda: one("exp", equicorrelated_teacher(3, 6, 0.3, 3.0), 1),
    "no critical point": lambda: one("erf", orthonormal_teacher(2, 3), points=False),
}
KERNELS = {
    "the start": lambda: kernels.kernel_view(ACTIVATIONS["relu"], 1.0, 1.0, 60.0),
    "the two neurons at the end of the curve": lambda: kernels.kernel_view(ACTIVATIONS["tanh"], 0.5, 2.0, 0.0),
    "a sample without spread": lambda: kernels.kernel_view(ACTIVATIONS["sign"], 0.1, 5.0, 180.0),
    "large numbers": lambda: kernels.kernel_view(ACTIVATIONS["exp"], 5.0, 5.0, 30.0),
    "small numbers": lambda: kernels.kernel_view(ACTIVATIONS["sigmoid"], 0.1, 0.1, 135.0),
    "the current point below the other curve": lambda: kernels.kernel_view(ACTIVATIONS["cos"], 1.0, 1.0, 120.0),
}


def shown_by(lab, **values):
    """What this lab shows in this state, computed without the lab."""
    computation = Computation(*lab.steps, parameters=tuple(one.name for one in lab.parameters))
    return computation({one.name: one.default for one in lab.parameters} | values).view


COPY_OR_AVERAGE = {
    "the start": lambda: shown_by(CopyOrAverage),
    "many squares, every neuron leans": lambda: shown_by(CopyOrAverage, family="n-copy", k=20, n=12),
    "negative eigenvalues": lambda: shown_by(CopyOrAverage, activation="cos", n=2, partition=2),
}
GRADIENT_FLOW = {
    "the start": lambda: shown_by(GradientFlow, k=3, n=2, start="small"),
    "nothing stored": lambda: shown_by(GradientFlow, activation="normal_cdf", k=2, n=1),
}
SPLITTING = {
    "the start": lambda: shown_by(Splitting),
    "weight vectors and a plateau outside": lambda: shown_by(Splitting, landscape="erf", gamma=1.5),
    "copies apart": lambda: shown_by(Splitting, landscape="two neurons", gamma=-1.0, apart=0.5),
}
CHANNELS = {
    "the start": lambda: shown_by(Channels),
    "an end at infinity with two ways down": lambda: shown_by(Channels, channel="two inputs", eps=0.3),
}
PICTURES = {
    "one_neuron": (one_neuron.draw, ONE_NEURON),
    "kernels": (kernels.draw, KERNELS),
    "copy_or_average": (copy_or_average.draw, COPY_OR_AVERAGE),
    "gradient_flow": (gradient_flow.draw, GRADIENT_FLOW),
    "splitting": (splitting.draw, SPLITTING),
    "channels": (channels.draw, CHANNELS),
}
STATES = [(name, state) for name, (_, states) in PICTURES.items() for state in states]


@pytest.fixture(scope="module")
def views():
    return {(name, state): PICTURES[name][1][state]() for name, state in STATES}


def sheet(theme="screen", salt="a salt for the test"):
    """A new figure and its layers, with names that can be compared."""
    figure = style.new_figure(theme)
    layers = Layers(figure)
    layers.name = salt
    return figure, layers


def joined(layers):
    """All layers on one sheet."""
    frames, moving = layers.render()
    return "".join(frames) + moving


def full_drawing(figure):
    """The figure drawn at once by matplotlib's SVG renderer, without the sheet's own ground and with images unsampled."""
    buffer = io.StringIO()
    images = [image for axes in figure.axes for image in axes.images]
    usual = [image.get_interpolation() for image in images]
    with style.drawing({"svg.fonttype": "path", "svg.hashsalt": "another salt"}):
        renderer = RendererSVG(*(72 * figure.get_size_inches()), buffer, image_dpi=72)
        figure.patch.set_visible(False)
        for image in images:
            image.set_interpolation("none")
        figure.draw(renderer)
        figure.patch.set_visible(True)
        for image, interpolation in zip(images, usual):
            image.set_interpolation(interpolation)
        renderer.finalize()
    return buffer.getvalue()


# reading SVG ----------------------------------------------------------------------------------------------------------

NEAR = 0.02  # points: places are written to a hundredth, those of a letter as the sum of two
PLAIN = {"fill": "#000000", "stroke": "none", "stroke-width": "1"}  # what holds where nothing is said


def matrix(words):
    """The affine map of a transform attribute."""
    total = np.eye(3)
    for name, numbers in re.findall(r"(\w+)\(([^)]*)\)", words):
        x, y, *rest = [*map(float, re.split(r"[ ,]+", numbers.strip())), 0.0]
        if name == "translate":
            step = [[1, 0, x], [0, 1, y], [0, 0, 1]]
        elif name == "scale":
            step = [[x, 0, 0], [0, y or x, 0], [0, 0, 1]]
        elif name == "rotate":
            turn = np.radians(x)
            step = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
        elif name == "matrix":
            step = [[x, rest[0], rest[2]], [y, rest[1], rest[3]], [0, 0, 1]]
        else:
            raise AssertionError(f"{name} is new here")
        total = total @ np.array(step)
    return total


def pieces(words):
    """(its letters, its corners) of every piece of a path, in absolute coordinates."""
    found, here, start = [], np.zeros(2), np.zeros(2)
    for letter, numbers in re.findall(r"([MLQCZmlqcz])([^MLQCZmlqcz]*)", words):
        corners = np.array(re.findall(r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?", numbers), dtype=float).reshape(-1, 2)
        if letter.islower() and letter != "z":
            corners = corners + here
        if letter in "Mm":
            assert len(corners) == 1
            found.append(("", [corners[0]]))
            here = start = corners[0]
            continue
        letters, known = found[-1]
        found[-1] = letters + letter.upper(), [*known, *corners]
        here = start if letter in "zZ" else corners[-1]
    return [(letters, np.array(corners)) for letters, corners in found if letters]


def written(element):
    """An element as text, whatever the space around it."""
    return ElementTree.canonicalize(ElementTree.tostring(element), strip_text=True)


def pixels(address):
    """The colours of an image that an address holds."""
    file = io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,")))
    return matplotlib.image.imread(file).tobytes()


class Drawing:
    """All that an SVG document draws, piece by piece and in order: how it looks, and where its corners are."""

    def __init__(self, text):
        root = ElementTree.fromstring(text)
        self.named = {}
        for element in root.iter():
            name = element.get("id")
            if name is not None and name in self.named:
                assert written(self.named[name]) == written(element), f"two are called {name}"
            self.named[name] = element
        self.looks, self.corners = [], []
        self.walk(root, {}, np.eye(3), (0.0, 0.0, np.inf, np.inf))

    def pattern(self, name):
        """A hatch, whatever the size of its tile: its ground, its look, and where its strokes begin in an inch of it."""
        tile = self.named[name]
        side, (ground, strokes) = float(tile.get("width")), tile
        begins = [corners[0] for _, corners in pieces(strokes.get("d"))]
        shifts = np.arange(0.0, 72.0, side)
        places = {(*(np.round(p + (x, y), 1) % 72).tolist(),) for p in begins for x in shifts for y in shifts}
        return f"{ground.get('fill')} {sorted(self.look(strokes, {}).items())} {sorted(places)}"

    def look(self, element, above):
        """What holds for an element: its own attributes before those of all that it is in."""
        own = dict(re.findall(r"([-\w]+):\s*([^;]+)", element.get("style", "")))
        own |= {key: element.get(key) for key in ("opacity", "fill") if key in element.attrib}
        own = {key: re.sub(r"\.0$", "", value.strip()) for key, value in own.items()}
        own.pop("image-rendering", None)
        if own.get("fill", "").startswith("url"):
            own["fill"] = self.pattern(own["fill"][5:-1])
        if own.get("stroke-linecap") == "butt":  # so it is where nothing is said
            del own["stroke-linecap"]
        return above | own

    def walk(self, element, above, place, clip):
        tag = element.tag.removeprefix(SVG)
        if tag in ("defs", "metadata", "style"):
            return
        look = above if tag == "svg" else self.look(element, above)
        place = place @ matrix(element.get("transform", ""))
        if element.get("clip-path"):
            clip = self.box_of(self.named[re.search(r"#(.*?)\)", element.get("clip-path"))[1]][0])
        if tag == "use":
            shift = [[1, 0, float(element.get("x", 0))], [0, 1, float(element.get("y", 0))], [0, 0, 1]]
            self.walk(self.named[element.get(HREF)[1:]], look, place @ np.array(shift), clip)
        elif tag == "path":
            full = PLAIN | look
            if full["stroke"] == "none":
                full = {key: value for key, value in full.items() if not key.startswith("stroke")}
            for letters, corners in pieces(element.get("d", "")):
                self.add(("path", letters, *sorted(full.items())), corners, place, clip)
        elif tag == "image":
            side = float(element.get("width")), float(element.get("height"))
            corners = [(x * side[0], y * side[1]) for x in (0, 1) for y in (0, 1)]
            self.add(("image", pixels(element.get(HREF)), *sorted(look.items())), np.array(corners), place, clip)
        else:
            assert tag in ("svg", "g"), f"{tag} is new here"
            for child in element:
                self.walk(child, look, place, clip)

    def box_of(self, shape):
        """The area to which a clip path restricts what is drawn."""
        if shape.tag == f"{SVG}rect":
            x, y, width, height = (float(shape.get(key)) for key in ("x", "y", "width", "height"))
            return x, y, x + width, y + height
        corners = np.concatenate([corners for _, corners in pieces(shape.get("d"))])
        return *corners.min(axis=0), *corners.max(axis=0)

    def add(self, look, corners, place, clip):
        places = (place @ np.column_stack([corners, np.ones(len(corners))]).T)[:2].T
        self.looks.append((*look, tuple(np.round(clip, 1))))
        self.corners.append(places)

    @property
    def boxes(self):
        """Left, top, right and bottom of every piece, as far as it can be seen."""
        ends = [(*places.min(axis=0), *places.max(axis=0)) for places in self.corners]
        return np.array(
            [(*np.maximum(e[:2], k[-1][:2]), *np.minimum(e[2:], k[-1][2:])) for e, k in zip(ends, self.looks)]
        )


def partners(shown: Drawing, full: Drawing):
    """For every piece that is shown, its number in the full drawing; fails where one has none or its place is another."""
    ours, theirs = {}, {}
    for drawing, groups in ((shown, ours), (full, theirs)):
        for number, look in enumerate(drawing.looks):
            groups.setdefault(look, []).append(number)
    sizes, expected = ({look: len(group) for look, group in groups.items()} for groups in (ours, theirs))
    assert sizes == expected
    found = np.zeros(len(shown.looks), dtype=int)
    for look, group in ours.items():
        here, there = (
            np.array([one.corners[i].ravel() for i in numbers])
            for one, numbers in ((shown, group), (full, theirs[look]))
        )
        apart = np.abs(here[:, None] - there[None]).max(axis=-1)
        rows, columns = linear_sum_assignment(
            apart + 1e-6 * np.abs(np.subtract.outer(range(len(here)), range(len(there))))
        )
        assert apart[rows, columns].max() < NEAR, (look, apart[rows, columns].max())
        found[np.array(group)[rows]] = np.array(theirs[look])[columns]
    return found


def overtaken(shown: Drawing, full: Drawing) -> list:
    """Pairs of things that lie on each other, differ, and were drawn in another order than in the full drawing."""
    ranks = partners(shown, full)
    x0, y0, x1, y1 = shown.boxes.T
    wide = np.minimum.outer(x1, x1) - np.maximum.outer(x0, x0)
    high = np.minimum.outer(y1, y1) - np.maximum.outer(y0, y0)
    swapped = np.triu(np.subtract.outer(ranks, ranks) > 0)
    pairs = np.argwhere(swapped & (wide > 1) & (high > 1))
    return [(shown.looks[i], shown.looks[j]) for i, j in pairs if shown.looks[i] != shown.looks[j]]


# one drawing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, state, theme",
    [*((name, state, "screen") for name, state in STATES), *((name, "the start", "projector") for name in PICTURES)],
)
def test_all_layers_together_are_the_full_drawing(name, state, theme, views):
    figure, layers = sheet(theme)
    PICTURES[name][0](figure, views[name, state])
    shown = Drawing(picture(joined(layers), layers.size, ""))
    full = Drawing(full_drawing(figure))
    assert len(shown.looks) > 300
    assert overtaken(shown, full) == []


def test_a_legend_lies_over_the_marks_and_over_the_panels_below_it():
    figure, layers = sheet()
    with style.drawing():
        axes = figure.add_subplot()
        upper = axes.twinx()
        for x in np.linspace(0, 1, 9):
            style.mark_point(axes, x, x, 2, "saddle", current=True)
            style.mark_point(upper, x, 1 - x, 1, "minimum")
        style.legend(axes, axes.get_lines()[:1], loc="center")
        style.legend(upper, upper.get_lines()[:1], loc="upper center")
        for panel in (axes, upper):
            style.place_words(panel)
    shown = Drawing(picture(joined(layers), layers.size, ""))
    assert overtaken(shown, Drawing(full_drawing(figure))) == []


@pytest.mark.parametrize("name", PICTURES)
def test_after_many_other_pictures_the_layers_are_those_of_a_new_sheet(name, views):
    draw, states = PICTURES[name]
    used, layers = sheet()
    fresh = {}
    for state in states:
        figure, new = sheet()
        draw(figure, views[name, state])
        fresh[state] = new.render()
    rng = np.random.default_rng(0)
    way = [*states, *rng.choice(list(states), len(states))]
    for before, state in zip(["nothing", *way], way):
        draw(used, views[name, state])
        frame, moving = layers.render()
        assert frame == fresh[state][0], f"the frame of {state} after {before}"
        assert moving == fresh[state][1], f"what moves in {state} after {before}"


def test_the_layers_of_one_picture_are_the_same_when_asked_again(views):
    figure, layers = sheet()
    kernels.draw(figure, views["kernels", "the start"])
    assert layers.render() == layers.render()


# what changes, and what stays -----------------------------------------------------------------------------------------


def test_the_frame_stays_while_only_the_content_changes():
    figure, layers = sheet()
    kernels.draw(figure, kernels.kernel_view(ACTIVATIONS["relu"], 1.0, 1.0, 60.0))
    frame, moving = layers.render()
    kernels.draw(figure, kernels.kernel_view(ACTIVATIONS["relu"], 1.0, 1.0, 63.0))
    frame_after, moving_after = layers.render()
    assert frame_after == frame and moving_after != moving


CHANGES = {
    "limits": lambda axes: axes.set_xlim(-2, 2),
    "an axis label": lambda axes: axes.set_ylabel("another"),
    "ticks": lambda axes: axes.set_xticks([-0.3, 0.7]),
    "tick labels": lambda axes: axes.set_xticks([-1, 1], ["left", "right"]),
    "the title": lambda axes: axes.set_title("another"),
    "the scale": lambda axes: axes.set_yscale("symlog"),
    "an axis that is hidden": lambda axes: axes.yaxis.set_visible(False),
    "the place": lambda axes: axes.set_position([0.2, 0.2, 0.3, 0.3]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_frame_changes_with(change, views):
    figure, layers = sheet()
    kernels.draw(figure, views["kernels", "the start"])
    frame, _ = layers.render()
    with style.drawing():
        CHANGES[change](figure.axes[0])
    assert layers.render()[0] != frame


def test_a_legend_that_says_something_else_is_drawn_anew():
    figure, layers = sheet()
    axes = figure.add_subplot()
    shown = set()
    with style.drawing():
        for look in ({"label": "one"}, {"label": "two"}, {"label": "two", "color": "red"}, {"label": "two", "ls": ":"}):
            style.legend(axes, axes.plot([0.2], [0.2], **look))
            style.wipe(axes)
            shown.add(layers.render()[1])
        style.legend(axes, [])
        shown.add(layers.render()[1])
    assert len(shown) == 5


# on one page with others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, state", [("one_neuron", "the start"), ("kernels", "the start")])
def test_the_layers_bring_no_style_no_author_and_no_names_of_groups_to_the_page(name, state, views):
    figure, layers = sheet()
    PICTURES[name][0](figure, views[name, state])
    frames, moving = layers.render()
    for layer in (*frames, moving):
        root = ElementTree.fromstring(picture(layer, layers.size, 'aria-hidden="true"'))
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {"svg", "g", "defs", "path", "use", "image", "clipPath", "rect", "pattern"}
        assert not [element for element in root.iter(f"{SVG}g") if element.get("id")]
        assert "<!--" not in layer and "<?xml" not in layer and "<!DOCTYPE" not in layer


def test_two_pictures_on_one_page_do_not_share_the_names_of_their_clip_paths(views):
    names = []
    for _ in range(2):
        figure = style.new_figure()
        one_neuron.draw(figure, views["one_neuron", "a saddle with zero modes"])
        names.append(set(re.findall(r'<(?:clipPath|pattern)[^>]*? id="([^"]*)"', joined(Layers(figure)))))
    assert len(names[0]) == len(names[1]) >= 4
    assert not names[0] & names[1]


def test_layers_leave_the_users_settings_of_matplotlib_alone(views):
    figure, layers = sheet()
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "none", "axes.grid": False, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        kernels.draw(figure, views["kernels", "the start"])
        odd = layers.render()
        assert dict(matplotlib.rcParams) == before
    figure, layers = sheet()
    kernels.draw(figure, views["kernels", "the start"])
    assert layers.render() == odd  # and the user's settings leave the picture alone


def test_two_threads_draw_what_one_draws_after_the_other(views):
    def pictures(name):
        draw, states = PICTURES[name]
        figure, layers = sheet(salt=name)
        shown = []
        for state in list(states)[:4]:
            draw(figure, views[name, state])
            shown.append(layers.render())
        return shown

    expected = [pictures(name) for name in PICTURES]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(pictures, PICTURES)) == expected
