"""Pictures out of the map: PNG as on the screen, SVG for print; safe, whole, and the same picture."""

from __future__ import annotations

import base64
import io
import itertools
import re
import xml.etree.ElementTree as ET

import maptoys
import numpy as np
import pytest
from PIL import Image

import supplygraph as sg
from supplygraph.maps import map_network
from supplygraph.maps.theme import DARK, LIGHT

CLOSED = {"name": "Suez closed", "shipments": maptoys.shipments(suez=False), "closed": ["suez"]}
APP = "document.getElementById('map').supplyMap"
SVG = "{http://www.w3.org/2000/svg}"
HIT = "window.HIT=1"
#: Elements that run, load or lead away.
REFUSED = {"script", "style", "image", "use", "a", "foreignObject", "animate", "set"}
#: Names that run, or break the file, where an SVG is pasted together from strings.
HOSTILE = {
    "mine-a": f"<script>{HIT}</script>",
    "mine-b": f"</text></svg><script>{HIT}</script>",
    "ref-a": f'"/><image href="x" onerror="{HIT}"/>',
    "ref-b": "a & b ]]> &lt; <!-- -->",
    "fac-a": "مصفاة الشرق",
    "fac-b": "two  spaces",
    "suez": f"<svg onload={HIT}>",
}


def tree_of(text):
    """Parse, after a look that nothing in the file could expand or reach out."""
    assert not re.search(r"<!DOCTYPE|<!ENTITY|<\?xml-stylesheet", text)
    tree = ET.fromstring(text)  # noqa: S314 - written by the page under test, and without entities
    for node in tree.iter():
        assert node.tag.startswith(SVG), node.tag
        assert node.tag.removeprefix(SVG) not in REFUSED
        for name, value in node.attrib.items():
            bare = name.rsplit("}", 1)[-1]
            assert not bare.startswith("on"), name
            assert bare not in {"href", "style"}, name
            assert "url(" not in value or re.fullmatch(r"url\(#clip-\d+\)", value), value
    return tree


def words(tree):
    return [node.text for node in tree.iter(f"{SVG}text") if node.get("aria-hidden") is None]


def saved(view, name):
    with view.expect_download() as waiting:
        view.get_by_role("button", name=name).click()
    return waiting.value


def picture(view, kind, sheet):
    call = f"{APP}.canvas.picture('{kind}', '{sheet}')"
    if kind == "svg":
        return view.evaluate(f"() => {call}")
    data = view.evaluate(f"() => {call}.toDataURL()").split(",")[1]
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def drawn(opened, path, width, height):
    """Open an SVG as a page and return what Chromium draws."""
    with opened(path, width=width, height=height) as (page, seen):
        shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        assert page.evaluate("() => window.HIT") is None
        assert seen.nothing, seen
        return shot


def difference(a, b):
    """Share of pixels that differ clearly between two pictures, after a slight blur."""
    size = (a.width // 2, a.height // 2)
    one, two = (np.asarray(p.resize(size, Image.Resampling.BOX), dtype=float) for p in (a, b))
    return float((np.abs(one - two).max(axis=2) > 40).mean())


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    path = tmp_path_factory.mktemp("toy") / "map.html"
    return map_network(maptoys.network(), scenarios=[CLOSED], title="Who ships what " * 12).save_html(path)


def test_buttons_save_a_sharp_png_and_a_sheet_of_a4(toy, opened, tmp_path):
    with opened(toy, width=1280, height=800) as (view, seen):
        png, svg = saved(view, "Save PNG"), saved(view, "Save SVG")
        assert (png.suggested_filename, svg.suggested_filename) == ("supply-map.png", "supply-map.svg")
        with Image.open(png.path()) as shot:
            size = shot.size
        rows = view.evaluate(f"() => [...{APP}.legend.rows.querySelectorAll('.sg-row')].map((row) => row.textContent)")
        text = svg.path().read_text(encoding="utf-8")
        assert seen.nothing, seen
    # Twice the pixels of the map, and room above and below it for words.
    assert size[0] == 2 * 1280
    assert 2 * 800 + 200 < size[1] < 2 * 800 + 700
    tree = tree_of(text)
    assert (tree.get("width"), tree.get("height"), tree.get("viewBox")) == ("297mm", "210mm", "0 0 1123 794")
    assert tree.findtext(f"{SVG}title") == ("Who ships what " * 12)
    written = words(tree)
    assert " ".join(written).startswith(" ".join(("Who ships what " * 12).split()))
    assert {"Suez Canal", "Eastern Refinery", "Island Factory"} <= set(written)
    assert "Land: Natural Earth. Map: supplygraph." in written
    told = " ".join(written)
    assert rows
    assert all(" ".join(row.split()) in told for row in rows), rows
    (tmp_path / "a4.svg").write_text(text)
    boxes_apart(opened, tmp_path / "a4.svg")


def boxes_apart(opened, path):
    """No words around the map overlap or leave the sheet."""
    with opened(path, width=1123, height=794) as (view, _):
        boxes = view.evaluate("""() => [...document.querySelectorAll('svg > g > text')].map((t) => {
          const b = t.getBBox(); return [b.x, b.y, b.x + b.width, b.y + b.height, t.textContent]; })""")
    assert len(boxes) > 15
    for box in boxes:
        assert box[0] >= 0, box
        assert box[2] <= 1123, box
        assert box[3] <= 794, box
    for a, b in itertools.combinations(boxes, 2):
        across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        assert across <= 1 or down <= 4, (a, b)


def test_svg_and_png_are_the_same_picture_in_every_view(toy, opened, tmp_path):
    states = {"single": "scenario: 0", "split": "scenario: 1", "difference": "scenario: 1"}
    pairs = {}
    with opened(toy, width=1000, height=700) as (view, seen):
        for mode, state in states.items():
            view.evaluate(f"() => {APP}.set({{ mode: '{mode}', {state} }})")
            pairs[mode] = picture(view, "svg", "screen"), picture(view, "png", "screen")
        assert seen.nothing, seen
    shots = {}
    for mode, (text, png) in pairs.items():
        tree_of(text)
        size = (png.width // 2, png.height // 2)
        pixels = f'width="{size[0]}" height="{size[1]}"'
        (tmp_path / f"{mode}.svg").write_text(re.sub(r'width="[\d.]+mm" height="[\d.]+mm"', pixels, text, count=1))
        shots[mode] = drawn(opened, tmp_path / f"{mode}.svg", *size), png.resize(size, Image.Resampling.BOX)
        assert difference(*shots[mode]) < 0.006, mode
    # The comparison sees more than paper: other views, and the same one moved, differ by much more.
    assert difference(shots["single"][0], shots["difference"][1].resize(shots["single"][0].size)) > 0.02
    moved = Image.fromarray(np.roll(np.asarray(shots["single"][0]), 6, axis=1))
    assert difference(moved, shots["single"][1]) > 0.02


def test_print_is_light_and_the_screen_stays_as_it_was(toy, opened):
    with opened(toy, width=1000, height=700) as (view, _):
        view.locator(".sg-panel").get_by_text("Dark").click()
        before = view.screenshot()
        text, png = picture(view, "svg", "print"), picture(view, "png", "screen")
        assert view.screenshot() == before
    assert tree_of(text).find(f"{SVG}g/{SVG}path").get("fill") == LIGHT.colours["paper"]
    assert DARK.colours["paper"] not in text
    assert "#{:02x}{:02x}{:02x}".format(*png.getpixel((3, 3))) == DARK.colours["paper"]


def test_hostile_text_is_only_text(opened, tmp_path):
    title = f"<script>{HIT}</script>\x07 ${{{HIT}}} {{{{7*7}}}} \ud800!"
    net = maptoys.network(names=HOSTILE)
    after = {**CLOSED, "name": f"<svg onload={HIT}>"}
    map_network(net, scenarios=[after], title=title).save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html", width=1280, height=800) as (view, seen):
        view.evaluate(f"() => {APP}.set({{ scenario: 1 }})")
        text = saved(view, "Save SVG").path().read_text(encoding="utf-8")
        assert seen.nothing, seen
    tree = tree_of(text)
    assert tree.findtext(f"{SVG}title") == title.replace("\x07", "\ufffd").replace("\ud800", "\ufffd")
    written = words(tree)
    for name in HOSTILE.values():
        shown = name if len(name) <= 42 else name[:40] + "…"
        assert any(text.startswith(shown) for text in written), (shown, written)
    assert f"<svg onload={HIT}>" in written
    (tmp_path / "safe.svg").write_text(text)
    drawn(opened, tmp_path / "safe.svg", 1123, 794)
    # A file pasted together from strings runs the same names.
    naive = "".join(f"<text>{name}</text>" for name in list(HOSTILE.values())[:1])
    (tmp_path / "naive.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{naive}</svg>')
    with opened(tmp_path / "naive.svg") as (view, _):
        assert view.evaluate("() => window.HIT") == 1


def test_only_what_is_seen_is_written_and_files_stay_small(opened, tmp_path):
    map_network(sg.load("cobalt")).save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html", width=1280, height=800) as (view, _):
        world = picture(view, "svg", "print")
        view.evaluate(f"() => {{ {APP}.map.setView([-4, 105], 0.8, {{ animate: false }}); }}")
        copies = picture(view, "svg", "print")
        view.evaluate(f"() => {{ {APP}.map.setView([53.5, 9.9], 8, {{ animate: false }}); }}")
        port = picture(view, "svg", "print")
    border = f'stroke="{LIGHT.colours["border"]}"'
    countries = [text.count(border) for text in (world, copies, port)]
    assert 200 < countries[0] < 300
    assert countries[1] < 2 * countries[0]
    assert 1 <= countries[2] < 12
    assert len(world.encode()) < 600_000
    assert len(port.encode()) < 200_000
