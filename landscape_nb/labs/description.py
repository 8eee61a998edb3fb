"""What a screen reader needs beyond what ipywidgets writes into the document: names, values and a live region.

ipywidgets gives the handle of a slider the role of one, but no name, since noUiSlider, which draws it, has none by itself. It lets the
handle speak 0.30000000000000004, or the exponent of what it stands for. And it writes every status as a new element, which many readers
do not announce. Python cannot reach these attributes, HTML in a widget can, with a few lines of script in each front end. Where scripts
in HTML are forbidden, nothing else is lost: the labelled number field beside each slider says the same.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

import ipywidgets

from .parameters import Logarithmic, Number, Parameter

#: Runs when the invisible picture that carries it is in the document; the parts of the lab may come a moment later.
_SCRIPT = """
const image = this, sliders = JSON.parse(image.dataset.sliders);
let patience = 200;
function speak(handle, logarithmic) {
    const value = Number(handle.getAttribute('aria-valuetext'));
    handle.setAttribute('aria-valuetext', Number(logarithmic ? (10 ** value).toPrecision(4) : value.toPrecision(12)));
}
function describe() {
    const lab = image.closest('.' + image.dataset.lab);
    const status = lab && lab.querySelector('.lab-status .widget-html-content');
    let missing = !status;
    for (const [name, label, logarithmic] of sliders) {
        const handle = lab && lab.querySelector('.lab-control-' + name + ' .noUi-handle');
        if (!handle) {
            missing = true;
        } else if (!handle.hasAttribute('aria-label')) {
            handle.setAttribute('aria-label', label);
            speak(handle, logarithmic);
            const moves = new MutationObserver(() => { speak(handle, logarithmic); moves.takeRecords(); });
            moves.observe(handle, {attributeFilter: ['aria-valuetext']});
        }
    }
    if (missing) {
        if (patience--) setTimeout(describe, 50);
        return;
    }
    status.setAttribute('aria-live', 'polite');
    lab.setAttribute('role', 'group');
    lab.setAttribute('aria-label', image.dataset.title);
}
describe();
"""
_NOTHING = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="  # one transparent pixel


def description(lab: str, title: str, parameters: Iterable[Parameter]) -> Any:
    """An invisible part of a lab that describes the others to screen readers.

    lab : the class of the lab's root. title : what the lab is called.
    """
    sliders = [
        (parameter.name, f"move {parameter.label}", isinstance(parameter, Logarithmic))
        for parameter in parameters
        if isinstance(parameter, Number)
    ]
    told = {"data-lab": lab, "data-title": title, "data-sliders": json.dumps(sliders), "onload": _SCRIPT}
    attributes = " ".join(f'{name}="{html.escape(words, quote=True)}"' for name, words in told.items())
    return ipywidgets.HTML(
        f'<img alt="" hidden src="{_NOTHING}" {attributes}>', layout=ipywidgets.Layout(display="none")
    )
