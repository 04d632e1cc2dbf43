"""What lies upstream of a factory: every shipment behind its demand, lit on the map, and who stands behind it."""

from __future__ import annotations

import maptoys
import pytest

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.concentration import concentration
from supplygraph.measures.exposure import exposure
from supplygraph.world.ensemble import Ensemble


@pytest.fixture(scope="module")
def told():
    return exposure(maptoys.network())


def test_shipments_behind_a_factory_carry_their_part_of_its_demand(told):
    behind = told.behind("fac-a").set_index(["origin", "destination"])["flow_t"]
    assert behind["p-ref-a", "p-fac-a"] == pytest.approx(550)
    assert behind["p-mine-a", "p-ref-a"] == pytest.approx(550 * 650 / 800)
    assert behind["p-mine-b", "p-ref-a"] == pytest.approx(550 * 150 / 800)
    assert behind["p-mine-b", "p-ref-o"] == pytest.approx(150)
    assert len(behind) == 5
    with pytest.raises(UnknownNameError, match="fac-a"):
        told.behind("fac-c")


def test_each_factory_is_a_scenario_with_its_own_suppliers(told):
    drawn = told.map()
    names = [scenario["name"] for scenario in drawn.payload["scenarios"]]
    assert names == ["Today", "Behind Island Factory", "Behind River Factory"]
    today, island, river = drawn.payload["behind"]
    assert today is None
    assert island["shares"] == {"CHN": round(550 / 700, 4), "KOR": round(150 / 700, 4)}
    assert [row[:2] for row in river["ranked"]] == [["CHN", "China"], ["FIN", "Finland"]]
    place = [row[0] for row in drawn.payload["nodes"]]
    assert (place[island["node"]], place[river["node"]]) == ("fac-a", "fac-b")


def test_rows_choose_whose_supply_is_shown(told):
    assert len(told.map(rows="fac-b").payload["scenarios"]) == 2
    with pytest.raises(UnknownNameError, match="fac-a"):
        told.map(rows=["fac-z"])
    with pytest.raises(DataError, match="nothing to light up"):
        told.map(rows=[])
    with pytest.raises(DataError, match="rows of an exposure"):
        concentration(maptoys.network()).map(rows="fac-a")


def test_straits_and_countries_have_their_pictures():
    straits = exposure(maptoys.network(), to="passage", rows="country").map().payload
    place = [row[0] for row in straits["nodes"]]
    names = [scenario["name"] for scenario in straits["scenarios"]]
    germany = straits["behind"][names.index("Behind Germany")]
    assert {place[row[0]] for row in germany["ranked"]} <= {"malacca", "suez"}
    assert germany["iso"] == "DEU"


def test_lists_carry_intervals_only_where_the_answer_has_them():
    net = maptoys.network()
    plain = concentration(net).map().payload["answer"]
    assert plain["unit"] == "%"
    assert plain["ranked"][0] == ["CHN", "China", 0.6667, None, None]
    drawn = concentration(Ensemble(net, 20, seed=1)).map().payload["answer"]
    assert all(low <= value <= high for _, _, value, low, high in drawn["ranked"])


def test_links_and_blocs_are_drawn():
    net = maptoys.network()
    links = refining_centrality(net, of="edges").map().payload["answer"]
    assert len(links["edges"]) == len(links["ranked"])
    blocs = concentration(net, by="bloc", blocs={"CHN": "East", "KOR": "East", "FIN": "North"}).map().payload["answer"]
    assert blocs["shares"] == {"CHN": 0.7917, "FIN": 0.2083, "KOR": 0.7917}
    assert [row[1] for row in blocs["ranked"]] == ["East", "North"]


READ = """() => {
  const app = document.getElementById('map').supplyMap;
  const { canvas } = app;
  const lit = app.data.lanes.filter((lane) => canvas.shown(lane)).length;
  return { lit, lanes: app.data.lanes.length, title: app.data.answer.label,
    rows: [...document.querySelectorAll('.sg-bar-row')].map((row) => row.innerText.replace(/\\s+/g, ' ').trim()) };
}"""


def test_the_supply_of_one_factory_lights_up(told, tmp_path, opened):
    told.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        island = view.evaluate(READ)
        assert island["rows"] == ["China 79 %", "South Korea 21 %"]
        view.get_by_label("Whose supply").select_option(label="River Factory")
        river = view.evaluate(READ)
        assert river["rows"] == ["China 50 %", "Finland 50 %"]
        assert 0 < island["lit"] < island["lanes"]
        assert 0 < river["lit"] < river["lanes"]
        view.get_by_label("Whose supply").select_option(label="Everybody, today")
        assert view.evaluate(READ)["rows"] == []
        assert seen.nothing, seen


def test_lists_lead_to_their_places(tmp_path, opened):
    net = maptoys.network()
    many = Ensemble(net, 20, seed=1)
    for told in (concentration(many), refining_centrality(net), refining_centrality(net, of="edges")):
        told.save_html(tmp_path / "map.html")
        with opened(tmp_path / "map.html") as (view, seen):
            assert view.locator(".sg-bar-row").count() > 1
            view.locator("button.sg-bar-row").nth(1).click()
            view.evaluate("() => document.getElementById('map').supplyMap.table.open(document.body)")
            assert "Answer" in view.inner_text(".sg-tabs")
            assert seen.nothing, seen
