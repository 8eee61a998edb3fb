"""A page in real JupyterLab, as a person uses it: run it, press keys on its controls, read what it shows."""

import re
import time
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SCREENSHOTS = Path(__file__).parent / "screenshots"
LOOPBACK = re.compile(r"^(https?|wss?)://(127\.0\.0\.1|localhost|\[::1\])[:/]")
PATIENCE = 120_000  # ms: two slow cores that also run something else

# Errors and standard error of the kernel that belong to no cell: what a widget's callback raises ends up here.
LISTEN_TO_THE_KERNEL = """
path => {
    const widget = [...jupyterapp.shell.widgets('main')].find(w => w.context && w.context.path === path);
    window.page = widget;
    window.kernelComplaints = [];
    widget.sessionContext.iopubMessage.connect((_, message) => {
        const kind = message.header.msg_type, content = message.content;
        if (kind === 'error') window.kernelComplaints.push(content.traceback.join('\\n'));
        if (kind === 'stream' && content.name === 'stderr') window.kernelComplaints.push(content.text);
    });
}
"""
CELL_ERRORS = """
() => [...page.content.model.cells].flatMap(cell => (cell.type !== 'code' ? [] : cell.toJSON().outputs)
    .filter(output => output.output_type === 'error' || (output.output_type === 'stream' && output.name === 'stderr'))
    .map(output => (output.traceback || [output.text]).join('\\n')))
"""
EVERY_CELL_HAS_RUN = """
() => {
    const cells = [...page.content.model.cells].filter(cell => cell.type === 'code').map(cell => cell.toJSON());
    const failed = cells.some(cell => cell.outputs.some(output => output.output_type === 'error'));
    return failed || cells.every(cell => cell.execution_count !== null);
}
"""
LATEX = re.compile(r"\$[^$]+\$|\\(?:frac|sigma|mathbb|sqrt|begin)\b")
LABS = """
() => {
    const pictures = [...document.querySelectorAll('.jp-OutputArea .lab-picture')];
    const name = element => [...element.classList].find(c => c.startsWith('lab-'))?.slice(4);
    const roots = pictures.map(picture => {
        let root = null;
        for (let e = picture.parentElement; e; e = e.parentElement) if (name(e)) root = e;
        return root && name(root);
    });
    return [...new Set(roots.filter(Boolean))];
}
"""
SLIDERS = """
root => [...root.querySelectorAll('.noUi-handle')]
    .map(handle => handle.closest('[class*=lab-control-]'))
    .filter(control => control && control.offsetParent !== null)
    .map(control => [...control.classList].find(c => c.startsWith('lab-control-')).slice('lab-control-'.length))
"""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# JupyterLab asks a fresh kernel for the widgets it had; a kernel without ipywidgets answers so.
HARMLESS = re.compile(r"No such comm( target registered: jupyter\.widget\.control|: [0-9a-f-]{32,})\s*")
# What a reader reads, with every typeset formula replaced by its numbers: "$L = 1.25$, index 0" -> "[1.25], index 0".
READ = """
element => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll('style').forEach(node => node.remove());
    copy.querySelectorAll('mjx-container').forEach(formula => {
        const numbers = [...formula.querySelectorAll('mjx-assistive-mml mn')]
            .map(node => node.textContent.replace(/\\.$/, ''));
        formula.replaceWith(' [' + numbers.sort().join(' ') + '] ');
    });
    copy.querySelectorAll('br, p, div, li, tr, td, th, table, h1, h2, h3, h4').forEach(node => node.append(' '));
    copy.querySelectorAll('br').forEach(node => node.replaceWith(' '));
    return copy.textContent.replace(/\\s+/g, ' ').trim();
}
"""
# The picture is a frame for each panel and over them what moves, all of them inline SVG; its number grows with every new picture.
PICTURE = """
element => {
    const layers = [...element.querySelectorAll('svg')];
    const places = layers.map(layer => layer.getBoundingClientRect()), moving = places.at(-1);
    return {
        layers: layers.length,
        content: layers.map(layer => layer.innerHTML).join(''),
        words: layers.at(-1).getAttribute('aria-label'),
        role: layers.at(-1).getAttribute('role'),
        sheet: layers.at(-1).getAttribute('viewBox'),
        width: moving.width,
        height: moving.height,
        apart: Math.max(...places.map(frame =>
            Math.max(Math.abs(frame.x - moving.x), Math.abs(frame.y - moving.y), Math.abs(frame.width - moving.width)))),
    };
}
"""

# What a screen reader calls these must not be empty; what is in these must be a value.
NAMED = {"button", "checkbox", "combobox", "group", "image", "link", "progressbar", "slider", "spinbutton", "textbox"}
VALUED = {"combobox", "slider", "spinbutton", "textbox"}
FOCUSABLE = """
root => {
    const all = [...root.querySelectorAll('a[href], button, input, select, [tabindex="0"]')];
    window.focusable = all.filter(e => !e.disabled && e.checkVisibility({visibilityProperty: true}));
    return window.focusable.length;
}
"""
# Where the focus is in that list, and how thick and in what contrast the outline is that shows it.
FOCUSED = """
() => {
    const style = getComputedStyle(document.activeElement);
    return [focusable.indexOf(document.activeElement), style.outlineStyle, parseFloat(style.outlineWidth)];
}
"""
# Words of a lab with less than the contrast of 4.5 that WCAG asks for: [words, contrast], outside of the picture and of what is disabled.
FAINT = """
root => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const known = {};
    const rgba = colour => known[colour] ??= (() => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    })();
    const over = (front, back) => front.slice(0, 3).map((c, i) => (c * front[3] + back[i] * (255 - front[3])) / 255);
    const ground = e => {
        const own = e ? rgba(getComputedStyle(e).backgroundColor) : [255, 255, 255, 255];
        return own[3] === 255 ? own.slice(0, 3) : over(own, ground(e.parentElement));
    };
    const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const seen = e => {  // the opacity of all that it is in
        let share = 1;
        for (; e; e = e.parentElement) share *= getComputedStyle(e).opacity;
        return share;
    };
    const faint = [];
    for (const e of root.querySelectorAll('*')) {
        const words = e.matches('input, select') ? e.value : [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('');
        if (!words.trim() || e.matches('style, option, svg *, mjx-assistive-mml *') || !e.checkVisibility()) continue;
        if (e.matches(':disabled, :disabled *')) continue;
        const back = ground(e), colour = rgba(getComputedStyle(e).color);
        const front = over([...colour.slice(0, 3), colour[3] * seen(e)], back);
        const [low, high] = [light(front), light(back)].sort((a, b) => a - b);
        const contrast = (high + 0.05) / (low + 0.05);
        if (contrast < 4.5) faint.push([words.slice(0, 60), contrast]);
    }
    return faint;
}
"""


class PageInJupyterLab:
    """One notebook opened in its own browser context; leaving it shuts its kernel down."""

    def __init__(self, browser, address: str, name: str):
        self.name = name
        self.outside: list[str] = []
        self.console: list[str] = []
        self.context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="en-GB")
        self.context.set_default_timeout(PATIENCE)
        self.context.route(lambda url: not LOOPBACK.match(url), self._refuse)
        self.tab = self.context.new_page()
        self.tab.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        self.tab.on("console", lambda entry: self.console.append(entry.text) if entry.type == "error" else None)
        self.tab.goto(f"{address}/lab/workspaces/{name.replace('.', '-')}/tree/{name}")
        self.tab.wait_for_function("() => window.jupyterapp && window.jupyterapp.restored")
        self._ask("async () => { await jupyterapp.restored; }")
        self.tab.wait_for_function(
            "path => [...jupyterapp.shell.widgets('main')].some(w => w.context && w.context.path === path)", arg=name
        )
        self._ask(LISTEN_TO_THE_KERNEL, name)
        self._ask("async () => { await page.context.ready; await page.revealed; }")
        self._ask("() => jupyterapp.shell.collapseLeft()")

    def _ask(self, script: str, argument=None):
        """What a function of the page answers, within PATIENCE: a promise that is never kept must not hang the test."""
        late = f"new Promise((_, fail) => setTimeout(() => fail(new Error('no answer')), {PATIENCE}))"
        return self.tab.evaluate(f"argument => Promise.race([({script})(argument), {late}])", argument)

    def _refuse(self, route) -> None:
        self.outside.append(route.request.url)
        route.abort()

    def close(self) -> None:
        """Shut the kernel down, then close."""
        try:
            self._ask("async () => { await page.sessionContext.shutdown(); }")
        finally:
            self.context.close()

    # ---- running

    def run(self) -> None:
        """Run all cells from empty outputs and wait until every cell has run and the kernel rests."""
        self._ask("async () => { await page.sessionContext.ready; }")
        self.rest()
        self._ask(
            """async () => {
                await jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
                await jupyterapp.commands.execute('notebook:run-all-cells');
            }"""
        )
        self.tab.wait_for_function(EVERY_CELL_HAS_RUN)
        self.rest()

    def execute(self, source: str) -> None:
        """Run a line that stands in no cell."""
        self._ask("async code => { await page.sessionContext.session.kernel.requestExecute({code}).done; }", source)

    def rest(self) -> None:
        self.tab.wait_for_function("() => page.sessionContext.session?.kernel?.status === 'idle'")

    def errors(self) -> list[str]:
        """What went wrong in a cell, in a callback of a widget or in the page's own scripts."""
        complaints = self._ask("() => window.kernelComplaints")
        complaints = [complaint for complaint in complaints if not HARMLESS.fullmatch(complaint)]
        return [COLOURS.sub("", error) for error in self._ask(CELL_ERRORS) + complaints + self.console]

    def saved(self, title: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{self.name.removesuffix('.ipynb')}_{title}.png"
        self.tab.screenshot(path=path)
        return path

    # ---- the page as a whole

    def outputs(self) -> str:
        """The words of all outputs."""
        return self._ask(
            "() => [...document.querySelectorAll('.jp-OutputArea')].map(area => area.innerText).join('\\n')"
        )

    def untypeset(self) -> list[str]:
        """Formulas in the text cells that still stand there as LaTeX once typesetting had its time."""
        self.wait_until(lambda: not self._raw_formulas(), seconds=20)
        return self._raw_formulas()

    def _raw_formulas(self) -> list[str]:
        return [
            raw for text in self.tab.locator(".jp-RenderedMarkdown").all_inner_texts() for raw in LATEX.findall(text)
        ]

    def labs(self) -> list[str]:
        """The names of the labs in sight: the root of each carries lab-NAME beside its parts."""
        return self._ask(LABS)

    def sliders(self, lab: str) -> list[str]:
        return self.lab(lab).evaluate(SLIDERS)

    # ---- a lab: all its parts are found by their lab-... classes

    def lab(self, name: str):
        return self.tab.locator(f".jp-OutputArea .lab-{name}").first

    def control(self, lab: str, name: str):
        """What takes the keyboard in a control: the handle of a slider, or the input of another control."""
        control = self.lab(lab).locator(f".lab-control-{name}").first
        control.wait_for()
        for part in (".noUi-handle", "select", "input"):
            if control.locator(part).count():
                return control.locator(part).first
        return control

    def press(self, lab: str, name: str, *keys: str) -> None:
        control = self.control(lab, name)
        control.scroll_into_view_if_needed()
        control.focus()
        for key in keys:
            control.press(key)

    def read(self, lab: str, part: str) -> str:
        """The words of a part of a lab, e.g. its numbers, caption or status; "" while it is not there."""
        found = self.lab(lab).locator(f".lab-{part}")
        return " ".join(found.nth(i).evaluate(READ) for i in range(found.count()))

    def picture(self, lab: str) -> dict:
        """What the picture is made of, as it stands in the document: its content, its words for those who do not see it, its place."""
        found = self.lab(lab).locator(".lab-picture").first.evaluate(PICTURE)
        assert found["layers"] >= 2, "the picture is frames and what moves"
        assert found["apart"] < 0.5, "the layers do not lie on each other"
        assert found["width"] > 300
        assert found["height"] > 200
        return found

    # ---- a lab for those who hear it, use the keyboard, or see little contrast

    def nameless(self, lab: str) -> list[str]:
        """The parts of a lab that Chromium hands to screen readers without a name, or without a value where they have one."""
        session = self.context.new_cdp_session(self.tab)
        root = session.send("Runtime.evaluate", {"expression": f"document.querySelector('.jp-OutputArea .lab-{lab}')"})
        nodes = session.send("Accessibility.queryAXTree", {"objectId": root["result"]["objectId"]})["nodes"]
        session.detach()
        parts = [
            tuple(node.get(what, {}).get("value") for what in ("role", "name", "value"))
            for node in nodes
            if not node["ignored"]
        ]
        roles = [role for role, _, _ in parts]
        missing = [
            role for role in ("group", "button", "combobox", "checkbox", "image", "textbox") if role not in roles
        ]
        if roles.count("image") != 1 or roles.count("status") + roles.count("alert") != 1:
            missing.append("one picture and one status")
        if roles.count("slider") != len(self.sliders(lab)):
            missing.append("a slider")
        return [f"no {role}" for role in missing] + [
            f"{role} named {name!r} with the value {value!r}"
            for role, name, value in parts
            if (role in NAMED and not (name or "").strip()) or (role in VALUED and value in (None, ""))
        ]

    def unreachable(self, lab: str) -> list[str]:
        """What is wrong with the way of the Tab key through a lab: all that can be used, in the order of the document, in sight."""
        controls = self.lab(lab).evaluate(FOCUSABLE)
        self.tab.evaluate("focusable[0].focus({focusVisible: true})")
        wrong = []
        for place in range(controls):
            where, outline, width = self.tab.evaluate(FOCUSED)
            if where != place:
                wrong.append(f"Tab {place} leads to place {where} of {controls}")
            elif outline == "none" or width < 2:
                wrong.append(f"the focus cannot be seen at place {place}: outline {outline} {width}")
            self.tab.keyboard.press("Tab")
        if self.tab.evaluate(FOCUSED)[0] != -1:
            wrong.append("Tab does not lead out of the lab")
        return wrong

    def faint(self, lab: str) -> list:
        """Words of a lab with less contrast to their ground than 4.5, and that contrast."""
        return self.lab(lab).evaluate(FAINT)

    def spoken(self, lab: str, control: str) -> str:
        """The value that the handle of a slider has for a screen reader."""
        return self.lab(lab).locator(f".lab-control-{control} .noUi-handle").get_attribute("aria-valuetext")

    def theme(self, name: str) -> None:
        """JupyterLab in another theme, "JupyterLab Dark" or "JupyterLab Light"."""
        self._ask("async theme => { await jupyterapp.commands.execute('apputils:change-theme', {theme}); }", name)
        light = "true" if name.endswith("Light") else "false"
        self.tab.locator(f"body[data-jp-theme-light='{light}'][data-jp-theme-name='{name}']").wait_for(state="attached")

    def settled(self, lab: str) -> dict:
        """The picture once it stays: new frames come into their own boxes a moment after a move."""
        seen = [self.picture(lab)]

        def stays() -> bool:
            self.tab.wait_for_timeout(300)
            seen.append(self.picture(lab))
            return seen[-1]["content"] == seen[-2]["content"]

        assert self.wait_until(stays)
        return seen[-1]

    def dimmed(self, lab: str) -> bool:
        """Whether the picture is shown as one of an earlier state."""
        layers = self.lab(lab).locator(".lab-picture svg")
        shades = layers.evaluate_all("layers => layers.map(layer => Number(getComputedStyle(layer).opacity))")
        seen = {shade for shade in shades if shade > 0}  # a new frame hides the one below it
        assert len(seen) == 1, "one layer is dimmed and another is not"
        return seen.pop() < 0.6

    def wait_until(self, condition, seconds: float = 60.0) -> bool:
        """Poll what the page shows; a condition that looks at a picture being replaced may raise and is asked again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return True
            except Exception:
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                return False
            self.tab.wait_for_timeout(50)


MATHEMATICS = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)", re.DOTALL)


def words(html: str) -> str:
    """HTML with LaTeX as PageInJupyterLab.read shows it once typeset."""
    from html.parser import HTMLParser

    class Text(HTMLParser):
        def __init__(self):
            super().__init__()
            self.parts: list[str] = []
            self.silent = 0

        def handle_starttag(self, tag, attrs):
            self.silent += tag == "style"
            if tag in {"br"}:
                self.parts.append(" ")

        def handle_endtag(self, tag):
            self.silent -= tag == "style"
            if tag in {"p", "div", "li", "tr", "td", "th", "table", "h1", "h2", "h3", "h4"}:
                self.parts.append(" ")

        def handle_data(self, data):
            if not self.silent:
                self.parts.append(data)

    def numbers(formula: re.Match) -> str:
        latex = re.sub(
            r"(\\[dt]?frac|[_^])(\d)(?=\d)", r"\1\2 ", next(filter(None, formula.groups()))
        )  # \frac12 is 1/2
        return " [" + " ".join(sorted(re.findall(r"\d+(?:\.\d+)?", latex))) + "] "

    text = Text()
    text.feed(html)
    return re.sub(r"\s+", " ", MATHEMATICS.sub(numbers, "".join(text.parts))).strip()
