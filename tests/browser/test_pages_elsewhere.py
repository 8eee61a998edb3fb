"""One page outside of JupyterLab: in Notebook 7, in Voila as `landscape-nb dashboard` serves it, and in the static site."""

import pytest
from browser.page_in_jupyterlab import LOOPBACK, SCREENSHOTS
from browser.page_in_notebook import PageInNotebook
from browser.page_in_voila import PageInVoila

PAGE, LAB = "02_one_neuron", "one-neuron"


@pytest.fixture(params=[("notebook", PageInNotebook), ("voila", PageInVoila)], ids=lambda host: host[0])
def page(request, browser):
    name, kind = request.param
    page = kind(browser, request.getfixturevalue(name).address, PAGE)
    yield page
    page.close()


def test_a_page_runs_and_its_lab_follows_a_slider_while_no_request_leaves_this_machine(page):
    page.run()
    assert page.errors() == []
    assert page.wait_until(lambda: page.formulas()[0] > 10 and not page.formulas()[1]), page.formulas()

    slider = page.slider(LAB, "k")
    slider.scroll_into_view_if_needed()
    assert page.wait_until(lambda: page.picture(LAB) and page.read(LAB, "numbers"))
    picture, numbers = page.picture(LAB), page.read(LAB, "numbers")
    field = page.tab.locator(f".lab-{LAB} .lab-control-k input").first
    before = field.input_value()
    slider.focus()
    slider.press("ArrowRight")
    assert page.wait_until(lambda: page.read(LAB, "numbers") != numbers), "the numbers stay as they are"
    assert page.wait_until(lambda: page.picture(LAB) != picture), "the picture stays as it is"
    assert field.input_value() != before
    assert page.wait_until(lambda: slider.get_attribute("aria-label") == "move k (teachers)"), "the slider has no name"
    assert page.wait_until(lambda: slider.get_attribute("aria-valuetext") == field.input_value())
    page.saved("moved", LAB)
    if page.host == "voila":
        links = page.tab.locator("a[href$='.ipynb']").evaluate_all(
            "links => links.map(link => new URL(link.href).pathname)"
        )
        assert links
        assert all(link.startswith("/voila/render/") for link in links), "the links between the pages lead out of Voila"
    assert page.errors() == []
    assert page.outside == []


def test_the_static_site_opens_the_start_page_and_asks_elsewhere_for_python_only(browser, site):
    """Python for WebAssembly is refused here, so that what is seen is what the site serves itself."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    outside = []
    try:
        context.route(
            lambda url: not LOOPBACK.match(url), lambda route: (outside.append(route.request.url), route.abort())
        )
        tab = context.new_page()
        tab.goto(site)
        tab.wait_for_url("**/lab/index.html?path=00_start.ipynb")
        tab.locator(".jp-Notebook h1").first.wait_for()
        tab.locator(".jp-OutputArea-output img, .jp-OutputArea-output svg").first.wait_for()
        assert "\n,slopes" not in "".join(tab.locator(".jp-OutputArea-output").all_inner_texts())
        assert "piplite" in tab.locator(".jp-CodeCell").first.inner_text()
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=SCREENSHOTS / "00_start_site.png")
        assert {url for url in outside if "/pyodide/" not in url} == set()
    finally:
        context.close()
