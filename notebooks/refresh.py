"""Run the pages again and store their outputs as a reader without a kernel needs them (`make pages`).

A stored page shows, for every lab, the still picture and below it the summary in words. The live view of a widget is
left out: without a kernel it is an error message, and it hides the picture. Strict nbval compares the text of what is
stored here with a new run; it ignores pictures and live views, and does not mind that picture and text are two outputs.
"""

import argparse
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def readable(outputs: list) -> list:
    """The outputs of one cell without live views, the still picture and its text as neighbours, streams joined."""
    kept: list = []
    for output in outputs:
        if output.output_type == "stream":
            if kept and kept[-1].output_type == "stream" and kept[-1].name == output.name:
                kept[-1].text += output.text
            else:
                kept.append(output)
            continue
        if "data" not in output:
            kept.append(output)
            continue
        output.data.pop(WIDGET_VIEW, None)
        pictures = {mime: output.data.pop(mime) for mime in PICTURES if mime in output.data}
        if pictures:
            about = {mime: output.metadata.pop(mime) for mime in PICTURES if mime in output.metadata}
            if (
                "text/plain" in output.data
            ):  # converters give it to the picture; JupyterLab does not, there it stands below
                words = "; ".join(output.data["text/plain"].splitlines())
                about = {mime: {**about.get(mime, {}), "alt": words} for mime in pictures}
            kept.append(nbformat.v4.new_output("display_data", pictures, metadata=about))
        if output.data:
            kept.append(output)
    return kept


def refresh(page: Path, timeout: int = 600) -> bool:
    """Run one page in a fresh kernel of this environment, store it, say whether it changed; a failing cell raises."""
    before = page.read_text(encoding="utf-8")
    notebook = nbformat.reads(before, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=timeout,
        resources={"metadata": {"path": str(page.parent)}},
        store_widget_state=False,
        record_timing=False,
    )
    client.execute()
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in ("tags",) if key in cell.metadata})
        if cell.cell_type == "code":
            cell.outputs = readable(cell.outputs)
    nbformat.validate(notebook)
    after = nbformat.writes(notebook).rstrip("\n") + "\n"
    if after != before:
        page.write_text(after, encoding="utf-8")
    return after != before


def store_picture_of_the_readme(path: Path) -> None:
    """The still picture of the one-neuron lab, drawn by the lab itself."""
    from landscape_nb.labs import OneNeuron

    path.parent.mkdir(exist_ok=True)
    path.write_bytes(OneNeuron(activation="erf", k=3, d=4)._repr_mimebundle_()["image/png"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", type=Path, help="notebooks to run (default: all beside this file)")
    arguments = parser.parse_args()
    pages = arguments.pages or sorted(Path(__file__).parent.glob("*.ipynb"))
    for page in pages:
        print(f"{page.name}: {'stored' if refresh(page) else 'unchanged'}")
    if not arguments.pages:
        store_picture_of_the_readme(Path(__file__).parent / "pictures" / "one_neuron.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
