from __future__ import annotations

import io
import json
import re

import folium
import maptoys
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplygraph import facts
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.maps import layers, map_network
from supplygraph.maps.pack import Reader, Writer, pack, percents, same, short, unpack, unshort
from supplygraph.maps.scenarios import prepare
from supplygraph.maps.theme import TIERS
from supplygraph.scenario.alignment import forge

CLOSED = {"name": "Suez closed", "shipments": maptoys.shipments(suez=False), "closed": ["suez"]}


def payload(scenarios=(CLOSED,), **options):
    net = maptoys.network()
    return layers.Payload(net, prepare(net, scenarios), **options).build()


def node(data, name):
    return next(row for row in data["nodes"] if row[0] == name)


def states(reader, count):
    """One value per scenario, as the page reads them."""
    if count == 1:
        return [reader.plain()]
    written = [reader.plain() for _ in range(reader.plain())]
    if len(written) == count:
        return written
    return [dict(zip(written[1::2], written[2::2], strict=True)).get(i, written[0]) for i in range(count)]


def flow(data, name):
    """Tonnes through a node by scenario."""
    written, count = node(data, name)[7], len(data["scenarios"])
    return [unshort(n) for n in states(Reader(written), count)] if isinstance(written, str) else [written] * count


def load(reader, data):
    """What a line carries: mostly reported or not, then per product tonnes there and back, low and high."""
    head, count, unit, out = reader.plain(), len(data["scenarios"]), data["unit"], {}
    for _ in range(head // 2):
        mark = reader.plain()
        ways = [[unit * n for n in states(reader, count)] if mark & way else [0.0] * count for way in (1, 2)]
        now = sum(way[0] for way in ways)
        out[mark // 8] = (*ways, *([reader.plain() * now / 100 for _ in range(2)] if mark & 4 else [None, None]))
    return head % 2, out


def legs(data):
    reader, out = Reader(data["legs"]), {}
    while not reader.done:
        ends = frozenset(data["nodes"][reader.plain()][0] for _ in range(2))
        mode = data["words"][reader.plain()]
        out[ends] = (mode, *load(reader, data))
    return out


def chains(data):
    """Points in hundredths of a degree, and what the line carries."""
    reader, out, at = Reader(data["chains"]), [], (0, 0)
    while not reader.done:
        points = []
        for _ in range(reader.plain()):
            at = (at[0] + reader.signed(), at[1] + reader.signed())
            points.append(at)
        out.append((points, *load(reader, data)))
    return out


def links(data):
    reader, a, out = Reader(data["links"]), 0, {}
    while not reader.done:
        a += reader.plain()
        b, mark = reader.plain(), reader.plain()
        tonnes = [unshort(n) for n in states(reader, len(data["scenarios"]))]
        bounds = [reader.plain() * tonnes[0] / 100 for _ in range(2)] if mark & 2 else None
        out[data["nodes"][a][0], data["nodes"][b][0]] = (mark >> 2, mark & 1, bounds, tonnes)
    return out


def test_sites_carry_the_larger_of_in_and_out():
    data = payload()
    assert flow(data, "mine-a") == [900, 850]
    assert flow(data, "ref-a") == [800, 800]
    assert flow(data, "fac-b") == [500, 430]


def test_ports_and_straits_count_each_shipment_once():
    data = payload()
    assert flow(data, "CNNGB") == [1600, 1580]
    assert flow(data, "malacca") == [900, 880]
    assert flow(data, "suez") == [500, 0]
    assert flow(data, "good_hope") == [0, 430]


def test_straits_tell_who_depends_on_them():
    data = payload()
    place = {row[0]: i for i, row in enumerate(data["nodes"])}
    assert data["straits"][str(place["suez"])] == [["DEU", 1, 250, 0.5], ["FIN", 0, 250, 1.0]]


def test_countries_show_their_share_of_refining():
    data = payload()
    assert data["countries"]["CHN"][2] == [0.6667, 0.6903]
    assert data["countries"]["CHN"][1] == {"refining": 800}
    assert data["countries"]["COD"][2] == 0


def test_lines_that_were_mostly_reported_say_so():
    data = payload()
    assert legs(data)[frozenset({"mine-a", "TZDAR"})][:2] == ("rail", 1)
    assert legs(data)[frozenset({"ref-b", "FIKOK"})][:2] == ("road", 0)


def test_lines_carry_tonnes_each_way_and_the_sums_of_the_bounds_along_them():
    data = payload()
    mode, reported, carried = legs(data)[frozenset({"ref-b", "FIKOK"})]
    assert (mode, reported) == ("road", 0)
    ore, metal = carried[0], carried[1]
    assert ore in (([0, 0], [250, 200], 175, 350), ([250, 200], [0, 0], 175, 350))
    assert metal[2:] == (175, 350)
    assert {tuple(way) for way in metal[:2]} == {(0, 0), (250, 200)}
    # Every shipment has bounds of 0.7 and 1.4 times its tonnes, so every sum has.
    assert len(chains(data)) > 10
    for there, back, low, high in (found for _, _, carried in chains(data) for found in carried.values()):
        now = there[0] + back[0]
        assert (low, high) == (pytest.approx((0.7 * now, 1.4 * now), abs=0.02 * now) if now else (None, None))


@pytest.mark.parametrize("column", ["flow_low_t", "flow_high_t"])
def test_a_line_without_a_bound_has_no_interval(column):
    table = maptoys.shipments()
    table.loc[table["origin"] == "p-mine-a", column] = float("nan")
    net = type(maptoys.network())(**maptoys.tables() | {"shipments": table})
    data = layers.Payload(net, prepare(net, [])).build()
    found = legs(data)
    assert found[frozenset({"mine-a", "TZDAR"})][2][0][2:] == (None, None)
    assert found[frozenset({"ref-b", "FIKOK"})][2][0][2:] == (None, None)
    assert found[frozenset({"ref-b", "FIKOK"})][2][1][2:] == (175, 350)
    assert links(data)["mine-a", "ref-a"][2] is None
    assert links(data)["mine-b", "ref-a"][2] == [105, 210]


@given(st.floats(0, 1), st.floats(1e-3, 1e9), st.floats(1, 40))
def test_bounds_are_never_drawn_tighter(low, value, high):
    found = percents(low * value, value, high * value)
    assert found[0] / 100 * value <= low * value * (1 + 1e-7)
    assert found[1] / 100 * value >= high * value * (1 - 1e-7)
    assert found[1] - found[0] <= 100 * (high - low) + 2.01


def test_links_show_tonnes_interval_and_basis():
    found = links(payload())
    assert found["mine-a", "ref-a"] == (0, 1, [455, 910], [650, 650])
    assert found["mine-a", "ref-b"] == (0, 0, [175, 350], [250, 200])


def test_key_figures_are_made_where_none_are_given():
    data = payload()
    assert data["scenarios"][0]["kpis"][:2] == [["Delivered", "1\u2009200 t"], ["Largest refiner", "China 67 %"]]
    given = payload([CLOSED | {"kpis": {"Lost": 70.25}}])
    assert given["scenarios"][1]["kpis"] == [["Lost", "70.2"]]


def test_alignment_fills_countries_beyond_the_network():
    drawn = map_network(maptoys.network(), alignment=forge())
    assert drawn.payload["tiers"]["NZL"]
    assert set(drawn.payload["tiers"].values()) <= set(TIERS)


def test_one_product_alone():
    data = payload(product="metal")
    assert [row[0] for row in data["products"]] == ["metal"]
    assert flow(data, "suez") == [250, 0]
    with pytest.raises(UnknownNameError, match="metal"):
        payload(product="metall")


@pytest.mark.parametrize("given", [
    {"name": "x"}, {"shipments": maptoys.shipments()}, CLOSED | {"extra": 1}, CLOSED | {"closed": ["nowhere"]},
    CLOSED | {"restricted": ["China"]},
    CLOSED | {"shipments": maptoys.shipments().drop(columns="flow_t")}, 7,
])
def test_scenarios_that_are_not_whole_are_refused(given):
    with pytest.raises(DataError) as caught:
        map_network(maptoys.network(), scenarios=[CLOSED, given])
    assert len(caught.value.report) == 1
    assert "scenario 2" in str(caught.value)


def test_values_are_written_in_the_shortest_way():
    assert same([5, 5, 5]) == 5
    assert same([5, 6]) == [5, 6]
    assert same([5, 5, 7, 5]) == [5, 2, 7]
    assert same([float("nan"), 123456]) == [None, 123500]


@given(st.lists(st.integers(-(2**40), 2**40)))
def test_packed_numbers_come_back(numbers):
    assert unpack(pack(numbers)) == numbers


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2**40))))
def test_numbers_with_and_without_sign_come_back_in_turn(rows):
    writer = Writer()
    for signed, number in rows:
        if signed:
            writer.signed(-number)
        else:
            writer.plain(number)
    reader = Reader(writer.text())
    assert [-reader.signed() if signed else reader.plain() for signed, _ in rows] == [number for _, number in rows]
    assert reader.done


@given(st.floats(1e-5, 1e9))
def test_quantities_keep_three_digits(value):
    assert unshort(short(value)) == pytest.approx(value, rel=0.0051, abs=1e-8)


def test_coasts_stay_where_they_are_on_a_coarser_grid():
    fine = json.loads(facts.path("geo/countries.topojson").read_text(encoding="utf-8"))
    coarse = layers.world()
    for steps, text in zip(fine["arcs"], coarse["arcs"], strict=True):
        true = np.cumsum(steps, axis=0) * fine["transform"]["scale"] + fine["transform"]["translate"]
        written = np.cumsum(np.reshape(unpack(text), (-1, 2)), axis=0) * coarse["transform"]["scale"]
        assert np.abs(written[[0, -1]] - true[[0, -1]]).max() <= 0.0126
        assert all(np.abs(true - point).max(axis=1).min() <= 0.0126 for point in written)
        assert len(written) >= 2
    assert len({shape["iso"] for shape in coarse["shapes"]}) > 230


def test_same_network_same_bytes(tmp_path):
    texts = []
    for shuffled in (False, True):
        parts = maptoys.tables()
        if shuffled:
            parts = {name: frame.sample(frac=1, random_state=1) for name, frame in parts.items()}
        net = type(maptoys.network())(**parts)
        drawn = map_network(net, scenarios=[CLOSED])
        folium.PolyLine([[0, 0], [10, 10]]).add_to(drawn)
        texts.append(drawn.save_html(tmp_path / "map.html").read_bytes())
    assert texts[0] == texts[1]


def test_the_file_asks_for_nothing(tmp_path):
    text = map_network(maptoys.network()).save_html(tmp_path / "map.html").read_text()
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 4


def test_it_is_a_folium_map():
    drawn = map_network(maptoys.network())
    assert isinstance(drawn, folium.Map)
    buffer = io.BytesIO()
    drawn.save(buffer)
    assert buffer.getvalue() == drawn.to_html().encode()
    assert "srcdoc=" in drawn._repr_html_()
    assert "srcdoc=" in drawn.get_root().render()


def test_plain_folium_layers_can_be_added(tmp_path, opened):
    drawn = map_network(maptoys.network())
    group = folium.FeatureGroup("mine").add_to(drawn)
    folium.CircleMarker([10, 100], radius=20, color="#ff0000").add_to(group)
    folium.GeoJson({"type": "Point", "coordinates": [90, 10]}, marker=folium.CircleMarker()).add_to(drawn)
    drawn.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert view.evaluate("() => document.querySelectorAll('path.leaflet-interactive').length") == 2
        assert seen.nothing, seen


@pytest.mark.parametrize("layer", [
    folium.TileLayer("OpenStreetMap"), folium.Marker([0, 0]), folium.CircleMarker([0, 0], tooltip="x"),
    folium.CircleMarker([0, 0], popup="x"), folium.FeatureGroup("<b>x"),
    folium.PolyLine([[0, 0], [1, 1]], color="{{7}}"),
    folium.LayerControl(), folium.Element("<p>x</p>"),
], ids=lambda layer: type(layer).__name__)
def test_layers_with_code_or_addresses_are_named_and_refused(layer, tmp_path):
    drawn = map_network(maptoys.network())
    drawn.add_child(layer)
    with pytest.raises(DataError, match="layer"):
        drawn.save_html(tmp_path / "map.html")
    assert not list(tmp_path.iterdir())


def test_refused_layers_go_in_on_request(tmp_path):
    drawn = map_network(maptoys.network())
    folium.CircleMarker([0, 0], tooltip="x").add_to(drawn)
    text = drawn.save_html(tmp_path / "map.html", allow_layers=True).read_text()
    assert "bindTooltip" in text


def test_scenarios_difference_and_search_work_by_keyboard(tmp_path, opened):
    drawn = map_network(maptoys.network(), scenarios=[CLOSED])
    drawn.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        view.focus("#sg-scenario")
        view.keyboard.press("ArrowRight")
        assert view.inner_text(".sg-scenario") == "Suez closed"
        assert "1\u2009130 t" in view.inner_text(".sg-figures")
        view.get_by_role("button", name="Difference").press("Enter")
        assert "less than today" in view.inner_text(".sg-legend").lower()
        view.get_by_role("combobox", name="Find a site or country").fill("northern")
        view.keyboard.press("Enter")
        popup = view.inner_text(".leaflet-popup-content")
        assert "Northern Refinery" in popup
        assert "A yearbook" in popup
        assert "Toy Co" in popup
        assert seen.nothing, seen


def test_the_page_adds_nothing_to_the_global_scope_but_leaflet(tmp_path, opened):
    map_network(maptoys.network()).save_html(tmp_path / "map.html")
    (tmp_path / "blank.html").write_text("<!DOCTYPE html><div id=map></div><div id=page></div>")
    names = {}
    for name in ("map", "blank"):
        with opened(tmp_path / f"{name}.html") as (view, _):
            names[name] = set(view.evaluate("() => Object.getOwnPropertyNames(window)"))
    assert names["map"] - names["blank"] == {"L", "leaflet", "_leaflet_events"}


def test_every_control_has_a_name(tmp_path, opened):
    drawn = map_network(maptoys.network(), scenarios=[CLOSED])
    drawn.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, _):
        nameless = view.evaluate("""() => [...document.querySelectorAll('button, input, select, a, summary')].filter(
          (e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.title || (e.labels && e.labels.length)),
        ).length""")
        assert nameless == 0


def test_the_table_is_saved_as_csv_without_formulas(tmp_path, opened):
    net = maptoys.network(names={"ref-a": "=1+2", "ref-b": 'comma, "quote"'})
    map_network(net, scenarios=[CLOSED]).save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, _):
        view.get_by_role("button", name="Table").click()
        with view.expect_download() as waiting:
            view.get_by_role("button", name="Download CSV").click()
        text = waiting.value.path().read_text(encoding="utf-8-sig")
    assert "'=1+2,Refinery,China,Toy Co,Operating,Medium," in text
    assert '"comma, ""quote"""' in text


def test_lines_across_the_pacific_are_whole(tmp_path, opened):
    map_network(maptoys.network()).save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, _):
        widest = view.evaluate("""() => Math.max(...document.getElementById('map').supplyMap.data.lanes.flatMap(
          (lane) => lane.points.slice(1).map((p, i) => Math.abs(p[0] - lane.points[i][0]))))""")
    assert widest < 20


@pytest.mark.parametrize("where", ["notebook", "figure"])
def test_it_shows_framed(where, tmp_path, opened):
    drawn = map_network(maptoys.network())
    text = drawn._repr_html_() if where == "notebook" else drawn.get_root().render()
    (tmp_path / "host.html").write_text(f"<!DOCTYPE html><body>{text}</body>")
    with opened(tmp_path / "host.html") as (view, seen):
        frame = view.frames[1]
        frame.wait_for_selector(".sg-canvas")
        assert frame.inner_text("h1").startswith("Toyium")
        assert seen.nothing, seen


def test_country_popup_by_a_click(tmp_path, opened):
    map_network(maptoys.network()).save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, _):
        place = view.evaluate("""() => {
          const { map } = document.getElementById('map').supplyMap;
          map.setView([33, 100], 5, { animate: false });
          return map.latLngToContainerPoint([35, 92]);
        }""")
        view.mouse.click(place["x"], place["y"])
        assert "China" in view.inner_text(".leaflet-popup-content")
        assert "67 %" in view.inner_text(".leaflet-popup-content")
