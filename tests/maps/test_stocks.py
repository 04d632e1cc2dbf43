"""Pictures of a stockpile: what is drawn is what the tables say, and can be read."""

import json
import re

import numpy as np
import plotting
import pytest

import supplygraph as sg
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.maps import stocks


@pytest.fixture(scope="module")
def vault():
    net = sg.load(["gallium", "tungsten"])
    return sg.project_vault(net, sg.outages(net, 60, seed=3), batches=3, curve=4, budget="0.5 bn USD")


@pytest.mark.parametrize("kind", ["cover", "curve"])
@pytest.mark.parametrize("size", ["slide", "page", "column"])
def test_charts_are_readable_at_every_size(vault, kind, size):
    plotting.check_readable(vault.plot(kind, size=size))


def test_bars_are_days_of_cover_with_their_intervals(vault):
    axes = vault.plot()
    told = vault.cover.sort_values("value_usd", ascending=False)
    np.testing.assert_allclose(plotting.widths(axes), told["days_of_cover"])
    lines = [line.get_xdata() for line in plotting.parts(axes, "interval")]
    np.testing.assert_allclose(lines, told[["days_low", "days_high"]])
    aims = [line.get_xdata()[0] for line in plotting.parts(axes, "aim")]
    assert aims == [60.0, 45.0]
    words = plotting.caption(axes)
    assert "least and most of plans from 3 batches of the 60 paths" in words
    assert "Wood Mackenzie" in words
    assert "a lost tonne counts its reference price" in words.replace("A lost", "a lost")


def test_the_curve_is_the_table_and_marks_even_spreading(vault):
    axes = vault.plot("curve")
    [line] = plotting.parts(axes, "curve")
    np.testing.assert_allclose(line.get_xdata(), vault.curve["cost_usd"] / 1e9)
    np.testing.assert_allclose(line.get_ydata(), vault.curve["objective"] / 1e9)
    crosses = [(mark.get_xdata()[0], mark.get_ydata()[0]) for mark in plotting.parts(axes, "same days")]
    assert (vault.cost_usd / 1e9, vault.equal_loss_usd / 1e9) == pytest.approx(crosses[0])


def test_a_curve_that_was_not_asked_for_is_refused():
    net = sg.load("gallium")
    shock = sg.Shock.ban("CHN", product="gallium-refined")
    answer = sg.stockpile(net, {"ban": {"shock": shock, "probability": 0.2, "months": 12, "start": 6}}, budget=1e6)
    with pytest.raises(DataError, match=r"has no points. Ask with curve=8"):
        answer.plot("curve")
    with pytest.raises(UnknownNameError):
        answer.plot("pie")
    assert plotting.parts(answer.plot(), "interval") == []
    assert "No intervals" in plotting.caption(answer.plot())


def test_the_map_fills_holders_and_ranks_products(vault):
    found = stocks.overlay(vault, {"USA": ["United States"]})
    assert found["shares"] == {"USA": 1.0}
    assert sum(row[2] for row in found["ranked"]) == pytest.approx(1.0, abs=1e-3)
    assert [row[0] for row in found["ranked"]] == ["USA"] * len(found["ranked"])
    assert "3 batches" in found["note"]
    told = " ".join(line[1] for line in found["countries"]["USA"])
    assert "days" in told
    page = vault.map().get_root().render()
    assert "Share of the value in stock" in page
    assert stocks.figures(vault)["Spent"].endswith("of 0.5 bn USD")


def test_a_stock_without_a_country_has_no_place_and_nothing_bought_no_list(vault):
    net = vault.network
    free = sg.stockpile(net, vault, budget="0.5 bn USD", for_="USA", batches=0, products=list(vault.cover.index))
    assert stocks.overlay(free, {"USA": ["United States"]})["shares"] == {}
    none = sg.stockpile(net, vault, budget=0, for_="USA", batches=0, products=list(vault.cover.index))
    assert stocks.overlay(none, {"USA": ["United States"]}) == {}
    assert re.search("Nothing is worth buying", none.explain())
    assert json.dumps(stocks.figures(none))
