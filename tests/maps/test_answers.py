"""Answers on the map: sizes of sites, fills of countries, rerouting as a slider."""

from __future__ import annotations

import maptoys
import pandas as pd
import pytest

from supplygraph.errors import DataError
from supplygraph.maps import map_result
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.concentration import concentration
from supplygraph.response.reroute import reroute
from supplygraph.results import Result
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


@pytest.mark.parametrize("by", ["node", "passage"])
def test_chokepoints_size_sites_by_loss_and_tell_days(by):
    drawn = map_result(chokepoints(maptoys.network(), by=by))
    answer = drawn.payload["answer"]
    assert "straits: extra days" in answer["label"]
    labels = [label for label, _ in answer["rows"][places(drawn)["malacca"]]]
    assert {"Lost if it fails", "Extra days", "Goes through"} <= set(labels)


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


def test_an_answer_without_a_network_is_refused():
    told = Result(title="x", table=pd.DataFrame({"share": [1.0]}, index=pd.Index(["CHN"], name="country")))
    with pytest.raises(DataError, match="network"):
        map_result(told)
