"""Elasticities and implied prices: every number has a source, what is not known is said."""

from __future__ import annotations

import numpy as np
import pytest

import supplygraph as sg
from supplygraph import facts
from supplygraph.response.prices import elasticities, quotes

LEVELS = ["elasticity_low", "elasticity_central", "elasticity_high"]


def test_every_elasticity_is_ordered_and_has_a_source():
    table = facts.read("facts/elasticities.csv")
    levels = table[LEVELS].astype(float).to_numpy()
    assert (levels > 0).all()
    assert (np.diff(levels, axis=1) > 0).all()
    assert set(table["reference"]) <= set(facts.read("facts/references.csv")["reference"])
    assert set(table["confidence"]) <= {"high", "medium", "low"}
    assert not table.duplicated(["parameter", "mineral", "stage", "run"]).any()
    memory = table["note"].str.contains("memory|assumption")
    assert (table.loc[memory, "confidence"] == "low").all()


def test_the_long_run_answers_more_than_the_short():
    net = sg.load("copper")
    short, long = (elasticities.of_network(net, run, None).table["central"] for run in ("short", "long"))
    assert (long > short).all()
    assert long["supply", "copper-mined"] == 0.75  # its own, not that of minerals without one


def test_places_between_low_and_high_are_logarithmic():
    found = elasticities.of_network(sg.load("gallium"), "long", {"demand": (0.1, 0.2, 0.8)})
    products = sg.load("gallium").products.index
    ends = {place: found.at("demand", products, np.full(len(products), float(place))) for place in (-1, 0, 1, 0.5)}
    assert np.allclose([ends[-1], ends[0], ends[1]], [[0.1] * 2, [0.2] * 2, [0.8] * 2])
    assert np.allclose(ends[0.5], 0.4)


def test_a_product_without_a_price_lies_between_its_input_and_its_output():
    net = sg.load("magnet_rare_earths")
    table = quotes.of_network(net, None).table
    price = net.products["price_usd_t"]
    separated, magnet = price["magnet_rare_earths-separated"], price["magnet_rare_earths-magnet"]
    metal = table.loc["magnet_rare_earths-metal"]
    assert (metal["price_low_usd_t"], metal["price_high_usd_t"]) == (separated, magnet)
    assert metal["price_usd_t"] == (separated + magnet) / 2
    assert table.loc["magnet_rare_earths-mined", "price_low_usd_t"] == 0
    assert table["basis"].to_dict() == {
        "magnet_rare_earths-magnet": "quoted", "magnet_rare_earths-separated": "quoted",
        "magnet_rare_earths-metal": "implied", "magnet_rare_earths-mined": "implied",
    }  # fmt: skip
    assert "no price is known" in metal["note"]


@pytest.mark.parametrize("mineral", sorted(sg.datasets()["mineral"].unique()))
def test_implied_prices_keep_the_order_of_the_chain(mineral):
    found = quotes.of_network(sg.load(mineral), None)
    for place in (0.0, 0.3, 1.0):
        price = found.draw(dict.fromkeys(found.order, place))
        assert (price >= 0).all()
        for (one, other), recovery in found.chain.items():
            if found.table.loc[other, "basis"] == "implied":
                assert price[other] >= price[one] / recovery * (1 - 1e-9)
