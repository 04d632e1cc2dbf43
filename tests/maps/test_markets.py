"""Pictures of price instruments: what is drawn is what the tables say, and opens offline without a complaint."""

from __future__ import annotations

import numpy as np
import plotting
import pytest

import supplygraph as sg
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.maps import markets

MAGNET = "magnet_rare_earths-magnet"
LEVEL = 200_000


@pytest.fixture(scope="module")
def net():
    return sg.load("magnet_rare_earths")


@pytest.fixture(scope="module")
def answer(net):
    return sg.equilibrium(net, sg.PriceFloor(MAGNET, LEVEL, (sg.forge("2026-07-01"), "linked")), draws=4)


@pytest.fixture(scope="module")
def sweep(net):
    return sg.price_floor_sweep(net, MAGNET, [160e3, 190e3, 220e3], (sg.forge("2026-07-01"), "linked"), draws=2)


def test_the_map_fills_countries_by_the_rise_and_shows_zone_and_duties(answer, tmp_path, opened):
    path = answer.save_html(tmp_path / "floor.html")
    read = "() => { const {answer, zone, duties} = window.sg.data; return {answer, zone, duties}; }"
    with opened(path) as (page, seen):
        page.wait_for_timeout(500)
        assert seen.nothing
        words = page.inner_text("body")
        shown = page.evaluate(f"() => {{ try {{ return ({read})(); }} catch (e) {{ return null; }} }}")
    assert "Rise of the price" in words
    assert "Japan" in words
    if shown is not None:
        assert "USA" in shown["zone"]


def test_what_the_page_is_told_is_what_the_tables_say(answer, net):
    from supplygraph.maps import layers, pictures

    picture = pictures.of(answer, net, scenarios=(), beside=(), rows=None)
    builder = layers.Payload(net, picture.states)
    page = builder.build()
    found = picture.overlay(builder, page)
    row = answer.table.loc[f"USA:{MAGNET}"]
    assert found["answer"]["shares"]["USA"] == pytest.approx(row["change_usd_t"] / row["price_before_usd_t"], abs=1e-4)
    assert "CHN" not in found["answer"]["shares"]  # its price falls
    assert set(found["zone"]) == set(answer.params["members"])
    largest = answer.duties.sort_values("revenue_usd").iloc[-1]
    assert [largest["origin"], largest["destination"]] in [row[:2] for row in found["duties"]]
    ranked = {row[0]: row for row in found["answer"]["ranked"]}
    bounds = [row[f"change_{end}_usd_t"] / row["price_before_usd_t"] for end in ("low", "high")]
    assert ranked["USA"][3:] == pytest.approx(bounds, abs=1e-4)
    popup = dict(found["answer"]["countries"]["USA"])
    assert popup["Price"].replace("\u2009", "").startswith("157")


def test_shipments_after_follow_the_pairs(answer, net):
    after = markets.after(answer)["shipments"]
    place = net.processes["node"].map(net.nodes["country"]).astype(object).fillna("OTH")
    ends = [after[side].map(place) for side in ("origin", "destination")]
    pairs = after["flow_t"].groupby(ends[0] + ">" + ends[1] + ":" + after["product"]).sum()
    known = answer.flows[answer.flows["before_t"] > 0]["after_t"]
    assert np.allclose(pairs.reindex(known.index).fillna(0.0), known)


@pytest.mark.parametrize("size", ["slide", "page", "column"])
def test_charts_show_the_tables(answer, sweep, size):
    axes = answer.plot(size=size)
    plotting.check_readable(axes)
    bars = [bar.get_width() for bar in axes.patches if bar.get_gid() == "bar"]
    table = answer.table[answer.table["product"] == MAGNET].sort_values("used_before_t", ascending=False, kind="stable")
    assert bars == pytest.approx(table["price_usd_t"].head(12).tolist())
    other = answer.plot("prices", product="magnet_rare_earths-metal", size=size)
    assert "metal" in other.get_xlabel()
    gains = answer.plot("gains", size=size)
    plotting.check_readable(gains)
    drawn = sorted(bar.get_width() for bar in gains.patches if bar.get_gid() == "bar")
    totals = answer.surplus["total_usd"]
    assert drawn == pytest.approx(sorted(totals[totals.abs().sort_values(ascending=False).index[:12]] / 1e6))
    upper, middle, _ = sweep.plot(size=size)
    plotting.check_readable(upper)
    assert upper.lines[0].get_ydata() == pytest.approx(sweep.table["zone_price_usd_t"] / 1e3)
    marks = [line for line in middle.lines if line.get_gid() == "breakeven"]
    even = sweep.breakeven["floor_usd_t"].dropna()
    assert len(marks) == int((even > 160e3).sum())


def test_what_cannot_be_drawn_is_refused(answer, sweep):
    with pytest.raises(UnknownNameError, match="product"):
        answer.plot("prices", product="copper")
    with pytest.raises(DataError, match=r"Draw it with .plot\(\)"):
        sweep.map()
