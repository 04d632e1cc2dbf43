"""Base maps: by name, on request, from their own hosts alone; without the network the bundled shapes."""

from __future__ import annotations

import io
import re

import maptoys
import pytest
from PIL import Image
from xyzservices import providers

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.maps import map_network, map_result, page
from supplygraph.maps.theme import LIGHT
from supplygraph.maps.tiles import named, of
from supplygraph.measures.concentration import concentration

APP = "document.getElementById('map').supplyMap"
HOSTS = [f"https://{part}.tile.opentopomap.org" for part in "abc"]
#: Whether the middle of the sea is painted over: 255 hides what lies under the canvas.
ALPHA = """() => document.querySelector('.sg-canvas').getContext('2d').getImageData(500, 700, 1, 1).data[3]"""
SEEN_TILES = """() => [...document.querySelectorAll('.leaflet-tile')]
  .filter((tile) => getComputedStyle(tile).visibility !== 'hidden').length"""


def policy_of(text):
    return re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)


def test_the_policy_admits_pictures_of_the_tile_hosts_and_nothing_else():
    plain = map_network(maptoys.network()).to_html()
    tiled = map_network(maptoys.network(), tiles="OpenTopoMap").to_html()
    hashes = r"('sha256-[^ ]+' ?)+"
    allowed = re.sub(hashes, "HASHES", policy_of(tiled))
    assert allowed == (
        f"default-src 'none'; img-src data: blob: {' '.join(HOSTS)}; style-src HASHES; script-src HASHES; "
        "connect-src 'none'; font-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
    )
    assert "img-src data: blob:;" in policy_of(plain)
    assert "http" not in policy_of(plain)
    assert "tileLayer(address" not in plain
    assert "; img-src data: blob: https://a.org; " in page.policy([], [], pictures=["https://a.org"])


def test_names_may_be_spelt_as_one_likes():
    assert named("open-topo map") == named("OpenTopoMap")
    assert named("OpenStreetMap").hosts == ("https://tile.openstreetmap.org",)
    assert named("OpenTopoMap").hosts == tuple(HOSTS)
    assert named("Esri.WorldGrayCanvas").address.endswith("/Canvas/World_Light_Gray_Base/MapServer/tile/{z}/{y}/{x}")


@pytest.mark.parametrize(("name", "error", "words"), [
    ("OpenTopoMapp", UnknownNameError, "Did you mean 'OpenTopoMap'"),
    ("esri", UnknownNameError, "Known: Esri.NatGeoWorldMap, Esri.OceanBasemap"),
    ("https://example.org/{z}/{x}/{y}.png", UnknownNameError, "unknown tiles"),
    ("Thunderforest.Landscape", DataError, "need a key"),
    ("Stadia.OSMBright", DataError, "account"),
    ("TopPlusOpen.Color", DataError, "https"),
    ("NASAGIBS.BlueMarble3413", DataError, "EPSG:3413"),
    ("NASAGIBS.ModisTerraChlorophyll", DataError, "broken"),
])
def test_tiles_that_cannot_be_used_are_refused_with_the_reason(name, error, words):
    with pytest.raises(error, match=re.escape(words)):
        map_network(maptoys.network(), tiles=name)


def test_every_provider_is_either_safe_or_refused():
    usable = 0
    for provider in providers.flatten().values():
        try:
            tiles = of(provider)
        except DataError:
            continue
        usable += 1
        assert set(re.findall(r"\{(\w+)\}", tiles.address)) <= {"s", "x", "y", "z", "r"}
        assert all(re.fullmatch(r"https://[a-zA-Z0-9.-]+(:\d+)?", host) for host in tiles.hosts), tiles
        assert tiles.attribution
        assert not re.search(r"key|token", tiles.address, re.IGNORECASE), tiles
    assert usable > 100


def test_answers_take_tiles_too():
    assert map_result(concentration(maptoys.network()), tiles="OpenTopoMap").tiles == named("OpenTopoMap")


def test_without_the_network_the_page_looks_as_ever(tmp_path, opened):
    shots = {}
    for name, tiles in (("plain", None), ("tiled", "OpenTopoMap")):
        map_network(maptoys.network(), tiles=tiles).save_html(tmp_path / f"{name}.html")
        with opened(tmp_path / f"{name}.html") as (view, seen):
            view.wait_for_timeout(300)
            assert view.evaluate(ALPHA) == 255
            shots[name] = view.evaluate("() => document.querySelector('.sg-canvas').toDataURL()")
            if tiles is None:
                assert seen.nothing, seen
                continue
            assert seen.requests
            assert all(url.startswith(tuple(f"{host}/" for host in HOSTS)) for url in seen.requests), seen.requests
            assert all("ERR_INTERNET_DISCONNECTED" in error for error in seen.errors), seen.errors
            assert view.evaluate(SEEN_TILES) == 0
            assert "OpenTopoMap (CC-BY-SA)" in view.inner_text(".sg-credit")
    assert shots["plain"] == shots["tiled"]


def test_tiles_show_under_lines_and_fills_and_can_be_switched_off(tmp_path, opened):
    map_network(maptoys.network(), tiles="OpenTopoMap").save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        view.context.route("https://*.tile.opentopomap.org/**", lambda route: route.fulfill(
            body=green(), content_type="image/png"))
        view.evaluate(f"() => {{ {APP}.map.setView([10, 150], 2.7, {{ animate: false }}); }}")
        view.wait_for_selector(".leaflet-tile-loaded")
        assert view.evaluate(ALPHA) < 160
        # Pictures have the bundled shapes: nothing of the provider's goes into a file.
        for sheet in ("print", "screen"):
            drawing = view.evaluate(f"() => {APP}.canvas.picture('svg', '{sheet}')")
            assert f'fill="{LIGHT.colours["ocean"]}"/>' in drawing
            assert "opentopomap" not in drawing.lower()
        # Fractional zoom, and longitudes beyond the date line: every tile that is asked for exists.
        assert all(re.search(r"/3/[0-7]/[0-7]\.png$", url) for url in seen.requests if "/3/" in url)
        view.evaluate(f"() => {APP}.state.hidden.add('tiles') && {APP}.refresh()")
        assert view.evaluate(ALPHA) == 255
        assert "OpenTopoMap" not in view.inner_text(".sg-credit")
        before = len(seen.requests)
        view.evaluate(f"() => {{ {APP}.map.setView([10, 100], 4, {{ animate: false }}); }}")
        view.wait_for_timeout(150)
        assert len(seen.requests) == before
        assert not any("CSP" in error for error in seen.errors), seen.errors


def green():
    with io.BytesIO() as buffer:
        Image.new("RGB", (256, 256), "#80c080").save(buffer, "PNG")
        return buffer.getvalue()


def test_openstreetmap_is_not_asked_by_a_file_from_disk(tmp_path, opened):
    map_network(maptoys.network(), tiles="OpenStreetMap").save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert "answers only pages with a web address" in view.inner_text(".sg-credit")
        assert seen.nothing, seen
        view.context.route("https://supplygraph.test/**", lambda route: route.fulfill(
            body=(tmp_path / "map.html").read_bytes(), content_type="text/html; charset=utf-8"))
        asked = []
        view.context.route("https://tile.openstreetmap.org/**", lambda route: (
            asked.append(route.request.all_headers()), route.fulfill(body=green(), content_type="image/png")))
        view.goto("https://supplygraph.test/map.html")
        view.wait_for_selector(".leaflet-tile-loaded")
        # They ask who asks: the origin, and not which page.
        assert {headers.get("referer") for headers in asked} == {"https://supplygraph.test/"}
        assert "© OpenStreetMap contributors" in view.inner_text(".sg-credit")
