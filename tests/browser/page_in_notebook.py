"""A page in Notebook 7: read and pressed as in Voila, but opened with its stored outputs and run by the reader."""

from browser.page_in_jupyterlab import HARMLESS
from browser.page_in_voila import PageInVoila

# Notebook 7.6 says so itself, for every notebook, also for an empty one.
OF_NOTEBOOK = ("uncaught: Cannot read properties of undefined (reading 'schema')",)
OPENED = "() => window.jupyterapp && jupyterapp.shell.currentWidget?.context?.isReady"
LISTEN_TO_THE_KERNEL = """
async () => {
    window.page = jupyterapp.shell.currentWidget;
    window.complaints = [];
    await page.context.ready;
    await page.sessionContext.ready;
    page.sessionContext.iopubMessage.connect((_, {header, content}) => {
        if (header.msg_type === 'error') complaints.push(content.traceback.join('\\n'));
        if (header.msg_type === 'stream' && content.name === 'stderr') complaints.push(content.text);
    });
}
"""
EVERY_CELL_HAS_RUN = """
() => page.sessionContext.session?.kernel?.status === 'idle' && [...page.content.model.cells]
    .filter(cell => cell.type === 'code').every(cell => cell.executionCount !== null)
"""


class PageInNotebook(PageInVoila):
    """One notebook; leaving it shuts its kernel down."""

    host = "notebook"

    def _open(self, address: str) -> None:
        self.tab.goto(f"{address}/notebooks/{self.name}.ipynb")
        self.tab.wait_for_function(OPENED)
        self.tab.evaluate(LISTEN_TO_THE_KERNEL)

    def run(self) -> None:
        """Run all cells from empty outputs and wait until they have run."""
        self.tab.evaluate(
            """async () => {
                await jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
                await jupyterapp.commands.execute('notebook:run-all-cells');
            }"""
        )
        self.tab.wait_for_function(EVERY_CELL_HAS_RUN)
        self.tab.wait_for_selector(".lab-picture")

    def errors(self) -> list[str]:
        complaints = self.tab.evaluate("() => window.complaints")
        own = [entry for entry in super().errors() if entry not in OF_NOTEBOOK]
        return own + [text for text in complaints if not HARMLESS.fullmatch(text)]

    def close(self) -> None:
        try:
            self.tab.evaluate("async () => { await page.sessionContext.shutdown(); }")
        finally:
            super().close()
