"""Policies side by side: each is what its own question says, and what is wrong is told at once."""

import pytest
import toys

import supplygraph as sg
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.response.compare import compare

SHOCK = sg.Shock.close(node="kokkola")


@pytest.fixture(scope="module")
def net():
    return toys.chain()


@pytest.fixture(scope="module")
def zone():
    return sg.forge("2026-07-01")


def test_each_row_is_its_own_rerouting(net, zone):
    rules = {"free": None, "aligned": {"require": "linked", "stages": ["refining"]}, "cap": {"cap": {"country": 0.5}}}
    side = compare(net, rules, shock=SHOCK, alignment=zone)
    assert list(side.table.index) == list(rules)
    for name, rule in rules.items():
        plan = sg.reroute(net, SHOCK, alignment=zone, **(rule or {}))
        row = side.table.loc[name]
        assert row["unmet_t"] == pytest.approx(plan.unmet_t)
        assert row["zone_unmet_t"] == pytest.approx(plan.zone_unmet_t)
        assert row["served_t"] + row["unmet_t"] == pytest.approx(row["demand_t"])
        assert side.plans[name].unmet.equals(plan.unmet)
    assert side.table.loc["free", "added_freight_usd"] == 0


def test_a_stock_serves_those_it_is_for_and_never_more_than_they_lack(net):
    bare = compare(net, {"nothing": None}, shock=SHOCK)
    lacking = bare.countries.loc["nothing"]["unmet_t"]
    where = lacking.idxmax()
    few, many = lacking[where] / 3, 10 * lacking[where]
    side = compare(
        net, {"nothing": None, "few": {"stock": {where: few}}, "many": {"stock": {where: many}}}, shock=SHOCK
    )
    table = side.table
    assert table.loc["few", "unmet_t"] == pytest.approx(table.loc["nothing", "unmet_t"] - few)
    assert table.loc["many", "unmet_t"] == pytest.approx(table.loc["nothing", "unmet_t"] - lacking[where])
    assert table.loc["many", "stock_t"] == pytest.approx(lacking[where])
    assert side.countries.loc[("few", where), "effect"] == "gains"
    others = side.countries.loc["few"].drop(where)
    assert (others["unmet_change_t"].abs() < 1e-9).all()


def test_concentration_is_that_of_what_the_stage_delivers(net):
    table = compare(net, {"nothing": None}).table
    sent = net.shipments.assign(country=net.shipments["origin"].map(net.processes["node"]).map(net.nodes["country"]))
    sent = sent[sent["product"].map(net.products["stage"]) == "refining"].groupby("country")["flow_t"].sum()
    share = sent / sent.sum()
    assert table.loc["nothing", "hhi"] == pytest.approx((share**2).sum())
    assert table.loc["nothing", "largest"] == share.idxmax()


def test_prices_are_those_of_the_equilibrium(net):
    price = {"cobalt-intermediate": 12_000, "cobalt-refined": 35_000}
    priced = sg.SupplyNetwork(
        **{name: getattr(net, name) for name in ("nodes", "processes", "edges", "shipments", "references", "owners")},
        products=net.products.assign(price_usd_t=net.products.index.map(price).astype(float)),
    )
    floor = sg.PriceFloor("cobalt-refined", 40_000, zone=["DEU", "FIN"])
    side = compare(priced, {"nothing": None, "floor": {"instruments": floor}}, shock=SHOCK)
    alone = sg.equilibrium(priced, floor, draws=0)
    assert side.table.loc["floor", "users_cost_usd"] == pytest.approx(alone.cost_to_users_usd)
    assert side.table["users_cost_usd"].isna().tolist() == [True, False]
    assert side.countries.loc["floor"]["surplus_usd"].dropna().sum() == pytest.approx(alone.surplus["total_usd"].sum())
    assert side.countries.loc[("floor", "DEU"), "effect"] in {"loses", "mixed"}


def test_it_says_and_draws_itself(net, zone):
    side = compare(net, {"nothing": None, "aligned": {"require": "linked"}}, shock=SHOCK, alignment=zone)
    assert "leaves least unmet" in side.explain()
    assert "aligned:" in side.explain()
    drawn = side.map()
    assert {"nothing", "aligned"} <= {state["name"] for state in drawn.payload["scenarios"]} if hasattr(
        drawn, "payload") else drawn is not None
    axes = side.plot()
    assert axes.get_xlabel().startswith("unmet demand")


@pytest.mark.parametrize(
    ("policies", "error", "told"),
    [
        ({}, DataError, "is empty"),
        (["require"], DataError, "expected policies by name"),
        ({"a": "linked"}, DataError, "expected a mapping of rules"),
        ({"a": {"requires": "linked"}}, UnknownNameError, "Did you mean 'require'"),
        ({"a": {"stock": 5}}, DataError, "tonnes by country"),
        ({"a": {"stock": {"DEU": -1}}}, DataError, "at least 0"),
        ({"a": {"stock": {"GER": 1}}}, UnknownNameError, "GER"),
        ({"a": {"projects": ["PJ-1"]}}, DataError, "an answer of sg.invest"),
        ({"": None}, DataError, "expected a text"),
    ],
)
def test_what_is_wrong_is_refused(net, policies, error, told):
    with pytest.raises(error, match=told):
        compare(net, policies)
