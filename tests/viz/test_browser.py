"""The HTML pages in a real browser: headless Chromium, driven by selenium.

Skipped where there is no browser: ``apt-get install chromium chromium-driver`` and
``pip install selenium`` bring it.
"""

import json
import shutil

import pytest

import tinygrad_adam as torch
from tests.viz.drawn_models import CNN, leaf
from tinygrad_adam import viz

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="Chromium is not installed"),
    pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is missing"),
]


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
                     "--window-size=1200,900"):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    torch.manual_seed(0)
    model, x = CNN(), torch.randn(1, 1, 28, 28)
    graph = viz.draw((model, x), backward="compute", show="shape saved")
    graph.save(folder / "graph.html")
    a, b = leaf(2.0), leaf(-3.0)
    c = a * b
    viz.animate_backward((c + a).tanh() * c, folder / "backward.html", names={"a": a, "b": b})
    viz.animate_backward(model(x).sum(), folder / "cnn.html")
    assert a.grad is None
    names = {"</script><script>document.title = 'broken'</script>\u202e": a, "<img src=x>": c}
    viz.draw(c, names=names, backward="compute").save(folder / "evil graph.html")
    viz.animate_backward(c, folder / "evil backward.html", names=names)
    return folder


@pytest.fixture
def load(browser, pages):
    """Open a page; at the end see that it fetched nothing and complained of nothing."""
    browser.get_log("performance")

    def load(name):
        browser.get((pages / name).as_uri())
        return browser

    yield load
    assert browser.get_log("browser") == []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            assert message["params"]["request"]["url"].startswith(("file://", "data:"))


def find(browser, selector):
    return browser.find_element("css selector", selector)


def shown(browser, selector):
    return [e.is_displayed() for e in browser.find_elements("css selector", selector)]


def press(browser, key):
    find(browser, "body").send_keys(key)


def test_layers_toggle(load):
    browser = load("graph.html")
    for layer in ("gradient", "saved", "parameter"):
        everything = shown(browser, f"g.node.{layer}")
        assert len(everything) > 5
        assert all(everything)
        box = find(browser, f'input[data-layer="{layer}"]')
        box.click()
        assert not any(shown(browser, f"g.node.{layer}, g.edge.{layer}"))
        assert all(shown(browser, "g.node.operation"))
        box.click()
        assert all(shown(browser, f"g.node.{layer}"))


def test_a_node_lights_up_with_its_ancestors(load):
    browser = load("graph.html")
    relu = find(browser, "#n4")
    browser.execute_script("arguments[0].dispatchEvent(new Event('click'))", relu)
    lit = {e.get_attribute("id") for e in browser.find_elements("css selector", "g.node.lit")}
    assert lit == {"n0", "n1", "n2", "n3", "n4"}  # input, weight, bias, convolution, itself
    edges = browser.execute_script(
        "return [...document.querySelectorAll('g.edge.lit > title')].map(e => e.textContent)"
    )
    assert sorted(edges) == ["n0->n3", "n1->n3", "n2->n3", "n3->n4"]
    assert find(browser, "#panel h2").text == "Relu"
    assert "inputs: (1, 32, 28, 28) float32" in find(browser, "#panel pre").text
    press(browser, "\ue00c")  # Escape
    assert not browser.find_elements("css selector", ".lit, .dim")


def test_the_slider_moves_the_lit_node(load):
    browser = load("backward.html")
    steps = browser.execute_script("return steps.map(s => s.node)")
    assert len(steps) == len(set(steps)) == 6  # Mul, Tanh, Add, Mul, a and b
    assert find(browser, "#position").text == "step 0 of 6"
    for position, node in enumerate(steps, 1):
        press(browser, "\ue014")  # right arrow
        assert find(browser, "#position").text == f"step {position} of 6"
        current = browser.find_elements("css selector", "g.node.current:not(.gradient)")
        assert [e.get_attribute("id") for e in current] == [node]
    assert find(browser, "#freedtext").text.split(" freed")[0].split(" of ") == ["16 B", "16 B"]
    press(browser, "\ue011")  # Home
    assert find(browser, "#position").text == "step 0 of 6"
    browser.execute_script(
        "arguments[0].value = 2; arguments[0].dispatchEvent(new Event('input'))",
        find(browser, "#slider"),
    )
    assert find(browser, "#position").text == "step 2 of 6"
    assert "tanh" in find(browser, "#facts").text.lower()


def test_gradients_fill_in_and_wait_for_those_to_be_added(load):
    browser = load("backward.html")
    press(browser, "\ue014")
    (waiting,) = browser.find_elements("css selector", "g.gradient.waiting")
    assert "1 of 2 arrived" in waiting.get_attribute("textContent")
    assert "(first of 2)" in find(browser, "#facts").text
    press(browser, "\ue010")  # End
    assert not browser.find_elements("css selector", ".waiting")
    assert all(
        "reached" in e.get_attribute("class")
        for e in browser.find_elements("css selector", "g.gradient:not(.legend)")
    )
    assert "1 of 2 arrived" not in find(browser, "#drawing").get_attribute("textContent")


def test_play_and_pause(load):
    browser = load("backward.html")
    find(browser, "#play").click()
    assert browser.execute_script("return timer !== null")
    press(browser, " ")
    assert browser.execute_script("return timer === null")
    find(browser, "#next").click()
    find(browser, "#next").click()
    find(browser, "#back").click()
    assert find(browser, "#position").text == "step 1 of 6"


def test_a_whole_network_can_be_watched(load):
    browser = load("cnn.html")
    press(browser, "\ue010")
    assert "freed" in find(browser, "#freedtext").text
    freed, kept = browser.execute_script(
        "return [document.getElementById('freed').value, document.getElementById('freed').max]"
    )
    assert freed == kept > 100_000


@pytest.mark.parametrize("page", ["evil graph.html", "evil backward.html"])
def test_names_stay_texts(load, page):
    browser = load(page)
    assert browser.title != "broken"
    words = find(browser, "#drawing").get_attribute("textContent")
    assert "</script><script>" in words
    assert "\u202e" not in words
    press(browser, "\ue010")


def test_the_name_of_a_module_is_no_node(load):
    browser = load("graph.html")
    name = find(browser, "g.node.name")
    assert name.get_attribute("tabindex") is None
    browser.execute_script("arguments[0].dispatchEvent(new Event('click'))", name)
    assert not browser.find_elements("css selector", ".lit, .dim")


@pytest.mark.parametrize("page", ["graph.html", "backward.html"])
def test_dark_background_and_small_screens(load, browser, page):
    def colours():
        return browser.execute_script(
            "const s = e => getComputedStyle(document.querySelector(e));"
            "return [s('body').backgroundColor, s('g.node.operation text').fill]"
        )

    load(page)
    light = colours()
    for scheme in ("dark", "light"):
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        assert (colours() == light) == (scheme == "light")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True},
    )
    try:
        load(page)
        # The drawing may scroll inside its box, the page does not.
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        assert find(browser, "#panel").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
