"""What holds for the tests of labs."""

from unittest import mock

import ipywidgets
import pytest
from lab_sweep import REMEMBERED

from landscape_nb.labs import Lab


def pytest_collection_modifyitems(items):
    """The tests of a lab that follows flows come to one process, which follows each of them once."""
    for item in items:
        lab = getattr(item, "callspec", None) and item.callspec.params.get("lab_class")
        if lab in REMEMBERED:
            item.add_marker(pytest.mark.xdist_group(lab.name))


@pytest.fixture(autouse=True)
def nothing_is_drawn_ahead():
    """A lab works only when a test asks; test_look_ahead.py switches it on."""
    with mock.patch.object(Lab, "looks_ahead", False):
        yield


@pytest.fixture(autouse=True)
def widgets_are_closed():
    """ipywidgets keeps every widget until it is closed, and with it the lab and its figures."""
    yield
    ipywidgets.Widget.close_all()
