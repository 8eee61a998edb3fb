"""A figure under sliders in real JupyterLab, watched from within the page: when a key was pressed, when its picture was on the screen.

Every way of showing a picture is treated alike. It counts as shown once it is in the document, everything in it is decoded, and two
animation frames have begun since: a frame with it has been painted between them. A picture that was replaced before its first frame was
never seen and does not count; nor does an image that is not decoded yet.
"""

import statistics
import time
from dataclasses import dataclass

import nbformat
from browser.page_in_jupyterlab import PATIENCE, PageInJupyterLab

WARM_UP, MOVES = 3, 20
# a drag: over so many values, seconds from one to the next, seconds that the pictures may lag behind
VALUES, INTERVAL, AFTERWARDS = 35, 0.040, 0.5

WATCH = """
root => {
    const bench = window.bench = {shown: [], moves: 0, key: null, messages: []};
    const area = document.querySelector(root);
    // the SVG on top if the lab has one (a frame may stand still below it), else the last image
    const current = () => area.querySelector('.lab-picture svg[role=img], svg.lab-picture[role=img]')
        || area.querySelector('img.lab-picture, .lab-picture img')
        || [...area.querySelectorAll('.jp-OutputArea-output img')].at(-1) || null;
    const name = picture => picture && (picture.tagName === 'IMG' ? picture.src : picture.dataset.picture || picture.outerHTML);
    const frame = () => new Promise(requestAnimationFrame);
    let known = null;
    const look = async () => {
        const picture = current(), found = name(picture);
        if (!found || found === known) return;
        known = found;
        const entry = {name: found, inDocument: performance.now()};
        const images = picture.tagName === 'IMG' ? [picture] : [...picture.querySelectorAll('image')];
        try { await Promise.all(images.map(image => image.decode ? image.decode() : null)); } catch { return; }
        entry.decoded = performance.now();
        await frame();
        if (name(current()) !== found) return;  // replaced before its first frame
        await frame();
        entry.painted = performance.now();
        bench.shown.push(entry);
    };
    new MutationObserver(() => { bench.changed = performance.now(); look(); })
        .observe(area, {subtree: true, childList: true, attributes: true, characterData: true});
    document.addEventListener('keydown', () => { bench.key = performance.now(); }, true);
    page.sessionContext.session.kernel.anyMessage.connect((_, {msg, direction}) => {
        const kind = msg.header.msg_type;
        if (kind !== 'comm_msg' && kind !== 'display_data' && kind !== 'status') return;
        const text = JSON.stringify(msg.content), buffers = msg.buffers || [];
        bench.messages.push({
            at: performance.now(), received: direction === 'recv' && kind !== 'status',
            picture: direction === 'recv' && (buffers.length > 0 || /"image.png"|role=.?.img/.test(text)),
            size: text.length + buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0)});
    });
    bench.arm = () => { bench.key = null; bench.shown.length = 0; bench.messages.length = 0; };
    bench.first = async patience => {
        for (const end = performance.now() + patience; performance.now() < end; await frame())
            if (bench.shown.length) return true;
        return false;
    };
    bench.quiet = async (calm, patience) => {  // the kernel rests and nothing has changed on the page for a while
        for (const end = performance.now() + patience; performance.now() < end;) {
            await new Promise(done => setTimeout(done, 30));
            const now = performance.now(), last = bench.messages.at(-1);
            if (now - (bench.changed || 0) > calm && (!last || now - last.at > calm)
                && page.sessionContext.session.kernel.status === 'idle') return true;
        }
        return false;
    };
    look();
}
"""


@dataclass(frozen=True)
class Move:
    """One key press, in milliseconds: until the message with the picture arrived, it was in the document, it was painted."""

    arrived: float
    in_document: float
    painted: float
    size: int  # bytes of all messages that followed
    pictures: int


@dataclass(frozen=True)
class Drag:
    """One drag: distinct pictures that were seen, and the seconds that it took."""

    pictures: int
    seconds: float


def write_notebook(path, cells) -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel), path
    )


class FigureInJupyterLab:
    """A notebook that shows one figure under sliders. root, control : where both and where a slider are found, as CSS selectors."""

    def __init__(self, browser, server, name: str, cells, root: str, control: str):
        write_notebook(server.pages / f"{name}.ipynb", cells)
        self._control = control
        self._page = PageInJupyterLab(browser, server.address, f"{name}.ipynb")
        self.tab = self._page.tab
        self._root = root
        try:
            self._page.run()
            self._no_errors()
            self.tab.locator(root).first.wait_for()
            self.tab.wait_for_timeout(2000)  # first pictures, formulas and styles settle
            self.tab.evaluate(WATCH, root)
        except BaseException:
            self._page.close()
            raise

    def _no_errors(self) -> None:
        # of the kernel: what other extensions of this JupyterLab write to the console is no matter of a benchmark
        errors = [error for error in self._page.errors() if error not in self._page.console]
        assert not errors, "\n".join(errors)

    def close(self) -> None:
        try:
            self._no_errors()
        finally:
            self._page.close()

    def _slider(self, name: str):
        found = self.tab.locator(self._root).locator(self._control.format(name=name)).first
        # slider and picture both in sight: what is out of sight need not be painted
        self.tab.locator(self._root).first.evaluate("element => element.scrollIntoView({block: 'start'})")
        return found

    def _quiet(self) -> None:
        assert self.tab.evaluate("patience => bench.quiet(250, patience)", PATIENCE / 4), (
            "the page does not come to rest"
        )

    def press(self, name: str, key: str) -> Move:
        """One key, then everything that follows from it; nothing else is under way meanwhile."""
        handle = self._slider(name).locator(".noUi-handle").first
        handle.focus()
        self._quiet()
        self.tab.evaluate("() => bench.arm()")
        self.tab.keyboard.press(key)
        assert self.tab.evaluate("patience => bench.first(patience)", PATIENCE / 4), f"{key} on {name}: no new picture"
        self._quiet()
        seen = self.tab.evaluate("() => ({key: bench.key, shown: bench.shown, messages: bench.messages})")
        first = seen["shown"][0]
        arrived = [
            message["at"] for message in seen["messages"] if message["picture"] and message["at"] <= first["inDocument"]
        ]
        return Move(
            arrived[-1] - seen["key"],
            first["inDocument"] - seen["key"],
            first["painted"] - seen["key"],
            sum(message["size"] for message in seen["messages"] if message["received"]),
            len(seen["shown"]),
        )

    def drag(self, name: str, steps: int) -> Drag:
        """Take the handle from the left end over 35 values like a hand, 40 ms apart; at an end the hand turns back."""
        slider = self._slider(name)
        handle = slider.locator(".noUi-handle").first
        handle.focus()
        self.tab.keyboard.press("Home")
        self.tab.wait_for_timeout(500)
        self._quiet()
        track, knob = slider.locator(".noUi-connects").first.bounding_box(), handle.bounding_box()
        at = [steps - abs(i % (2 * steps) - steps) for i in range(1, VALUES + 1)]
        y = knob["y"] + knob["height"] / 2
        self.tab.mouse.move(knob["x"] + knob["width"] / 2, y)
        self.tab.mouse.down()
        self.tab.wait_for_timeout(300)
        self._quiet()
        self.tab.evaluate("() => bench.arm()")
        start = time.perf_counter()
        for i, value in enumerate(at):
            time.sleep(max(0.0, start + i * INTERVAL - time.perf_counter()))
            self.tab.mouse.move(track["x"] + value / steps * track["width"], y)
        seconds = time.perf_counter() - start
        self.tab.wait_for_timeout(1000 * AFTERWARDS)
        shown = self.tab.evaluate("() => bench.shown.map(entry => entry.name)")
        self.tab.mouse.up()
        self._quiet()
        return Drag(len(set(shown)), seconds)


def bounce(steps: int, start: int):
    """The keys that walk a slider to and fro, one step inside its ends; ``start`` counts steps from the left end."""
    place, key = start, "ArrowRight"
    while True:
        if place >= steps - 1:
            key = "ArrowLeft"
        elif place <= 1:
            key = "ArrowRight"
        place += 1 if key == "ArrowRight" else -1
        yield key


def median(moves, part: str) -> float:
    return statistics.median(getattr(move, part) for move in moves)
