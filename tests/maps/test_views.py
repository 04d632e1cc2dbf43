"""The main views against kept pictures, so that a broken layout fails.

The pictures in ``views/`` are made by this file::

    SUPPLYGRAPH_RENEW_VIEWS=1 pytest -n0 tests/maps/test_views.py

Renew them when the look, or the bundled germanium network, has changed on purpose, and look at every one before
committing it. Where a view differs, the test names a picture of what is expected, what is there, and where they differ.

Fonts and smoothing differ from machine to machine, so pictures are compared blurred: by the share of the page that
differs a little (layout, fills, coasts) and by the share that differs much (signs, lines).
"""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from pathlib import Path

import maptoys
import numpy as np
import pytest
from PIL import Image, ImageFilter

import supplygraph as sg
from supplygraph.maps import map_network
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.interdiction import interdict

KEPT = Path(__file__).parent / "views"
RENEW = os.environ.get("SUPPLYGRAPH_RENEW_VIEWS") == "1"
#: Size of kept pictures: half the screen, a phone's as wide.
HALF = 2
#: Levels of 255 that count as a little and as much, and the share of the page that may differ so.
LITTLE, MUCH = (14, 0.03), (45, 0.0035)
APP = "document.getElementById('map').supplyMap"
CLOSED = {"name": "Suez closed", "shipments": maptoys.shipments(suez=False), "closed": ["suez"]}
DESK, PHONE = (1280, 800), (390, 844)

#: View: which map, window, light or dark, and what is done on the page first.
VIEWS = {
    "network": ("germanium", DESK, "light", ""),
    "dark": ("germanium", DESK, "dark", ""),
    "phone": ("germanium", PHONE, "light", ""),
    "side-by-side": ("toy", DESK, "light", f"{APP}.set({{ scenario: 1, mode: 'split' }})"),
    "difference": ("toy", DESK, "light", f"{APP}.set({{ scenario: 1, mode: 'difference' }})"),
    "table": ("toy", DESK, "light", f"{APP}.table.open(document.body)"),
    "popup": ("toy", DESK, "light", f"{APP}.visit({APP}.data.nodes.find((node) => node.id === 'ref-a'))"),
    "chokepoints": ("chokepoints", DESK, "light", ""),
    "failure": ("chokepoints", DESK, "light", f"{APP}.open({APP}.data.failures.items[0])"),
    "interdiction": ("interdiction", DESK, "light", ""),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every map that is looked at, as a file, made when first asked for."""
    folder = tmp_path_factory.mktemp("maps")
    makers = {
        "germanium": lambda: map_network(sg.load("germanium")),
        "toy": lambda: map_network(maptoys.network(), scenarios=[CLOSED]),
        "chokepoints": lambda: chokepoints(maptoys.network()).map(),
        "interdiction": lambda: interdict(maptoys.network(), k=2).map(),
    }

    def path_of(name):
        path = folder / f"{name}.html"
        return path if path.exists() else makers[name]().save_html(path)

    return path_of


@contextmanager
def shown(chromium, path, window, mode, action, scale=1):
    """Open a map as a view has it."""
    size = {"width": window[0], "height": window[1]}
    context = chromium.new_context(
        viewport=size, offline=True, color_scheme=mode, device_scale_factor=scale, reduced_motion="reduce")  # fmt: skip
    try:
        page = context.new_page()
        page.goto(path.as_uri())
        page.evaluate(f"() => {{ {action}; document.activeElement.blur(); }}")
        yield page
    finally:
        context.close()


def shot(page, window):
    """A screenshot, half the size of the window."""
    with Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))) as picture:
        return picture.convert("RGB").resize((window[0] // HALF, window[1] // HALF), Image.Resampling.BOX)


def kept(name):
    with Image.open(KEPT / f"{name}.png") as picture:
        return picture.convert("RGB")


def apart(expected, found):
    """Largest difference of the three colours, pixel by pixel, after a blur that hides edges of letters."""
    assert expected.size == found.size
    blurred = (np.asarray(picture.filter(ImageFilter.GaussianBlur(2.5)), dtype=float) for picture in (expected, found))
    return np.abs(np.subtract(*blurred)).max(axis=2)


def shares(expected, found):
    gap = apart(expected, found)
    return tuple(float((gap > level).mean()) for level, _ in (LITTLE, MUCH))


def same(expected, found):
    return all(share <= most for share, (_, most) in zip(shares(expected, found), (LITTLE, MUCH), strict=True))


def beside(expected, found):
    """What is expected, what is there, and where they differ, in one picture."""
    gap = Image.fromarray(np.clip(apart(expected, found) * 4, 0, 255).astype(np.uint8)).convert("RGB")
    width, height = expected.size
    sheet = Image.new("RGB", (3 * width, height))
    for i, picture in enumerate((expected, found, gap)):
        sheet.paste(picture, (i * width, 0))
    return sheet


@pytest.mark.parametrize("name", VIEWS)
def test_view_looks_as_kept(name, pages, chromium, tmp_path):
    which, window, mode, action = VIEWS[name]
    with shown(chromium, pages(which), window, mode, action) as page:
        found = shot(page, window)
    if RENEW:
        KEPT.mkdir(exist_ok=True)
        few = found.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(KEPT / f"{name}.png", optimize=True)
    expected = kept(name)
    if not same(expected, found):
        beside(expected, found).save(tmp_path / f"{name}.png")
        pytest.fail(f"view {name!r} differs: shares {shares(expected, found)}, see {tmp_path / f'{name}.png'}")


#: Faults that the comparison must see in a view.
FAULTS = {
    "panel gone": ("network", "document.querySelector('.sg-panel').style.display = 'none'"),
    "map moved by 40 pixels": ("network", f"{APP}.map.panBy([40, 0], {{ animate: false }})"),
    "no sites": ("network", (f"['mine', 'refinery', 'factory'].forEach((kind) => {APP}.state.hidden.add(kind)); "
                             f"{APP}.redraw()")),
    "no sea lanes": ("network", f"{APP}.state.hidden.add('lanes'); {APP}.redraw()"),
    "legend folded": ("difference", "document.querySelector('.sg-legend').open = false"),
    "no popup": ("popup", f"{APP}.map.closePopup()"),
    "other table": ("table", f"{APP}.table.show(1)"),
    "light for dark": ("dark", "document.documentElement.setAttribute('data-mode', 'light')"),
    "nothing chosen": ("failure", f"{APP}.choose(null)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_seen(fault, pages, chromium):
    name, action = FAULTS[fault]
    which, window, mode, before = VIEWS[name]
    with shown(chromium, pages(which), window, mode, f"{before}; {action}") as page:
        assert not same(kept(name), shot(page, window)), shares(kept(name), shot(page, window))


@pytest.mark.parametrize(("scale", "font"), [(1.5, ""), (1, '"Liberation Sans", "DejaVu Sans", sans-serif')])
def test_another_smoothing_and_another_font_are_no_faults(scale, font, pages, chromium):
    which, window, mode, _ = VIEWS["network"]
    action = f"document.documentElement.style.setProperty('--font', '{font}')" if font else ""
    with shown(chromium, pages(which), window, mode, "") as page:
        usual = shot(page, window)
    with shown(chromium, pages(which), window, mode, action, scale=scale) as page:
        other = shot(page, window)
    assert same(usual, other), shares(usual, other)
