"""What screen readers are told about a lab; that it arrives in the document is asserted in the browser test."""

import json
from html.parser import HTMLParser

import pytest

from landscape_nb.labs import LABS
from landscape_nb.labs.description import description
from landscape_nb.labs.parameters import Choice, Logarithmic, Whole


def told(widget) -> dict[str, str]:
    """The attributes of the one element in the widget."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append(dict(attributes))
    parser.feed(widget.value)
    (element,) = found
    return element


def test_every_slider_gets_the_label_of_its_field_as_a_name_whatever_is_in_it():
    parameters = (
        Whole("k", "k <\"'&> (teachers)", 3, low=1, high=10),
        Choice("activation", "activation", "erf", options={"erf": 1}),
        Logarithmic("eps", "ε", 0.1, low=1e-4, high=1.0, step=0.1),
    )
    element = told(description("lab-one", "the <one> lab", parameters))
    assert json.loads(element["data-sliders"]) == [["k", "move k <\"'&> (teachers)", False], ["eps", "move ε", True]]
    assert (element["data-lab"], element["data-title"]) == ("lab-one", "the <one> lab")
    assert element["alt"] == "" and "hidden" in element, "it must not be a picture itself"


@pytest.mark.parametrize("name", LABS)
def test_no_two_controls_of_a_lab_have_the_same_label(name):
    labels = [parameter.label for parameter in LABS[name].parameters]
    assert len({*labels, "preset", "state code", "large type"}) == len(labels) + 3
    assert all(labels)
