"""What holds for the tests of labs."""

from unittest import mock

import ipywidgets
import pytest

from landscape_nb.labs import Lab


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
