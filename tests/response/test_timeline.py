"""Shocks over time: each day is the rerouting of that day, and the map has a stop for each."""

from __future__ import annotations

import datetime as dt

import maptoys
import pytest

from supplygraph.errors import DataError
from supplygraph.response.reroute import reroute
from supplygraph.response.timeline import timeline
from supplygraph.scenario.shock import Shock
from supplygraph.world.datasets import load

NOW = "() => [...document.querySelectorAll('.sg-steps span')].findIndex((step) => step.className === 'sg-now')"
STEPS = {
    "2026-06-01": None,
    "2026-01-01": Shock.close(passage="suez"),
    "2026-03-01": Shock.close(node="ref-a") + Shock.close(node="ref-b"),
}


def test_every_day_is_its_own_rerouting():
    net = maptoys.network()
    told = timeline(net, STEPS, ramp=None)
    assert list(told.table.index) == sorted(STEPS)
    for day, shock in STEPS.items():
        plan = reroute(net, shock, ramp=None)
        assert told.table.loc[day, "unmet_t"] == plan.figures["unmet_t"]
        assert told.plans[day].unmet.equals(plan.unmet)
    assert told.table["unmet_t"].max() > 0
    assert told.table.loc["2026-06-01", "shock"] == "nothing"
    assert not told.table["upper_bound"].any()


def test_days_can_be_limited_and_must_be_days():
    net = maptoys.network()
    assert list(timeline(net, STEPS, since="2026-02-01", until=dt.date(2026, 5, 1)).table.index) == ["2026-03-01"]
    with pytest.raises(DataError, match="no day to ask about"):
        timeline(net, STEPS, since="2027-01-01")
    with pytest.raises(DataError, match="no built-in restriction"):
        timeline(net)
    with pytest.raises(DataError) as caught:
        timeline(net, {"tomorrow": None, "2026-13-01": None})
    assert len(caught.value.report) == 2
    with pytest.raises(DataError, match="since"):
        timeline(net, STEPS, since="soon")


def test_built_in_restrictions_hold_from_their_start_to_their_end():
    told = timeline(load("antimony"), since="2024-01-01")
    licence, ban, after = (told.table.loc[day, "events"] for day in ("2024-09-15", "2024-12-03", "2025-11-09"))
    assert licence == after == "china-antimony-licence-2024"
    assert set(ban.split(";")) == {"china-antimony-licence-2024", "china-usa-ban-2024"}
    assert told.table["upper_bound"].all()
    assert "upper bounds" in told.explain()


def test_the_map_has_a_stop_for_each_day(tmp_path, opened):
    told = timeline(maptoys.network(), STEPS, ramp=None)
    drawn = told.map()
    assert [scenario.get("date") for scenario in drawn.payload["scenarios"]] == [None, *sorted(STEPS)]
    drawn.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert view.locator(".sg-steps span").count() == 4
        view.locator("#sg-scenario").focus()
        for _ in range(2):
            view.keyboard.press("ArrowRight")
        assert view.inner_text(".sg-scenario").startswith("2026-03-01")
        assert view.evaluate(NOW) == 2
        view.get_by_role("button", name="Play").click()
        view.wait_for_function("() => document.getElementById('map').supplyMap.state.scenario === 3")
        view.wait_for_function("() => document.querySelector('.sg-play').textContent === 'Play'")
        assert seen.nothing, seen


def test_the_chart_has_a_bar_for_each_day():
    told = timeline(maptoys.network(), STEPS, ramp=None)
    axes = told.plot()
    widths = [bar.get_width() for bar in axes.patches if bar.get_gid() == "bar"]
    most = max(told.table["unmet_t"])
    assert [width / max(widths) for width in widths] == pytest.approx(list(told.table["unmet_t"] / most))
    names = [text.get_text() for text in axes.texts if text.get_gid() == "name"]
    assert [name[:10] for name in names] == sorted(STEPS)
