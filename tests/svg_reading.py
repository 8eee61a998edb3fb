"""Reading SVG: all that a document draws, piece by piece, to be compared with what matplotlib's own renderer draws."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_svg import RendererSVG
from scipy.optimize import linear_sum_assignment

from landscape_nb.figures import style

SVG, HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
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
