"""What must hold in every state of every lab; used by the sweeps and by the planted faults that show the sweeps go red."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import numpy as np

from landscape_nb.slices import best_weight

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
    r"|^the teacher is the zero function"
)


def boxes(lab):
    """Picture, numbers, caption and status as the widgets hold them."""
    return lab._picture, lab._numbers_box.value, lab._caption_box.value, lab._status_box.value


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
    _, numbers, caption, status = boxes(lab)
    for text, where in (
        (lab.summary, "summary"),
        (words(numbers), "table"),
        (words(caption), "caption"),
        (words(status), "status"),
    ):
        check_words(text, where)
    assert len(words(caption)) > 40
    assert words(status).strip(), "the status line is empty"
    assert lab.summary and words(numbers)
    {"one-neuron": check_one_neuron, "kernels": check_kernels}[lab.name](lab)


def check_refused(lab, before) -> None:
    """``before`` is (state, result, summary, png, numbers) of the last possible state."""
    state, result, summary, png, numbers = before
    assert REFUSALS.search(lab.message), lab.message
    assert is_dimmed(lab)
    assert (lab.state, lab.summary) == (state, summary)
    assert lab.result is result
    assert lab._picture.value == png == lab._png
    _, shown, caption, status = boxes(lab)
    assert shown == numbers
    assert html.escape(lab.message) in status
    check_words(words(status), "status")
    check_words(words(caption), "caption")
    for name, value in state.items():
        text = f"{value:g}" if isinstance(value, float) else str(value)
        assert f"{name} = {text}" in words(caption), f"the caption of the dimmed picture does not say {name} = {text}"


def snapshot(lab):
    return lab.state, lab.result, lab.summary, lab._png, lab._numbers_box.value


def move_and_check(lab, **values) -> bool:
    """Set the controls and check what must hold; whether the state exists."""
    before = snapshot(lab)
    lab.set(**values)
    assert "this lab failed" not in lab.message, lab.message
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


def check_one_neuron(lab) -> None:
    view = lab.result.view
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
    table = words(lab._numbers_box.value)
    assert value in table and slope in table and f"{estimate} ± {error}" in table
