"""A page as Voila shows it: without its code, run by the server while it opens."""

import re
import time
from pathlib import Path

from browser.page_in_jupyterlab import LOOPBACK, PATIENCE, SCREENSHOTS

# Voila's template names two style sheets of another host; the policy of `landscape-nb dashboard` keeps the browser from asking for them.
REFUSED_BY_POLICY = re.compile(
    r"cdn\.jsdelivr\.net/npm/@fortawesome/\S+' violates the following Content Security Policy"
)
LATEX = re.compile(r"\$[^$]+\$|\\(?:frac|sigma|mathbb|sqrt|begin)\b")
# The content of every image and drawing, not their addresses: those are new with each update.
PICTURE = """
async element => {
    const images = [element, ...element.querySelectorAll('*')].filter(node => node.tagName === 'IMG' && node.src);
    const contents = [...element.querySelectorAll('svg')].map(drawing => drawing.outerHTML);
    for (const image of images) {
        await image.decode();
        const digest = await crypto.subtle.digest('SHA-256', await (await fetch(image.src)).arrayBuffer());
        contents.push(new Uint8Array(digest).join());
    }
    const shown = [...images, ...element.querySelectorAll('svg')].map(node => node.getBoundingClientRect());
    return {contents: contents.join('|'), width: Math.max(0, ...shown.map(box => box.width))};
}
"""


class PageInVoila:
    """A page in its own browser context, in which no request leaves this machine."""

    host = "voila"

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
        self._open(address)

    def _open(self, address: str) -> None:
        self.tab.goto(f"{address}/voila/render/{self.name}.ipynb")

    def _refuse(self, route) -> None:
        self.outside.append(route.request.url)
        route.abort()

    def close(self) -> None:
        self.context.close()

    def run(self) -> None:
        """Wait until every cell has run and its widgets stand there."""
        self.tab.wait_for_selector("#rendered_cells", state="visible")
        self.tab.wait_for_selector(".lab-picture")

    def errors(self) -> list[str]:
        """What went wrong in the page's own scripts, and in a cell: Voila shows a sentence instead of its output."""
        failed = self.tab.get_by_text("There was an error when executing cell").all_inner_texts()
        return failed + [entry for entry in self.console if not REFUSED_BY_POLICY.search(entry)]

    def saved(self, title: str, lab: str) -> Path:
        """A screenshot with the picture of this lab in it."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{self.name}_{self.host}_{title}.png"
        self.tab.locator(f".lab-{lab} .lab-picture").first.scroll_into_view_if_needed()
        self.tab.screenshot(path=path)
        return path

    def formulas(self) -> tuple[int, list[str]]:
        """How many formulas are typeset, and those that still stand there as LaTeX."""
        return self.tab.locator("mjx-container").count(), LATEX.findall(self.tab.locator("body").inner_text())

    # ---- a lab

    def slider(self, lab: str, control: str):
        return self.tab.locator(f".lab-{lab} .lab-control-{control} .noUi-handle").first

    def read(self, lab: str, part: str) -> str:
        return " ".join(self.tab.locator(f".lab-{lab} .lab-{part}").all_inner_texts())

    def picture(self, lab: str) -> str:
        """A fingerprint of what the lab draws."""
        found = self.tab.locator(f".lab-{lab} .lab-picture").first.evaluate(PICTURE)
        assert found["width"] > 300, f"the picture of {lab} is {found['width']} pixels wide"
        return found["contents"]

    def wait_until(self, condition, seconds: float = 30.0) -> bool:
        """Poll what the page shows; a picture that is being replaced may raise and is asked again."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if condition():
                    return True
            except Exception:
                if time.monotonic() + 0.1 > deadline:
                    raise
            self.tab.wait_for_timeout(50)
        return False
