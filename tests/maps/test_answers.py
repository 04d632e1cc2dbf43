"""Answers on the map: sizes of sites, fills of countries, rerouting as a slider."""

from __future__ import annotations

import maptoys
import pandas as pd
import pytest

from supplygraph.errors import DataError
from supplygraph.maps import map_network, map_result
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.concentration import concentration
from supplygraph.response.alternatives import alternatives
from supplygraph.response.frontier import alignment_frontier
from supplygraph.response.reroute import reroute
from supplygraph.results import Result
from supplygraph.scenario.alignment import forge
from supplygraph.scenario.shock import Shock


def places(drawn):
    return {row[0]: str(i) for i, row in enumerate(drawn.payload["nodes"])}


def test_concentration_fills_countries():
    told = concentration(maptoys.network())
    drawn = map_result(told)
    assert drawn.payload["fill"] == "answer"
    assert drawn.payload["answer"]["shares"]["CHN"] == pytest.approx(told.table.loc["CHN", "share"], abs=1e-4)
    assert drawn.title == told.title


def test_centrality_sizes_refineries():
    told = refining_centrality(maptoys.network())
    drawn = map_result(told)
    sizes = drawn.payload["answer"]["sizes"]
    assert sizes[places(drawn)["ref-a"]] == 1.0
    assert places(drawn)["mine-a"] not in sizes


def test_rerouting_becomes_a_slider(tmp_path, opened):
    told = reroute(maptoys.network(), Shock.close(passage="suez"))
    drawn = told.map()
    today, after = drawn.payload["scenarios"]
    assert today["name"] == "Today"
    assert after["name"] == "Suez Canal closed"
    assert after["closed"] == [int(places(drawn)["suez"])]
    assert "Unmet demand" in dict(after["kpis"])
    told.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        view.get_by_role("button", name="Side by side").click()
        assert view.locator(".sg-canvas").count() == 2
        view.get_by_role("button", name="Difference").click()
        assert view.inner_text(".sg-scenario") == "Suez Canal closed"
        assert seen.nothing, seen


@pytest.fixture(scope="module")
def short():
    """The refinery that most factories hang on stands still."""
    return reroute(maptoys.network(), Shock.close(node="ref-a"), alignment=forge("2026-07-01"), require="linked")


def test_a_rerouting_shows_who_goes_without(short, tmp_path, opened):
    told = short.unmet.query("unmet_t > 0").sort_values("unmet_t", ascending=False)
    assert len(told) > 1
    payload = short.map().payload
    today, after = payload["scenarios"]
    assert today["short"] == []
    index = places(short.map())
    assert [row[0] for row in after["short"]] == [int(index[node]) for node in told.index]
    for row, (_, factory) in zip(after["short"], told.iterrows(), strict=True):
        assert row[1:3] == pytest.approx([factory["demand_t"], factory["unmet_t"]], rel=1e-3)
    short.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert view.locator(".sg-losers li").count() == 0
        view.evaluate("() => document.getElementById('map').supplyMap.set({ scenario: 1 })")
        rows = view.locator(".sg-losers ol").first.locator("li")
        assert [rows.nth(i).locator("button").inner_text() for i in range(len(told))] == told["name"].tolist()
        assert f"{told['unmet_t'].iloc[0] / told['demand_t'].iloc[0]:.0%}".rstrip("%") in rows.first.inner_text()
        assert "Red arc: share of demand unmet" in view.inner_text(".sg-legend")
        assert "Hollow: stands still" in view.inner_text(".sg-legend")
        rows.first.locator("button").click()
        assert "Goes without" in view.inner_text(".leaflet-popup-content")
        view.wait_for_function(  # the caption hides no name, once the map has moved
            """() => {
                const top = (name) => document.querySelector(name).getBoundingClientRect().top;
                return top('.leaflet-popup-content h3') > top('.sg-caption') + 24;
            }""", timeout=5000,
        )  # fmt: skip
        view.get_by_role("button", name="Table").click()
        view.get_by_role("button", name="Goes without").click()
        cells = view.locator(".sg-table tbody tr").first.locator("td").all_inner_texts()
        assert cells[0] == told["name"].iloc[0]
        assert float(cells[-1].replace("\u2009", "")) == pytest.approx(told["unmet_t"].iloc[0], rel=5e-3)
        assert seen.nothing, seen


def test_figures_stand_before_and_after(short):
    today, after = (dict(state["kpis"]) for state in short.map().payload["scenarios"])
    assert today["Unmet demand"].startswith("0")
    assert f"{100 * short.unmet_t / short.demand_t:.0f}\u00a0%" in after["Unmet demand"]
    for label, name in (("Freight per tonne", "cost_usd_t"), ("Days per tonne", "days"), ("Way per tonne", "km")):
        for state, when in ((today, "before"), (after, "after")):
            shown = float(state[label].split(" ")[0].replace("\u2009", ""))
            assert shown == pytest.approx(short.figures[f"{when}_{name}"], rel=5e-3)


def test_the_scenario_names_its_rules():
    net, zone = maptoys.network(), forge("2026-07-01")
    told = reroute(net, Shock.close(passage="suez"), alignment=zone, cap={"country": 0.65}, prefer=100.0, by="owner")
    name = told.map().payload["scenarios"][1]["name"]
    assert name == ("Suez Canal closed; zone takes at most 65 % from one country; zone pays 100 USD/t for each tier "
                    "nearer; by owner")


def test_countries_whose_exports_are_limited_are_outlined(tmp_path, opened):
    after = {"name": "A ban", "shipments": maptoys.shipments(), "restricted": ["CHN"]}
    map_network(maptoys.network(), scenarios=[after]).save_html(tmp_path / "map.html")
    red = """() => {
      const { canvas } = document.getElementById('map').supplyMap.canvas;
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) count += data[i] > 150 && data[i + 1] < 60 && data[i + 2] < 70;
      return count;
    }"""
    with opened(tmp_path / "map.html") as (view, _):
        before = view.evaluate(red)
        view.evaluate("() => document.getElementById('map').supplyMap.set({ scenario: 1 })")
        assert view.evaluate(red) > before + 100
        assert "Exports limited" in view.inner_text(".sg-legend")


def test_two_maps_have_the_legend_out_of_their_way(short, tmp_path, opened):
    short.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, _):
        is_open = "() => document.querySelector('.sg-legend').open"
        assert view.evaluate(is_open)
        view.get_by_role("button", name="Side by side").click()
        assert not view.evaluate(is_open)
        view.get_by_role("button", name="Difference").click()
        assert view.evaluate(is_open)
        assert "dashed: estimated" in view.inner_text(".sg-legend")


def test_routes_become_steps_of_the_slider():
    told = alternatives(maptoys.network(), "mine-a", "fac-b", k=2, differ="site")
    states = told.map().payload["scenarios"]
    assert len(states) == 1 + told.routes
    assert all(state["name"].startswith("All by route") for state in states[1:])


def test_an_answer_without_places_says_how_to_show_it():
    told = alignment_frontier(maptoys.network(), alignment=forge("2026-07-01"), shares=[0, 1])
    with pytest.raises(DataError, match=r"indexed by `aligned_share`, not by places. Draw it with .plot\(\)"):
        told.map()


def test_an_answer_without_a_network_is_refused():
    told = Result(title="x", table=pd.DataFrame({"share": [1.0]}, index=pd.Index(["CHN"], name="country")))
    with pytest.raises(DataError, match="network"):
        map_result(told)


def test_bounds_stand_behind_the_figure_they_bound():
    from supplygraph.maps.answers import figures

    given = {"hhi": 0.58, "hhi_low": 0.55, "hhi_high": 0.61, "hhi_10000": 5800.0, "top1": 0.7, "top1_low": 0.7,
             "top1_high": 0.7, "lost_low": 3.0, "missing": float("nan")}  # fmt: skip
    told = figures(Result(title="t", table=pd.DataFrame(), figures=given))
    assert told == {"HHI": "0.58 (0.55 to 0.61)", "Largest share": "70 %", "Lost low": "3"}
