"""What must hold in every state of every lab; used by the sweeps and by the planted faults that show the sweeps go red."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import quote, unquote

import numpy as np
from scipy.special import erf

from landscape_nb.activations import ACTIVATIONS
from landscape_nb.closed_forms.perturbed_copy import perturbed_copy
from landscape_nb.critical import OutsideTheorem
from landscape_nb.labs.parameters import Logarithmic, Number
from landscape_nb.landscapes import PopulationLandscape
from landscape_nb.networks import Network, orthonormal_teacher
from landscape_nb.slices import best_weight
from landscape_nb.sweeps import outcome

DIMMED = "lab-dimmed"
FORBIDDEN = {
    "a negative zero": re.compile(r"(?<![\w.])[-−]0(?:\.0*)?(?!\.?\d)"),
    "not a number": re.compile(r"\bnan\b", re.IGNORECASE),
    "a memory address": re.compile(r"0x[0-9a-f]{4,}|<[\w.]+ object at"),
    "an unfilled field": re.compile(r"\bNone\b|\{[a-z_]+\}"),
}
_VOID = {"br", "hr", "img"}
#: All that a lab may refuse, in the library's own sentences.
REFUSALS = re.compile(
    r"^\d+ (orthonormal|orthogonal) teacher vectors do not fit in dimension \d+; raise d to at least \d+$"
    r"|^\d+ teacher vectors of correlation \S+ do not fit in dimension \d+; raise d to at least \d+$"
    r"|^\d+ vectors can have a common correlation between \S+ and 1; correlation = \S+ was given$"
    r"|^each student neuron needs at least one teacher, n <= k; n = \d+ and k = \d+ were given; lower n or raise k$"
    r"|^n <= k is shown here, fewer student neurons than teachers; n = \d+ and k = \d+ were given; lower n or raise k$"
    r"|^the perturbed-n-copy point needs .*; given: .*; .*$"
    r"|^channel 1 begins at eps = 0\.4918, where one of the outgoing weights is 0; eps = \S+ was given; lower eps$"
    r"|^the teacher is the zero function"
)


def boxes(lab):
    """Numbers, caption and status as the widgets hold them."""
    return lab._numbers_box.value, lab._caption_box.value, lab._status_box.value


def inside(svg):
    """What stands in an <svg> element."""
    return re.fullmatch("<svg[^>]*>(.*)</svg>", svg, re.DOTALL)[1]


def layers(lab):
    """The frames of all panels and what moves, as the reader sees them, without the number of the picture.

    A frame that came with what moves stands before it, and hides the one in the box below.
    """
    head, moving = re.fullmatch("(<svg[^>]*>)(.*)", lab._moving_box.value, re.DOTALL).groups()
    frames = [box.value for box in lab._frame_boxes]
    hidden = re.match("<style>(.*?) {opacity: 0}</style>", moving)
    for name in hidden[1].split(", ") if hidden else ():
        place = int(name.rsplit("-")[-1])
        assert f"class='{name.removeprefix('.')}'" in frames[place] or frames[place] == "", "another frame is hidden"
        moving, frames[place] = moving.removeprefix(hidden[0]), lab._frames[place]
        assert moving.startswith(inside(frames[place])), f"the frame of panel {place} is not before what moves"
        moving = moving.removeprefix(inside(frames[place]))
    assert tuple(frames) == lab._frames, "a frame below is not the one of this picture"
    return *frames, re.sub("data-picture='.*?'", "", head) + moving


def is_dimmed(lab) -> bool:
    return DIMMED in lab._picture._dom_classes


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.text.append(data)


def words(markup: str) -> str:
    """The text of a piece of HTML, whose tags must be balanced."""
    parser = _Tags()
    parser.feed(markup)
    parser.close()
    assert not parser.open, f"{parser.open} stay open in {markup[:80]!r}"
    text = " ".join(parser.text)
    assert text.count("$") % 2 == 0, f"a formula is not closed in {text!r}"
    return re.sub(r"\$\$[^$]*\$\$|\$[^$]*\$", "formula", text)


def check_words(text: str, where: str) -> None:
    for what, pattern in FORBIDDEN.items():
        assert not pattern.search(text), f"the {where} shows {what}: {pattern.search(text)[0]!r} in {text!r}"


def agrees(shown: str, value: float, digits: int, scale: float = 0.0) -> bool:
    """Whether a number in a text is ``value`` rounded to ``digits``, fewer where the data's scale leaves them uncertain."""
    parsed = float(shown)
    if not np.isfinite(value):
        return parsed == value
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - digits + 1) if value else 0.0
    return abs(parsed - value) <= 0.501 * unit + 5.1e-12 * scale + 1e-300


def check_lab(lab) -> None:
    """All invariants of a lab whose last move was possible."""
    assert lab.message == "", lab.message
    assert not is_dimmed(lab)
    assert lab.state == {name: control.value for name, control in lab.controls.items()}
    for name, control in lab._controls.items():
        assert control.field is None or control.typed == lab.state[name], f"the field of {name} lags behind"
    numbers, caption, status = boxes(lab)
    for text, where in (
        (lab.summary, "summary"),
        (words(numbers), "table"),
        (words(caption), "caption"),
        (words(status), "status"),
        (words(lab._theorem_box.value), "theorem"),
    ):
        check_words(text, where)
    assert len(words(caption)) > 40
    assert words(status).strip(), "the status line is empty"
    assert lab.summary and words(numbers)
    check_alternative_text(lab)
    check_code(lab)
    check_marks(lab)
    if lab._pictures % 4 == 1:  # the first one and then a part: reading them back is the longest of all this
        check_exports(lab)
    CHECKS[lab.name](lab)


def check_alternative_text(lab) -> None:
    """A screen reader is told the summary, and hears of the picture once."""
    shown = re.search(r"<svg[^>]* aria-label='([^']*)'", lab._moving_box.value)
    assert shown, "the picture has no words"
    assert html.unescape(shown[1]) == "; ".join(lab.summary.splitlines()), "the picture's words are not the summary"
    assert "role='img'" in lab._moving_box.value and all("aria-hidden='true'" in box.value for box in lab._frame_boxes)


def check_code(lab) -> None:
    """The code holds the state: read here without the library, a field for each control."""
    name, version, *fields, check = lab.code.split("~")
    assert (name, version) == (lab.name, "1") and len(check) == 3
    for parameter, field in zip(lab.parameters, fields, strict=True):
        value = unquote(field.rstrip("!*"))
        here = lab.state[parameter.name]
        assert (value if isinstance(here, str) else float(value)) == here, f"the code says {parameter.name} = {value}"
        marks = "*" if parameter.name in lab._hidden else "!" if parameter.name in lab._fixed else ""
        assert field == quote(value, safe="") + marks
    assert lab._code_box.value == lab.code
    assert lab._preset_box.value == next((n for n, values in lab._preset_states.items() if values == lab.state), None)


_MARK = re.compile(r"data-value='([^']*)' title='([^']*)' style='left:([\d.]+)px'")


def marks_shown(lab) -> dict[str, list[tuple[float, str]]]:
    """The ticks along the sliders as the widgets hold them."""
    found = {}
    for name, control in lab._controls.items():
        ticks = _MARK.findall(control._marks.value)
        assert len(ticks) == control._marks.value.count("<span")
        for value, _, left in ticks:  # the track of 150 pixels is inset by 10
            low, high, at = control.parameter.low, control.parameter.high, float(value)
            if isinstance(control.parameter, Logarithmic):
                low, high, at = np.log10([low, high, at])
            assert abs(float(left) - (10 + 130 * (at - low) / (high - low))) < 0.01, "a tick stands elsewhere"
        if ticks:
            found[name] = [(float(value), html.unescape(sentence)) for value, sentence, _ in ticks]
    return found


def check_marks(lab) -> None:
    """The ticks are what the result says, each on its slider."""
    declared = {name: marks for name, marks in lab._marks(lab.result).items() if marks}
    shown = marks_shown(lab)
    assert shown.keys() == declared.keys(), "the ticks belong to another state"
    for name, marks in declared.items():
        assert isinstance(lab._known(name), Number)
        assert [sentence for _, sentence in marks] == [sentence for _, sentence in shown[name]]
        np.testing.assert_allclose([value for value, _ in shown[name]], [value for value, _ in marks], rtol=1e-11)


def check_exports(lab) -> None:
    """What is exported is what is shown, read back by other readers than wrote it."""
    content = json.loads(lab.exported("json"))
    assert (content["lab"], content["code"]) == (lab.name, lab.code)
    assert (content["parameters"], content["summary"]) == (lab.state, lab.summary)
    tables = lab.tables()
    assert content["tables"].keys() == tables.keys()
    for name, table in tables.items():
        rows = list(csv.reader(io.StringIO(lab.exported("csv", name).decode())))
        assert rows[0] == list(table) == list(content["tables"][name])
        for i, (column, values) in enumerate(table.items()):
            from_csv, from_json = [row[i] for row in rows[1:]], content["tables"][name][column]
            assert len(from_csv) == len(from_json) == len(values)
            if values is not None and np.asarray(values).dtype.kind in "if":
                assert np.array_equal([float(cell) for cell in from_csv], values, equal_nan=True), (name, column)
                assert np.array_equal([float(cell) for cell in from_json], values, equal_nan=True), (name, column)
            else:
                assert from_csv == from_json == [str(value) for value in values]


def check_refused(lab, before) -> None:
    """``before`` is the ``snapshot`` of the last possible state."""
    assert REFUSALS.search(lab.message), lab.message
    assert is_dimmed(lab)
    assert snapshot(lab)[0:1] == before[0:1] and snapshot(lab)[2:] == before[2:]
    assert lab.result is before[1]
    _, caption, status = boxes(lab)
    assert html.escape(lab.message) in status
    check_words(words(status), "status")
    check_words(words(caption), "caption")
    for name, control in lab._controls.items():
        assert control.field is None or control.typed == control.widget.value, f"the field of {name} lags behind"
    for name, value in lab.state.items():
        text = lab._known(name).text(value)
        assert type(value)(text) == value, f"the text of {name} = {value} is {text}"
        assert f"{name} = {text}" in words(caption), f"the caption of the dimmed picture does not say {name} = {text}"


def snapshot(lab):
    return lab.state, lab.result, lab.summary, layers(lab), lab._numbers_box.value, lab.code


def move_and_check(lab, **values) -> bool:
    """Set the controls and check what must hold; whether the state exists."""
    before = snapshot(lab)
    lab.set(**values)
    assert "this lab failed" not in lab.message, lab.message
    asked = before[0] | {name: control.value for name, control in lab.controls.items()}
    assert (not lab.message) == EXISTS.get(lab.name, lambda state: True)(asked), f"{asked}: {lab.message or 'shown'}"
    if lab.message:
        check_refused(lab, before)
        return False
    check_lab(lab)
    return True


# one neuron -----------------------------------------------------------------------------------------------------------

_POINT_LINE = re.compile(
    r"^(\d+)\. (.+): (degenerate minimum|degenerate saddle|minimum|saddle|maximum), index (\d+), nullity (\d+)"
    r"(?: \(([^)]*)\))?, loss (\S+), \|w\| = (\S+), a = (\S+), (closed form|numerical)$"
)


def _cosines(point) -> np.ndarray:
    w, teachers = point.student.W[0], point.landscape.teacher.W
    return teachers @ w / (np.linalg.norm(teachers, axis=1) * max(float(np.linalg.norm(w)), 1e-300))


def check_critical_point(point) -> None:
    """Residual, Hessian and index, counted afresh from the loss."""
    landscape, theta = point.landscape, point.student.theta
    constant = landscape.constant
    assert np.isfinite(point.loss) and point.loss >= 0
    assert point.loss <= constant * (1 + 1e-12), "no student is worse than the zero student at its best weight"
    hessian = landscape.hessian(point.student)
    assert np.isfinite(hessian).all()
    assert np.array_equal(hessian, hessian.T)
    values = np.linalg.eigvalsh(hessian)
    largest = float(np.abs(values).max())
    residual = np.abs(landscape.gradient(point.student)).max()
    assert residual <= 1e-13 * max(1.0, largest), (
        f"{point.name}: max |grad L| = {residual:.2g}, largest eigenvalue {largest:.3g}"
    )
    teacher = landscape.teacher  # a Hessian that vanishes by cancellation is as large as the rounding of its terms
    tolerance = max(1e-13 * largest, 2e-15 * float(np.abs(teacher.a) @ np.linalg.norm(teacher.W, axis=1)))
    negative, zero = int(np.sum(values < -tolerance)), int(np.sum(np.abs(values) <= tolerance))
    assert (point.index, point.nullity) == (negative, zero), (
        f"{point.name}: index {point.index} and nullity {point.nullity} are claimed, the Hessian has {negative} negative "
        f"and {zero} zero eigenvalues: {values}"
    )
    assert point.spectrum.shape == theta.shape
    assert np.abs(point.spectrum - values).max() <= max(1e-11 * largest, tolerance)
    assert sum(point.zero_modes.values()) == point.nullity
    if not point.zero_modes.get("genuine"):
        expected = "minimum" if negative == 0 else "maximum" if negative + zero == theta.size else "saddle"
        hides_a_way_down = negative == 0 and point.zero_modes.keys() & {"silenced neuron", "idle neuron"}
        assert point.kind == expected or (hides_a_way_down and point.kind == "degenerate saddle")
    else:
        assert point.kind.startswith("degenerate ")
        assert negative == 0 or point.kind == "degenerate saddle"
    if landscape.activation.jumps and np.abs(_cosines(point)).max() > 0.999:
        return  # so close to a cusp differences say nothing
    # the loss itself, without its gradient: slope 0 and the curvature u.H.u in some direction u
    rng = np.random.default_rng(1)
    direction = rng.normal(size=theta.size) / np.sqrt(theta.size)
    step = 1e-4 * max(1.0, float(np.abs(theta).max()))
    if point.student.W.any():
        step = 1e-4 * min(max(1.0, float(np.abs(theta).max())), float(np.linalg.norm(point.student.W)) * 10)
    up, down = landscape.value(theta + step * direction), landscape.value(theta - step * direction)
    bend = float(direction @ hessian @ direction)
    noise = 1e-15 * max(constant, point.loss) * 50
    slope_bound = 1e-2 * step * max(largest, constant, float(np.sqrt(constant))) + noise / step
    assert abs(up - down) / (2 * step) <= slope_bound, f"{point.name}: the loss has a slope"
    bend_found = (up + down - 2 * point.loss) / step**2
    assert abs(bend_found - bend) <= 0.01 * max(largest, 1e-3 * constant) + step**2 + 4 * noise / step**2, (
        f"{point.name}: the loss curves by {bend_found:.6g}, the Hessian says {bend:.6g}"
    )


def teachers_exist(state) -> bool:
    """Whether the teachers of this state of the one-neuron lab fit, and are not the zero function."""
    k, d, correlation = state["k"], state["d"], state["correlation"]
    lowest = -1 / (k - 1) if k > 1 else -1.0
    rank = 1 if k == 1 or correlation == 1 else k - 1 if abs(correlation - lowest) < 1e-9 else k
    if correlation < lowest - 1e-9 or rank > d:
        return False
    # sum_j b_j v_j = 0: the linear functions cancel, and two opposite odd neurons of one weight
    cancels = k > 1 and abs(correlation - lowest) < 1e-9 and state["spread"] == 0
    return not (cancels and (state["activation"] == "linear" or (k == 2 and ACTIVATIONS[state["activation"]].odd)))


def check_symmetries(landscape) -> None:
    """The loss does not change with the order of the teachers, under rotations of the inputs, and with the signs of odd neurons."""
    rng = np.random.default_rng(2)
    teacher, d = landscape.teacher, landscape.d
    order, turn = rng.permutation(teacher.n), np.linalg.qr(rng.normal(size=(d, d)))[0]
    w, a = rng.normal(size=(1, d)) / np.sqrt(d), rng.normal(size=1)
    value = landscape.value(Network(w, a))
    size = landscape.constant + 2 * abs(value)
    other = PopulationLandscape(landscape.activation, Network(teacher.W[order], teacher.a[order]))
    assert abs(other.value(Network(w, a)) - value) <= 1e-12 * size, "the loss depends on the order of the teachers"
    turned = PopulationLandscape(landscape.activation, Network(teacher.W @ turn, teacher.a))
    assert abs(turned.value(Network(w @ turn, a)) - value) <= 1e-11 * size, "the loss changes under a rotation"
    if landscape.activation.odd:
        assert abs(landscape.value(Network(-w, -a)) - value) <= 1e-12 * size, "the loss of (-w, -a) is another"


def check_one_neuron(lab) -> None:
    view = lab.result.view
    check_symmetries(view.landscape)
    check_bifurcations(lab)
    check_one_neuron_tables(lab)
    landscape, points = view.landscape, view.points
    constant = landscape.constant
    lines = lab.summary.splitlines()
    for point in points:
        check_critical_point(point)
    losses = [point.loss for point in points]
    assert losses == sorted(losses) or np.allclose(losses, sorted(losses), rtol=0, atol=1e-9)
    assert view.chosen == max(min(lab.state["point"], len(points)) - 1, 0)
    # the picture's numbers: nothing lies below what is called lowest
    known = min([*losses, *([points.infimum.loss] if points.infimum is not None else []), constant])
    for numbers_shown in (view.surface, view.profile):
        assert np.isfinite(numbers_shown).any()
        assert np.nanmax(numbers_shown) <= constant * (1 + 1e-9)
        assert landscape.activation.jumps or np.nanmin(numbers_shown) >= known - 1e-9 * constant, (
            f"the surface goes down to {np.nanmin(numbers_shown)!r}, the lowest known loss is {known!r}"
        )
    for point in points:
        x, y, distance = view.plane.coordinates(point.student.W[0])
        if distance <= 1e-9 and point.student.a[0] != 0:
            loss, weight = best_weight(landscape, np.array(x), np.array(y), view.plane)
            assert abs(float(loss) - point.loss) <= 1e-10 * constant
            assert np.isclose(float(weight), point.student.a[0], rtol=1e-7)
    # the words
    found = [_POINT_LINE.match(line) for line in lines if re.match(r"\d+\. ", line)]
    assert all(found), lab.summary
    assert len(found) == len(points)
    rows = [
        [words(cell) for cell in re.findall(r"<td>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", lab._numbers_box.value)
        if "<td>" in row
    ]
    assert len(rows) == len(points)
    for i, (match, point, row) in enumerate(zip(found, points, rows)):
        number, name, kind, index, nullity, modes, loss, norm, weight, method = match.groups()
        assert (int(number), name, kind, method) == (i + 1, point.name, point.kind, point.method)
        assert (int(index), int(nullity)) == (point.index, point.nullity)
        shown_modes = dict(part.rsplit(" ", 1) for part in modes.split(", ")) if modes else {}
        assert {key: int(count) for key, count in shown_modes.items()} == point.zero_modes
        assert agrees(loss, point.loss, 8, constant), f"the summary says loss {loss}, the result {point.loss!r}"
        assert agrees(norm, float(np.linalg.norm(point.student.W)), 6)
        assert agrees(weight, float(point.student.a[0]), 6)
        assert row[0].startswith("▶") == (i == view.chosen)
        assert row[1:6] == [name, loss, norm, weight, index]
        assert row[7:9] == [kind, method]
    assert agrees(re.search(r"E\[f\*\^2\] = (\S+)", lines[0])[1], constant, 8)
    if view.point is not None:
        spectrum = lines[-1].split(": ")[1]
        assert lines[-1].startswith(f"Hessian spectrum of point {view.chosen + 1}")
        values: list[float] = []
        for part in spectrum.split(", "):
            value, _, count = part.partition(" (x")
            values += [float(value)] * (int(count[:-1]) if count else 1)
        assert len(values) == view.point.spectrum.size
        largest = np.abs(view.point.spectrum).max()
        assert np.all(np.abs(values - view.point.spectrum) <= 6e-6 * np.abs(view.point.spectrum) + 1e-8 * largest)
    status = words(lab._status_box.value)
    if points:
        assert status.startswith(f"point {view.chosen + 1} of {len(points)};")
    # a closed form is shown as the theorem's, a search as numerical
    if lab.result.applies:
        assert lab.result.statement.title in status and f"theorem: {lab.result.statement.title}" in lines[1]
    else:
        assert "numerical" in status and lines[1].startswith("outside every theorem")
        assert all(point.method == "numerical" or point.student.a[0] == 0 for point in points)
    if points.infimum is not None:
        assert "infimum lies at infinity" in lab.summary
        assert points.infimum.loss < min([constant, *losses])


def check_bifurcations(lab) -> None:
    """On which side of the declared values the average stands, by the eigenvalues of its Hessian."""
    for name, found in lab.result.bifurcations.items():
        values = [one.value for one in found]
        assert values == sorted(values) and all(
            lab._known(name).low <= value <= lab._known(name).high for value in values
        )
        for one, following in pairwise(found):
            assert one.after == following.before
        if not found or min(abs(value - lab.state[name]) for value in values) < 1e-9:
            continue
        average = [point for point in lab.result.view.points if point.name.startswith(found[0].point)]
        if len(average) != 1 or lab.state["correlation"] == 1:
            continue  # at correlation 1 the span across the mean is gone
        below = [one for one in found if one.value < lab.state[name]]
        expected = below[-1].after if below else found[0].before
        spectrum = np.linalg.eigvalsh(average[0].landscape.hessian(average[0].student))
        index = int(np.sum(spectrum < -1e-13 * np.abs(spectrum).max()))
        assert average[0].index == index == expected, (
            f"the average has index {index}, the bifurcations along {name} say {expected}"
        )


def check_one_neuron_tables(lab) -> None:
    """The tables are those of the result, computed afresh."""
    view, tables = lab.result.view, lab.tables()
    found = tables["critical points"]
    assert list(found["index"]) == [point.index for point in view.points]
    assert list(found["loss"]) == [point.loss for point in view.points]
    assert list(found["norm"]) == [float(np.linalg.norm(point.student.W)) for point in view.points]
    assert list(found["kind"]) == [point.kind for point in view.points]
    if view.point is not None:
        assert np.array_equal(tables["spectrum"]["eigenvalue"], view.point.spectrum)
    surface = tables["surface"]
    i = len(surface["loss"]) // 3  # anywhere
    loss, _ = best_weight(view.landscape, surface["along"][i], surface["across"][i], view.plane)
    if np.isfinite(loss) and not (view.landscape.activation.jumps or view.y.size == 0):
        assert abs(float(loss) - surface["loss"][i]) <= 1e-9 * view.landscape.constant, (
            "the table of the surface is wrong"
        )
    assert np.array_equal(tables["profile"]["loss"], view.profile, equal_nan=True)


# kernels --------------------------------------------------------------------------------------------------------------


def check_kernels(lab) -> None:
    view, state = lab.result, lab.state
    act, r1, r2 = view.activation, view.norm1, view.norm2
    assert (act.name, r1, r2, view.angle) == tuple(state[name] for name in ("activation", "norm1", "norm2", "angle"))
    s, t = r1**2, r2**2
    bound = np.sqrt(float(act.self_kernel(s)) * float(act.self_kernel(t)))
    tiny = 1e-12 * max(1.0, bound)
    assert np.isfinite(view.values).all()
    assert np.abs(view.values).max() <= bound + tiny, "K exceeds the Cauchy-Schwarz bound"
    # one at the end of the curve: two neurons that are the same; and the dot lies on the curve
    if r1 == r2:
        assert abs(view.values[-1] - bound) <= 1e-11 * max(1.0, bound)
    nearest = int(np.argmin(np.abs(view.cosines - view.cosine)))
    if abs(view.cosines[nearest] - view.cosine) < 1e-12:
        assert abs(view.values[nearest] - view.value) <= 1e-9 * max(1.0, bound)
    # the slope, from the kernel alone
    step = 1e-5
    inner = np.abs(view.cosines) < 0.99
    c = np.clip(view.cosines[inner], -1.0, 1.0)
    up, down = act.kernel(s, (c + step) * r1 * r2, t), act.kernel(s, (c - step) * r1 * r2, t)
    slopes = (up - down) / (2 * step)
    size = np.maximum(np.abs(slopes).max(), bound)
    assert np.abs(slopes - view.slopes[inner]).max() <= 2e-5 * size, "the slope is not that of K"
    if abs(view.cosine) < 0.99:
        here = act.kernel(s, (view.cosine + np.array([step, -step])) * r1 * r2, t)
        assert abs((here[0] - here[1]) / (2 * step) - view.slope) <= 2e-5 * size, "the slope is not that of K"
    # Hermite coefficients: Parseval, and Mehler's series where it has converged
    for norm, coefficients in ((r1, view.hermite1), (r2, view.hermite2)):
        assert np.isfinite(coefficients).all()
        assert (coefficients**2).sum() <= float(act.self_kernel(norm**2)) * (1 + 1e-10) + 1e-15
    rest = bound * np.sqrt(
        max(1 - (view.hermite1**2).sum() / float(act.self_kernel(s)), 1e-14)
        * max(1 - (view.hermite2**2).sum() / float(act.self_kernel(t)), 1e-14)
    )
    m = np.arange(view.hermite1.size)
    series = float((view.hermite1 * view.hermite2 * view.cosine**m).sum())
    assert abs(series - view.value) <= rest + 1e-10 * max(1.0, bound), "Mehler's series disagrees with K"
    # the sample: growing, unbiased within its error (heavy tails aside)
    assert np.all(np.diff(view.sizes) > 0) and view.sizes[-1] == 100_000
    assert np.isfinite(view.errors).all() and (view.errors >= 0).all()
    if act.name not in ("exp", "cube"):
        assert np.abs(view.estimates[-1] - view.value) <= 5.5 * view.errors[-1] + 1e-12 * max(1.0, bound)
    # the words
    lines = lab.summary.splitlines()
    assert re.match(rf"Kernel of {act.name} \(", lines[0])
    norms = re.search(r"norms (\S+) and (\S+), angle (\S+) degrees", lines[0]).groups()
    assert agrees(norms[0], r1, 3) and agrees(norms[1], r2, 3) and float(norms[2]) == state["angle"]
    value, slope = re.match(r"K = (\S+), slope dK/dcos = (\S+)$", lines[1]).groups()
    assert agrees(value, view.value, 8, bound), f"the summary says K = {value}, the result {view.value!r}"
    assert agrees(slope, view.slope, 8, bound), f"the summary says slope {slope}, the result {view.slope!r}"
    size, estimate, error, within = re.match(
        r"sample of (\d+): (\S+) \+- (\S+), (\S+) standard errors from the exact value$", lines[2]
    ).groups()
    assert int(size) == view.sizes[-1]
    assert agrees(estimate, view.estimates[-1], 5) and agrees(error, view.errors[-1], 2)
    assert float(within) >= 0
    shown = lines[3].split(": ")[1].split(", ")
    assert len(shown) == 5
    assert all(agrees(text, value, 4, 1.0) for text, value in zip(shown, view.hermite1))
    tables = lab.tables()
    assert np.array_equal(tables["kernel"]["K"], view.values)
    assert (tables["neurons"]["K"], tables["neurons"]["slope"]) == ([view.value], [view.slope])
    assert np.array_equal(tables["hermite"]["v"], view.hermite2) and np.array_equal(
        tables["sample"]["mean"], view.estimates
    )
    table = words(lab._numbers_box.value)
    assert value in table and slope in table and f"{estimate} ± {error}" in table


def check_copy_or_average(lab) -> None:
    view, state = lab.result.view, lab.state
    point, k, n = view.point, state["k"], state["n"]
    landscape, student = point.landscape, point.student
    assert (student.n, landscape.teacher.n, landscape.activation.name) == (n, k, state["activation"])
    check_symmetries(landscape)
    # the point: critical, its loss and its spectrum by the landscape itself
    largest = float(np.abs(point.spectrum).max())
    residual = float(np.abs(landscape.gradient(student)).max())
    assert residual <= 1e-11 * max(1.0, largest), f"max |grad L| = {residual:.2g} at a point claimed critical"
    assert point.loss >= 0 and abs(float(landscape.value(student)) - point.loss) <= 1e-13 * landscape.constant
    assert sum(block.multiplicity * block.eigenvalues.size for block in view.blocks) == student.theta.size
    if student.theta.size <= 60:
        hessian = landscape.hessian(student)
        assert np.abs(hessian - hessian.T).max() <= 1e-12 * largest, "the Hessian is not symmetric"
        expected = np.linalg.eigvalsh(hessian)
        assert np.abs(expected - point.spectrum).max() <= 1e-9 * largest, (
            "the blocks' eigenvalues are not the Hessian's"
        )
        if (np.abs(expected) > 1e-9 * largest).all():
            assert point.index == int((expected < 0).sum()), "the index is not that of the Hessian"
    # the other order of the neurons, and odd neurons with both signs turned, are as good
    order = np.random.default_rng(3).permutation(n)
    sign = -1.0 if landscape.activation.odd else 1.0
    turned = Network(sign * student.W[order], sign * student.a[order])
    assert abs(float(landscape.value(turned)) - point.loss) <= 1e-12 * landscape.constant, "a symmetry changes the loss"
    # partitions
    assert all(sum(sizes) == k and len(sizes) == n for sizes in view.types) and len(set(view.types)) == len(view.types)
    assert (np.diff(view.losses) >= -1e-12).all(), "the partitions are not in the order of their losses"
    assert view.types[0] == (k - n + 1, *[1] * (n - 1)), "the first partition is not the optimal one"
    if state["activation"] == "erf":
        sizes = np.array(view.types, dtype=float)
        own = (sizes / 3 - 2 / np.pi * sizes**2 * np.arcsin(1 / (2 * sizes))).sum(axis=1)
        assert np.abs(own - view.losses).max() <= 1e-11, "a loss is not the sum of L*(l)"
    if view.sizes is not None:
        assert state["family"] == "copy-average" and view.rank == min(state["partition"], len(view.types)) - 1
        assert abs(view.losses[view.rank] - point.loss) <= 1e-11 * landscape.constant
    else:
        assert view.rank is None and view.branches[1].losses[list(view.branches[1].n).index(n)] == point.loss
    # families and bifurcations: the words belong to the numbers
    average = view.branches[0]
    assert average.n.tolist() == list(range(1, k + 1)) and (np.diff(average.losses) < 1e-12).all()
    for branch in view.branches:
        at = branch.n.tolist().index(n) if n in branch.n else None
        same_family = branch.name == state["family"] and (view.rank or 0) == 0
        if at is not None and same_family:
            assert branch.minimum[at] == (point.index == 0), f"{branch.name} at n = {n}: minimum or not?"
            assert abs(branch.losses[at] - point.loss) <= 1e-11 * landscape.constant
    for n_mark, sentence in view.marks:
        assert 1 < n_mark < k and sentence in words(lab._theorem_box.value)
        branch = view.branches[0 if sentence.startswith("copy-average") else 1]
        before, after = (branch.n.tolist().index(int(n_mark + side)) for side in (-0.5, 0.5))
        if "lower" in sentence:
            lower = [branch.losses[i] < average.losses[int(branch.n[i]) - 1] for i in (before, after)]
            assert lower == [False, True], sentence
        else:
            assert branch.minimum[before] != branch.minimum[after], sentence
    # the words
    lines = lab.summary.splitlines()
    assert re.match(rf"{n} {state['activation']} neurons?, {k} orthonormal teachers$", lines[0])
    shown = re.match(r"(.+): (.+), index (\d+), nullity (\d+).*, loss (\S+), (.+)$", lines[1]).groups()
    assert shown[:2] == (point.name, point.kind) and shown[5] == point.method
    assert (int(shown[2]), int(shown[3])) == (point.index, point.nullity)
    assert agrees(shown[4], point.loss, 10), f"the summary says loss {shown[4]}, the result {point.loss!r}"
    tables = lab.tables()
    assert np.array_equal(tables["partitions"]["loss"], view.losses) and tables["point"]["loss"] == [point.loss]
    assert np.array_equal(np.reshape(tables["incoming weights"]["w"], student.W.shape), student.W)
    assert shown[4] in words(lab._numbers_box.value)


def check_gradient_flow(lab) -> None:
    view, path, state = lab.result.view, lab.result.path, lab.state
    landscape, flow, n, k = view.landscape, path.flow, state["n"], state["k"]
    check_symmetries(landscape)
    assert (view.n, view.k, landscape.teacher.n, landscape.activation.name) == (n, k, k, state["activation"])
    # the path: begins at the start that the seed gives, follows the gradient, and the loss never rises
    rng = np.random.default_rng(state["seed"])
    scale = {"Glorot": 1.0, "small": 0.01, "large": 3.0}[state["start"]]
    rows, weights = rng.normal(size=(n, k + 1)) * np.sqrt(2 / (k + 1 + n)), rng.normal(size=n) * np.sqrt(2 / (n + 1))
    begin = scale * np.concatenate([rows.ravel(), weights])
    assert np.abs(flow.at(0.0) - begin).max() <= 1e-12, "the flow starts somewhere else"
    size = float(landscape.value(begin)) + landscape.constant
    assert (np.diff(view.losses) <= 1e-10 * size).all(), "the loss rises along the flow"
    assert (view.losses >= 0).all() and np.abs(view.losses - landscape.value(path.students)).max() <= 1e-12 * size
    for i in (40, 120, 180):
        time, step = view.times[i], 1e-3 * view.times[i]
        slope = (flow.at(time + step) - flow.at(time - step)) / (2 * step)
        gradient = landscape.gradient(flow.at(time))
        assert np.abs(slope + gradient).max() <= 1e-3 * np.abs(gradient).max() + 2e-5, "this is no gradient flow"
    # the end point
    assert abs(view.losses[-1] - float(flow.loss)) <= 1e-9 * size
    if view.point is not None:
        assert np.abs(landscape.gradient(view.end)).max() <= 1e-9, "the end point is not critical"
        values = np.linalg.eigvalsh(landscape.hessian(view.end))
        assert view.point.index == int((values < -1e-12 * values[-1]).sum())
    order = np.random.default_rng(3).permutation(n)
    sign = -1.0 if landscape.activation.odd else 1.0
    turned = Network(sign * view.end.W[order], sign * view.end.a[order])
    assert abs(float(landscape.value(turned)) - float(flow.loss)) <= 1e-9 * size, "a symmetry changes the loss"
    assert outcome(landscape, turned).name == path.outcome.name, "the name depends on the order of the neurons"
    # cosines, plateaus, outcomes
    assert np.abs(view.cosines).max() <= 1 + 1e-12
    w, v = path.students[77, : k + 1], landscape.teacher.W[0]
    cosine = w @ v / np.linalg.norm(w)
    assert abs(abs(cosine) - abs(view.cosines[77, 0, 0])) <= 1e-12
    for plateau in view.plateaus:
        assert view.times[0] <= plateau.start <= plateau.time < plateau.end <= view.times[-1]
    for (students, teachers), shares in view.cells.items():
        assert students <= teachers and abs(sum(shares.values()) - 1) <= 1e-12 and min(shares.values()) > 0
    # the words
    lines = lab.summary.splitlines()
    assert re.match(
        rf"{n} {state['activation']} neurons?, {k} orthonormal teachers: gradient flow from loss \S+$", lines[0]
    )
    reason, time, loss = re.match(r"(\w+) at t = (\S+), loss (\S+)$", lines[1]).groups()
    assert reason == str(flow.reason) and agrees(time, float(flow.time), 3)
    assert agrees(loss, float(flow.loss), 8 if view.point is not None else 4), f"the summary says loss {loss}"
    assert lines[2].startswith(f"end point: {path.outcome.name}") and path.outcome.name in words(lab._numbers_box.value)
    assert sum(line.startswith("plateau ") for line in lines) == len(view.plateaus)
    assert np.array_equal(lab.tables()["path"]["loss"], view.losses)


def check_channels(lab) -> None:
    view, found, state = lab.result.view, lab.result, lab.state
    landscape, network = found.valley.landscape, found.here.networks[0]
    X, y, m, d = landscape.X, landscape.y, landscape.weights, landscape.d
    assert view.channel == state["channel"] and d == (2 if state["channel"] == "two inputs" else 1)
    # the network: eps, two neurons with opposite weights, and the floor of the channel, by the formulas of the loss itself
    (w1, w2), (a1, a2) = network.W, network.a
    eps, s = float(np.linalg.norm(w1 - w2)) / 2, a1 - a2
    assert abs(eps / state["eps"] - 1) <= 1e-9 and view.eps == found.here.eps[0], "the network has another eps"
    assert a1 * a2 < 0 or eps > 0.49
    rest = erf(X @ network.W.T / np.sqrt(2)) @ network.a - y
    loss = float(m @ rest**2)
    noise = 1e-15 * abs(s)
    assert abs(loss - float(found.here.losses[0])) <= 1e-13 + noise, "the loss is another"
    bell = np.sqrt(2 / np.pi) * np.exp(-((X @ network.W.T) ** 2) / 2)
    pull = 2 * (m * rest)[:, None]
    by_w = [(pull * a * bell[:, [k]] * X).sum(axis=0) for k, a in enumerate(network.a)]
    by_a = (pull * erf(X @ network.W.T / np.sqrt(2))).sum(axis=0)
    across = [*(by_w[0] + by_w[1]), *(by_w[0] - by_w[1]) / s, by_a.sum() / 2]
    assert np.abs(across).max() <= 1e-11 * max(1.0, abs(s)), "this is not the floor of the channel"
    # how far it is above the limit, and the laws far in
    limit = found.limit
    z, q = X @ limit.w, limit.a * (X @ limit.direction)
    slope = np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2)
    curve = -z * slope
    outer = limit.c * erf(z / np.sqrt(2)) + q * slope - y
    assert abs(m @ outer**2 - limit.loss) <= 1e-13, "the loss at infinity is another"
    assert abs(loss - m @ outer**2 - view.gap) <= 2e-13 + noise, "the loss above the limit is another"
    along = X @ limit.direction
    h = 2 * m @ (outer * (limit.c / 2 * along**2 * curve + limit.a / 6 * along**3 * (z**2 - 1) * slope))
    assert abs(h / view.h - 1) <= 1e-9 and view.h > 0
    assert abs(view.gap / (h * eps**2) - 1) <= 4 * eps, "the loss above the limit does not follow its law"
    largest = float(np.linalg.eigvalsh((X * (m * slope**2)[:, None]).T @ X)[-1])
    assert abs(view.sharpness_law / (limit.a**2 * largest) - 1) <= 1e-9
    assert abs(view.sharpness * eps**2 / view.sharpness_law - 1) <= 0.05 + 30 * eps**2, "the sharpness leaves its law"
    assert abs(view.sharpness / np.linalg.eigvalsh(landscape.hessian(network))[-1] - 1) <= 1e-6
    # the edge of stability, and what the path says about it
    assert view.threshold == 2 / state["rate"]
    if view.edge is not None:
        assert view.path.eps[0] <= 1e-4 <= view.edge <= found.valley.ends[view.chosen] * (1 + 1e-9)
        there = np.interp(np.log(view.edge), np.log(view.path.eps), np.log(view.path.sharpness))
        assert abs(there - np.log(view.threshold)) <= 0.02, "the sharpness at the edge of stability is not 2/rate"
        if abs(np.log(view.eps / view.edge)) > 1e-6:
            assert (view.sharpness > view.threshold) == (view.eps < view.edge)
    else:
        assert view.path.sharpness.min() > view.threshold
    # the functions
    shown = view.functions
    unit = shown.x[:, None] * (1.0 if d == 1 else (w1 + w2) / np.linalg.norm(w1 + w2))
    ordinary = erf(unit @ network.W.T / np.sqrt(2)) @ network.a
    assert np.abs(ordinary - shown.network).max() <= 1e-14 + 10 * noise, "the function is not the network's"
    assert np.abs((shown.network - shown.limit) / eps**2 - shown.difference).max() <= 1e-14 / eps**2 + 1e-12
    assert np.abs(shown.difference - shown.law).max() <= 12 * eps**2 * np.abs(shown.law).max() + 1e-9, "f2 is another"
    # the map: nothing on the sheet of minima lies below the floors, and the disc lies on its floor
    lowest = min(loss for _, loss in view.ends)
    assert np.nanmin(view.surface.losses) >= lowest - 1e-12 and np.isfinite(view.surface.losses[:, -1]).all()
    assert abs(view.here[0] / s - 1) <= 1e-9
    assert abs(view.here[1] - float(found.valley.u @ (w1 + w2)) / 2) <= 1e-12 * abs(s)
    # the words
    lines = lab.summary.splitlines()
    assert lines[0].startswith(f"{state['channel']}: two erf neurons, ")
    told = re.search(r"eps = (\S+), gap (\S+)$", lines[0]).groups()
    assert agrees(told[0], eps, 4) and agrees(told[1], abs(s), 6)
    above = re.match(r"loss (\S+), above the limit by (\S+), law (\S+)$", lines[2]).groups()
    assert (
        agrees(above[0], loss, 9, 1e-3 * abs(s)) and agrees(above[1], view.gap, 6) and agrees(above[2], h * eps**2, 6)
    )
    sharp = re.match(r"largest Hessian eigenvalue (\S+), law (\S+)$", lines[3]).groups()
    assert agrees(sharp[0], view.sharpness, 6), f"the summary says {sharp[0]}, the result {view.sharpness!r}"
    softest = re.match(r"softest Hessian eigenvalue (\S+), law (\S+)$", lines[4]).groups()
    assert agrees(softest[0], float(found.here.softest[0]), 5) and agrees(softest[1], 12 * h * eps**4 / limit.a**2, 5)
    assert abs(float(softest[0]) / float(softest[1]) - 1) <= 1e-4 + 9 * eps**2, "the floor is not as flat as its law"
    edge = lines[-1].rsplit(": ", 1)[1]
    assert edge == "none" if view.edge is None else agrees(edge.removeprefix("eps = "), view.edge, 4)
    assert above[1] in words(lab._numbers_box.value) and sharp[0] in words(lab._numbers_box.value)
    tables = lab.tables()
    assert tables["here"]["loss above the limit"] == [view.gap]
    assert np.array_equal(tables["map"]["loss"], view.surface.losses.ravel(), equal_nan=True)
    assert np.array_equal(tables["functions"]["network"], shown.network)


def check_into_the_channel(lab) -> None:
    view, path, state, now = lab.result.view, lab.result.path, lab.state, lab.result.moment
    # the loss, by another quadrature
    x = np.linspace(-9.0, 9.0, 601)
    mass = np.exp(-(x**2) / 2) * (x[1] - x[0]) / np.sqrt(2 * np.pi)
    y = erf((5 * x + 2.5) / np.sqrt(2)) + erf((5 * x - 2.5) / np.sqrt(2))

    def loss(theta):
        return float(mass @ (theta[2:] @ erf(np.outer(theta[:2], x) / np.sqrt(2)) - y) ** 2)

    # the start: the neuron (w, a) split with gamma, and a kick of this size to this side, across the line
    w, a = 1.39955415, 2.15278365
    begin = path.flow.at(0.0)
    kick = begin - [w, w, state["gamma"] * a, (1 - state["gamma"]) * a]
    assert abs(np.linalg.norm(kick) - state["size"]) <= 1e-7 and abs(kick[2] - kick[3]) <= 1e-7, "another kick"
    assert (kick[0] > kick[1]) == (state["kick"] == "plus"), "the kick goes to the other side"
    # the path: follows the gradient, and the loss never rises
    assert (np.diff(path.losses) <= 1e-15).all(), "the loss rises along the flow"
    for i in (0, len(view.times) // 3, len(view.times) // 2):
        theta = path.students[i]
        assert abs(loss(theta) - path.losses[i]) <= 1e-12, "the loss is not that of the students"
        time, step, nudge = view.times[i], 1e-3 * view.times[i], 1e-5
        speed = (path.flow.at(time + step) - path.flow.at(time - step)) / (2 * step)
        slope = [(loss(theta + nudge * e) - loss(theta - nudge * e)) / (2 * nudge) for e in np.eye(4)]
        assert np.abs(speed + slope).max() <= 1e-3 * np.abs(slope).max() + 5e-7, "this is no gradient flow"
    # the end
    end = path.students[-1]
    assert np.array_equal(view.gaps, np.abs(path.students[:, 2] - path.students[:, 3]))
    if path.limit is None:
        assert abs(end[0] - end[1]) <= 1e-6 and abs(loss(end) - 0.0471160275) <= 1e-10 and 0 < end[2] / a < 1
        assert path.ends == "back on the plateau" and view.arrived is not None and not np.isfinite(view.gap_law).any()
    else:
        h, a = {1: (0.00709138, 1.496685), 2: (0.0010147, 6.511116)}[int(path.ends.removeprefix("channel "))]
        assert (path.limit.loss < 0.01) == (path.ends == "channel 2") and end[2] * end[3] < 0
        assert path.limit.loss < loss(end) < path.limit.loss + 1e-3 and view.arrived is None
        np.testing.assert_allclose(view.gap_law, (16 * h * a**2 * view.times) ** 0.25, rtol=1e-5)
        np.testing.assert_allclose(view.above_law, np.sqrt(h) * a / 4 / np.sqrt(view.times), rtol=1e-5)
        assert np.sign(end[0] - end[1]) == np.sign(kick[0] - kick[1]), "the neurons passed each other"
        late = view.times > 0.1 * view.times[-1]
        assert (np.diff(view.gaps[late]) > 0).all() and abs(view.gaps[-1] / view.gap_law[-1] - 1) < 0.25
    # the moment
    here = path.flow.at(view.time)
    assert view.time == min(state["time"], view.times[-1]) and view.edge == 2 / state["rate"]
    assert np.array_equal(view.student.theta, here) and now.gap == abs(here[2] - here[3])
    curves = here[2:, None] * erf(np.outer(here[:2], view.x) / np.sqrt(2))
    assert np.abs(view.parts - curves).max() <= 1e-12 * np.abs(curves).max() + 1e-12
    assert np.abs(view.function - curves.sum(axis=0)).max() <= 1e-12 * np.abs(curves).max() + 1e-12
    assert abs(now.above - (loss(here) - path.level)) <= 1e-12 and abs(now.eps - abs(here[0] - here[1]) / 2) <= 1e-15
    values = np.linalg.eigvalsh(path.flow.landscape.hessian(here))
    assert abs(now.sharpness - values[-1]) <= 1e-6 * values[-1]
    if path.limit is not None and np.isfinite(now.softest):
        assert abs(now.softest - values[0]) <= 1e-12 * values[-1]
    # optimisers
    assert bool(view.stops) == (state["optimisers"] == "run") == (lab.result.endings is not None)
    for row in lab.result.endings or ():
        stopped = row.student.theta
        assert abs(loss(stopped) - row.loss) <= 1e-12 and row.gap == abs(stopped[2] - stopped[3])
        assert dict(view.stops)[row.method] == row.gap and f"{row.method} " in lab.summary
    # the words
    lines = lab.summary.splitlines()
    assert lines[1].startswith(f"ends: {path.ends}") and path.ends in words(lab._numbers_box.value)
    time, gap, rest = re.match(r"at t = (\S+): gap \|a_1 - a_2\| (\S+?),? (.*)$", lines[2]).groups()
    assert agrees(time, view.time, 4) and agrees(gap, now.gap, 4), f"the summary says {gap} at t = {time}"
    if path.limit is not None:
        law, above = re.match(r"\(law (\S+)\), .* loss above its limit (\S+) ", rest).groups()
        assert agrees(law, (16 * h * a**2 * view.time) ** 0.25, 4, 1e5) and agrees(above, now.above, 4)
    table = lab.tables()
    assert np.array_equal(table["path"]["gap"], view.gaps) and np.array_equal(table["network"]["a"], here[2:])


def check_splitting(lab) -> None:
    result, view, state = lab.result, lab.result.view, lab.state
    line, gamma, landscape = view.line, state["gamma"], view.line.landscape
    original, d = line.student, line.student.d
    i = min(state["neuron"], original.n) - 1
    assert (line.neuron, view.gamma) == (i, gamma)
    beyond = "the network has one neuron: that one is split"
    assert (beyond in lab.summary) == (beyond in lab._status_box.value) == (state["neuron"] > original.n)
    w, a = original.W[i], float(original.a[i])

    def split_by_hand(share, first=w, second=w):
        W = np.vstack([original.W[:i], first, second, original.W[i + 1 :]])
        return Network(W, [*original.a[:i], share * a, (1 - share) * a, *original.a[i + 1 :]])

    # the point: critical, of the same loss, with the spectrum, index and nullity shown
    student = view.point.student
    assert student == split_by_hand(gamma)
    hessian = landscape.hessian(student)
    values = np.linalg.eigvalsh(hessian)
    largest = float(values[-1])
    assert np.abs(landscape.gradient(student)).max() <= 1e-12 * max(1.0, largest)
    loss = float(landscape.value(original))
    assert abs(float(landscape.value(student)) - loss) <= 1e-12 * landscape.constant
    negative, zero = int(np.sum(values < -1e-12 * largest)), int(np.sum(np.abs(values) <= 1e-12 * largest))
    assert (view.point.index, view.point.nullity) == (negative, zero)
    assert np.abs(np.sort([*view.here, 0.0]) - values).max() <= 1e-12 * largest, "the marks are not the eigenvalues"
    # B, from the blocks of the Hessian at gamma = -1: H_11 + H_12/2 = -B
    far = landscape.hessian(split_by_hand(-1.0))
    first, second = slice(i * d, i * d + d), slice(i * d + d, i * d + 2 * d)
    B = -(far[first, first] + 0.5 * far[first, second])
    assert np.abs(line.B - B).max() <= 1e-12 * np.abs(far).max()
    signs = np.sign(line.matrix_spectrum)
    rule = {(1,): "inside", (-1,): "outside", (-1, 1): "nowhere"}.get(tuple(sorted(set(signs.tolist()))))
    assert (view.plateaus is None) == (rule is None) == bool(result.outside)
    between = ((view.gammas > 0) & (view.gammas < 1))[:, None]
    found = np.sum(view.spectra < -1e-10 * view.spectra.max(), axis=1)
    expected = np.sum(np.where(between, signs < 0, signs > 0), axis=1)
    clear = np.abs(view.gammas * (1 - view.gammas)) > 1e-9
    assert np.array_equal(found[clear], expected[clear]), (
        "the spectrum along the line has other signs than gamma (1 - gamma) B"
    )
    if view.plateaus is not None:
        inside = np.array([any(low < at < high for low, high in view.plateaus) for at in view.gammas])
        assert np.array_equal(inside[clear], found[clear] == 0)
    k = 40  # anywhere along the line
    there = np.linalg.eigvalsh(landscape.hessian(split_by_hand(view.gammas[k])))
    assert np.abs(np.sort([*view.spectra[k], 0.0]) - there).max() <= 1e-12 * there[-1]
    # the loss around the line, by the weights alone
    surface = view.surface
    assert surface.rises.shape == (surface.steps.size, surface.gammas.size)
    assert abs(np.linalg.norm(surface.delta) - np.linalg.norm(w)) < 1e-12
    for row, column in ((3, 20), (18, 50)):
        share = surface.gammas[column]
        apart = surface.steps[row] / np.hypot(share, 1 - share) * surface.delta
        moved = landscape.value(split_by_hand(share, w + (1 - share) * apart, w - share * apart))
        assert abs(moved - loss - surface.rises[row, column]) <= 1e-11 * landscape.constant
    apart = state["apart"] / np.hypot(gamma, 1 - gamma) * surface.delta
    pulled = split_by_hand(gamma, w + (1 - gamma) * apart, w - gamma * apart)
    assert np.abs(view.copies - pulled.W[i : i + 2]).max() <= 1e-12
    assert abs(float(landscape.value(pulled)) - loss - view.rise) <= 1e-11 * landscape.constant
    # the profile: touches the line, with the curvature of the lowest eigenvalue
    value, way = view.escape
    assert np.abs(hessian @ way - value * way).max() <= 1e-11 * largest and abs(way @ line.direction) <= 1e-9
    assert abs(value - view.here.min()) <= 1e-11 * largest
    assert abs(view.profile[view.steps.size // 2]) <= 1e-12 * landscape.constant
    assert (
        abs(float(landscape.value(student.theta + view.steps[7] * way)) - loss - view.profile[7])
        <= 1e-11 * landscape.constant
    )
    if view.curve is not None:
        X = np.column_stack([view.curve.inputs, np.ones_like(view.curve.inputs)])[:, :d]
        assert np.abs(view.curve.output - a * erf(X @ w / np.sqrt(2))).max() <= 1e-12
        samples = np.interp(landscape.X[50:110, 0], view.curve.inputs, view.curve.target)
        assert np.abs(samples - landscape.y[50:110]).max() <= 2e-2
        assert (view.curve.apart is None) == (state["apart"] == 0)
        if view.curve.apart is not None:
            after = erf(X @ pulled.W.T / np.sqrt(2)) @ pulled.a
            assert np.abs(view.curve.apart - after).max() <= 1e-12 * np.abs(pulled.a).max()
    # the words
    assert [value for value, _ in lab._marks(result)["gamma"]] == [0.0, 1.0]
    lines = lab.summary.splitlines()
    assert lines[0].endswith(f": neuron {i + 1} of {original.n} split, gamma = {gamma:g}")
    shown = re.match(r"loss (\S+) for every gamma, eigenvalues of B (.+): ([a-z -]+)$", lines[1]).groups()
    assert agrees(shown[0], loss, 10, landscape.constant) and shown[2] == line.definiteness
    kind, index, nullity = re.match(r"(.+), index (\d+), nullity (\d+)", lines[2]).groups()
    assert (int(index), int(nullity)) == (negative, zero)
    assert (kind == "local minimum on a plateau") == (
        view.plateaus is not None and negative == 0 and gamma not in (0.0, 1.0)
    )
    assert kind in words(lab._status_box.value) and kind in words(lab._numbers_box.value)
    assert "&" not in words(lab._status_box.value), "a sign in the status line is written as its code"
    if state["apart"]:
        change = re.match(r"copies pulled apart by s = (\S+): the loss changes by (\S+)$", lines[-1]).groups()
        assert abs(float(change[0]) - state["apart"]) <= 1e-5 and agrees(change[1], view.rise, 4, landscape.constant)
    assert np.array_equal(lab.tables()["spectrum"]["eigenvalue 1"], view.spectra[:, 0])


def copies_exist(state) -> bool:
    """Whether there is a point for these controls: no more neurons than teachers, and for the leaning family its own range."""
    if state["n"] > state["k"]:
        return False
    if state["family"] == "copy-average":
        return True
    if state["activation"] not in ("erf", "relu") or not 2 <= state["n"] < state["k"]:
        return False
    try:
        perturbed_copy(ACTIVATIONS[state["activation"]], orthonormal_teacher(state["k"], state["k"]), state["n"])
    except OutsideTheorem:
        return False
    return True


TARGETS = {
    "x^2": lambda x: x**2,
    "x^3": lambda x: x**3,
    "x^4 - x": lambda x: x**4 - x,
    "degree 10": lambda x: x**10 - 2 * x**8 + 2 * x**5 + 3 * x**3 - 2 * x**2 + 5,
    "degree 5 in two inputs": lambda x, y: y**5 - x**3 * y**2 - 4 * x**2 * y + 3 * x**3 - y**2 + x + 2,
}


def check_never_arriving(lab) -> None:
    view, flow, state = lab.result.view, lab.result.flow, lab.state
    landscape, n, target = flow.landscape, state["width"], TARGETS[state["target"]]
    inputs = landscape.X[:, :-1]
    assert landscape.activation.name == state["activation"] and landscape.output_bias
    assert (landscape.X[:, -1] == 1).all() and np.abs(inputs).max() == 1.0
    assert np.abs(landscape.y - target(*inputs.T)).max() <= 1e-14, "these are not the samples of the target"
    # the path: begins at the start that the seed gives, follows the gradient, and the loss never rises
    rng = np.random.default_rng(state["seed"])
    W, a = rng.normal(size=(n, landscape.d)), rng.normal(size=n)
    assert np.array_equal(flow.students[0], [*W.ravel(), *a, 0.0]), "the flow starts somewhere else"
    students, losses = flow.students, np.asarray(landscape.value(flow.students))
    assert np.array_equal(view.times, flow.times[1:]) and (np.diff(view.times) > 0).all()
    assert np.array_equal(view.losses, losses[1:]), "the losses are not those of the path"
    assert np.allclose(view.norms, np.sqrt((students[1:] ** 2).sum(axis=1)), rtol=1e-13)
    rest = 1e-8 * losses[0]
    assert (np.diff(losses) <= 1e-4 * losses[:-1] + rest).all(), "the loss rises along the flow"
    if state["activation"] != "relu":
        squared = (landscape.gradient(students) ** 2).sum(axis=1)
        for i in range(1, len(students) - 1, 7):
            first, second = squared[i], squared[i + 1]
            if max(first, second) > 1.3 * min(first, second) or losses[i] - losses[i + 1] < 1e-4 * losses[i] + rest:
                continue
            fall = 0.5 * (first + second) * (flow.times[i + 1] - flow.times[i])
            assert abs(losses[i] - losses[i + 1] - fall) <= 0.05 * fall, "this is no gradient flow"
    travelled = np.linalg.norm(students - students[0], axis=1)
    assert (travelled <= flow.bound * (1 + 1e-3) + 1e-12).all(), "the path is longer than its bound"
    # the view
    now = view.chosen
    last = min(max(state["time"], view.times[0]), view.times[-1])
    assert abs(np.log10(view.times[now] / last)) <= 0.026
    theta = students[1 + now]
    rows, outgoing = theta[: W.size].reshape(W.shape), theta[W.size : -1]
    i = 40
    at = np.append(np.repeat(view.line[i], landscape.d - 1), 1.0)
    output = sum(a * float(landscape.activation(np.array(row @ at))) for row, a in zip(rows, outgoing)) + theta[-1]
    assert abs(view.function[i] - output) <= 1e-12 * max(1.0, np.abs(outgoing).sum()), "the function is another one"
    assert abs(view.target[i] - target(*at[:-1])) <= 1e-13
    assert np.array_equal(view.outgoing[now], outgoing) and np.array_equal(view.inputs[now], rows[:, -1])
    assert np.allclose(view.weights[now], rows[:, 0] if landscape.d == 2 else np.hypot(*rows[:, :2].T), rtol=1e-13)
    # the law, measured and derived
    for k, (values, sign) in enumerate(((view.norms, 1), (view.losses, -1))):
        measured = view.exponents[k]
        if np.isfinite(measured):
            early = int(np.argmin(np.abs(np.log(view.times / view.times[now] * 1e3))))
            plain = np.log10(values[now] / values[early]) / 3
            assert sign * measured > 0 and abs(measured - plain) <= (0.05 if k else 1.0), (
                f"{measured} is measured, {plain} is the slope"
            )
    valley = lab.result.valley
    if valley is not None:
        assert (n, state["target"]) == (2, "x^2") and not landscape.activation.kinks
        assert view.derived == (1 / 6, -2 / 3)
        size = (24 * valley.constant * view.times / valley.metric) ** (1 / 6)
        assert np.allclose(view.law_losses, valley.constant / size**4, rtol=1e-12)
        assert np.allclose(view.law_norms, np.sqrt(valley.metric) * size, rtol=1e-12)
        assert set(view.biases) == set(valley.biases)
    else:
        assert view.law_norms is None and view.law_losses is None and view.derived is None
    # the words
    lines, table = lab.summary.splitlines(), words(lab._numbers_box.value)
    assert lines[0].startswith(f"{n} {state['activation']} neuron")
    time, loss, norm = re.match(r"t = (\S+): loss (\S+), norm (\S+)$", lines[1]).groups()
    assert agrees(time, view.times[now], 4) and agrees(norm, view.norms[now], 4)
    assert agrees(loss, view.losses[now], 4, 1e-11 * landscape.constant), f"the summary says loss {loss}"
    for text, measured in zip(re.findall(r"t\^(\(none|\S+)", lines[2]), reversed(view.exponents)):
        assert text == "(none" if not np.isfinite(measured) else agrees(text.rstrip(","), round(measured, 4), 6)
    assert loss in table and norm in table
    assert ("in a valley" in lines[0]) is (valley is not None) and ("derived" in lines[2]) is (valley is not None)
    inside = (n, state["target"]) == (2, "x^2") and state["activation"] not in ("relu", "elu", "softsign", "square")
    assert ("outside the theorem" in lines[0]) is not inside
    tables = lab.tables()
    assert np.array_equal(tables["path"]["loss"], view.losses) and np.array_equal(
        tables["function"]["network"], view.function
    )
    assert np.array_equal(np.reshape(tables["neurons"]["outgoing weight"], (-1, n))[now], outgoing)


#: Lab -> what must hold in each of its states beyond what holds for every lab. A new lab is entered here.
CHECKS = {
    "one-neuron": check_one_neuron,
    "kernels": check_kernels,
    "copy-or-average": check_copy_or_average,
    "gradient-flow": check_gradient_flow,
    "splitting": check_splitting,
    "into-the-channel": check_into_the_channel,
    "channels": check_channels,
    "never-arriving": check_never_arriving,
}
#: Lab -> whether a state of its controls exists; where it is not entered, every state does.
EXISTS = {
    "one-neuron": teachers_exist,
    "copy-or-average": copies_exist,
    "gradient-flow": lambda state: state["n"] <= state["k"],
    "channels": lambda state: state["channel"] != "channel 1" or state["eps"] <= 0.4917881,
}
