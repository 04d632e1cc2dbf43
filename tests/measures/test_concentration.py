"""Concentration of plain tonnes and of networks."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measure_nets import random_chain

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures.concentration import concentration

CODES = ("CHN", "FIN", "JPN", "AUS", "CHL", "USA")


def test_gallium_2024():
    told = concentration({"CHN": 839.0, "JPN": 3.0, "RUS": 6.0})
    assert round(told.hhi, 4) == 0.9789
    assert told.hhi_low == told.hhi == told.hhi_high
    assert list(told.table.index) == ["CHN", "RUS", "JPN"]
    assert list(told.table["rank"]) == [1, 2, 3]
    assert told.effective_n == 1 / told.hhi
    assert told.top3 == 1.0


def test_the_unnamed_rest_gives_an_interval():
    rest = {"CHN": 60.0, "JPN": 20.0, "OTH": 20.0}
    told = concentration(rest)
    assert math.isclose(told.hhi, 0.4)
    assert math.isclose(told.hhi_high, 0.44)
    assert math.isclose(told.unknown_share, 0.2)
    assert "OTH" not in told.table.index
    assert "Unknown origin: 20.0%" in told.explain()
    as_series = pd.Series([60.0, 20.0, 20.0], index=["CHN", "JPN", None])
    assert concentration(as_series).hhi_high == told.hhi_high


def test_supply_without_the_largest():
    assert math.isclose(concentration({"CHN": 60.0, "JPN": 20.0, "OTH": 20.0}).n_minus_1, 0.4)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=6), st.floats(0, 1e6))
def test_bounds(tonnes, rest):
    given_tonnes = dict(zip(CODES, tonnes, strict=False))
    told = concentration({**given_tonnes, "OTH": rest})
    total = sum(tonnes) + rest
    truth = sum((t / total) ** 2 for t in tonnes)
    assert math.isclose(told.hhi, truth, rel_tol=1e-12)
    assert math.isclose(told.hhi_high, truth + (rest / total) ** 2, rel_tol=1e-12)
    assert 0 < told.hhi <= told.hhi_high <= 1 + 1e-12
    scaled = concentration({key: 3 * value for key, value in given_tonnes.items()} | {"OTH": 3 * rest})
    assert math.isclose(scaled.hhi, told.hhi, rel_tol=1e-12)


def test_every_fault_of_plain_tonnes_is_told_at_once():
    bad = pd.Series([5.0, -1.0, 10.0, 4.0, 3.0, "many", float("nan"), 2.0],
                    index=["CHN", "FIN", "Total", "CHN", "ZZZ", "JPN", "AUS", "world"])
    with pytest.raises(DataError) as caught:
        concentration(bad)
    told = str(caught.value)
    for words in ("'FIN': -1.0", "'Total': a total", "'CHN': it stands twice", "'ZZZ': unknown country",
                  "'JPN': 'many'", "'AUS': nan", "'world': a total"):
        assert words in told
    assert len(caught.value.report) == 7


@pytest.mark.parametrize("tonnes", [{}, {"CHN": 0.0}, {"OTH": 5.0}])
def test_nothing_named_is_refused(tonnes):
    with pytest.raises(DataError, match="no named country"):
        concentration(tonnes)


def test_wrong_options():
    with pytest.raises(UnknownNameError, match="grouping"):
        concentration({"CHN": 1.0}, by="county")
    with pytest.raises(UnknownNameError, match="weight"):
        concentration({"CHN": 1.0}, weight="tonnes")
    with pytest.raises(DataError, match="plain tonnes"):
        concentration({"CHN": 1.0}, weight="demand")
    with pytest.raises(UnknownNameError, match=r"mining"):
        concentration(random_chain(0), stage="minning")


def test_a_network_by_country_node_and_owner():
    net = random_chain(4, unknown=True)
    made = net.processes[net.processes["output"] == "metal"].set_index("node")["activity_t"]
    share = made / made.sum()
    by_country = share.groupby(net.nodes["country"]).sum()
    told = concentration(net)
    assert math.isclose(told.hhi, (by_country**2).sum())
    assert math.isclose(told.unknown_share, share["r0"])
    by_node = concentration(net, by="node")
    assert math.isclose(by_node.hhi, (share.drop("r0") ** 2).sum())  # an unnamed rest is no site
    owned = net.owners.merge(share.rename("made"), left_on="node", right_index=True)
    by_owner = (owned["share"] * owned["made"]).groupby(owned["owner"]).sum()
    told = concentration(net, by="owner")
    assert math.isclose(told.hhi, (by_owner**2).sum())
    assert math.isclose(told.unknown_share, 0.2)
    pd.testing.assert_series_equal(told.table["share"].sort_index(), by_owner[by_owner > 0], check_names=False)


def test_plain_tonnes_and_network_agree():
    net = random_chain(2)
    told = concentration(net, stage="mining")
    again = concentration(told.table["quantity_t"])
    assert math.isclose(again.hhi, told.hhi)


def test_supply_without_the_largest_counts_what_is_wanted():
    net = random_chain(3, stock=True)
    told = concentration(net)
    made = told.table["quantity_t"]
    processes = net.processes
    use = processes.loc[processes["role"] == "use", "activity_t"].sum()
    assert math.isclose(told.n_minus_1, (made.sum() - made.max()) / use)


@pytest.mark.parametrize("seed", range(6))
def test_delivered_shares_are_production_shares_where_recovery_is_uniform(seed):
    net = random_chain(seed)
    made, delivered = concentration(net), concentration(net, weight="demand")
    assert math.isclose(made.hhi, delivered.hhi, rel_tol=1e-12)
    np.testing.assert_allclose(made.table["share"], delivered.table["share"].reindex(made.table.index))


def test_separation_stands_for_refining_where_nothing_else_refines():
    net = random_chain(1)
    products = net.products
    products.loc[["metal", "powder"], "stage"] = "separation"
    tables = {name: getattr(net, name) for name in ("nodes", "owners", "processes", "edges", "shipments", "references")}
    again = type(net)(products=products, **tables)
    assert concentration(again, stage="refining").hhi == concentration(net).hhi == concentration(
        again, stage="separation").hhi
