"""Prices on networks: the baseline comes back, every condition holds, the laws of floors, tariffs and contracts."""

from __future__ import annotations

import conditions
import numpy as np
import pandas as pd
import pricetoys
import pytest
import toys
from scipy.sparse import csc_array

import supplygraph as sg
from supplygraph.errors import DataError, UnknownNameError

MINERALS = sorted(sg.datasets()["mineral"].unique())
ZONE = (sg.forge(), "linked")


@pytest.mark.parametrize("run", ["long", "short"])
@pytest.mark.parametrize("mineral", MINERALS)
def test_without_instruments_the_baseline_comes_back(mineral, run):
    net = sg.load(mineral)
    answer = sg.equilibrium(net, run=run, draws=0)
    conditions.check(answer, net)
    table, flows = answer.table, answer.flows
    assert (table["change_usd_t"].dropna().abs() < 1e-6 * table["price_usd_t"].max()).all()
    assert np.allclose(flows["before_t"], flows["after_t"], rtol=1e-9, atol=1e-6)
    made = answer.quantities["after_t"]
    assert np.allclose(made, net.processes["activity_t"].reindex(made.index), rtol=1e-8, atol=1e-6)
    place = net.processes["node"].map(net.nodes["country"]).astype(object).fillna("OTH")
    ships = net.shipments
    ends = [ships[side].map(place) for side in ("origin", "destination")]
    pairs = ships["flow_t"].groupby(ends[0] + ">" + ends[1] + ":" + ships["product"]).sum()
    abroad = pairs[[pair.split(">")[0] != pair.split(">")[1].split(":")[0] for pair in pairs.index]]
    abroad = abroad[abroad > 1e-6]
    assert np.allclose(flows["before_t"].reindex(abroad.index), abroad, rtol=1e-9)
    assert answer.residual < 1e-6
    assert answer.revenue_usd == answer.cost_to_users_usd == answer.buying_t == 0


@pytest.mark.parametrize("seed", range(14))
def test_without_instruments_random_baselines_come_back(seed):
    for net in (toys.random_network(seed), pricetoys.drawn(seed)):
        answer = sg.equilibrium(net, draws=0)
        assert np.allclose(answer.quantities["difference_t"], 0, atol=1e-6)
        assert np.allclose(answer.table["change_usd_t"].dropna(), 0, atol=1e-4)


SEEDS = [*range(20), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(20, 200))]


@pytest.mark.parametrize("seed", SEEDS)
def test_all_conditions_hold_under_random_instruments(seed):
    net, rng = pricetoys.drawn(seed), np.random.default_rng(seed)
    here = sorted(set(net.nodes["country"]))
    level = float(net.products.loc["metal", "price_usd_t"])
    zone = [str(code) for code in rng.choice(here, size=max(len(here) // 2, 1), replace=False)]
    given = [sg.PriceFloor("metal", level * rng.uniform(0.8, 1.6), zone)]
    if len(here) > 1:
        one, other = (str(code) for code in rng.choice(here, size=2, replace=False))
        given.append(sg.Tariff("metal", rate=float(rng.uniform(0, 0.5)), importers=one, origins=other))
    for instruments in (given, given[:1], given[1:]):
        run = "short" if rng.random() < 0.5 else "long"
        answer = sg.equilibrium(net, instruments, run=run, draws=0, relink_usd_t=30.0)
        conditions.check(answer, net, relink=30.0)
        assert answer.residual < 1e-6
        gains = answer.surplus
        assert np.isclose(gains["total_usd"].sum(), gains.drop(columns="total_usd").to_numpy().sum())
        assert gains["duties_usd"].sum() == pytest.approx(answer.duties["revenue_usd"].sum())


@pytest.mark.long
@pytest.mark.parametrize("run", ["long", "short"])
@pytest.mark.parametrize("mineral", MINERALS)
def test_all_conditions_hold_on_every_mineral(mineral, run):
    net = sg.load(mineral)
    priced = net.products[net.products["price_usd_t"].notna()]
    product = str(priced["order"].astype(float).idxmax())
    level = float(priced.loc[product, "price_usd_t"])
    floor = sg.PriceFloor(product, 1.25 * level, ZONE)
    tariff = sg.Tariff(product, rate=0.3, importers="USA", origins="CHN")
    for instruments in (floor, tariff, [floor, tariff]):
        answer = sg.equilibrium(net, instruments, run=run, draws=0)
        conditions.check(answer, net)
        assert answer.residual < 1e-6


def test_two_countries_by_hand():
    """Supply 1, demand 1, at price 1000: China sells 20 t to Japan, whose import duty is 90 USD/t."""
    net = pricetoys.two(freight=0.0)
    one = {"supply": 1.0, "demand": 1.0, "origins": 1.0}
    answer = sg.equilibrium(net, sg.Tariff("metal", usd_t=90, importers="JPN"), elasticities=one, draws=0)
    # China: 80 p - 60 (2 - p) = exports, Japan: 50 (2 - q) - 30 q = imports, in prices of 1000 USD/t; the link costs
    # 1000 / 4 / 20 per tonne away from 20 and nothing at 20: q = p + 0.09 + 0.25 (x / 20 - 1).
    x = np.linalg.solve([[140, 0, -1], [0, -80, -1], [-1, 1, -0.25 / 20]], [120, -100, 0.09 - 0.25])
    assert answer.table["price_usd_t"].tolist() == pytest.approx([1000 * x[0], 1000 * x[1]])
    assert answer.flows["after_t"].tolist() == pytest.approx([x[2]])
    assert answer.revenue_usd == pytest.approx(90 * x[2])
    assert answer.revenue.loc["JPN", "duties_usd"] == pytest.approx(90 * x[2])
    dear = sg.equilibrium(net, sg.PriceFloor("metal", 1100, "JPN"), elasticities=one, draws=0)
    assert dear.table.loc["JPN:metal", "price_usd_t"] == pytest.approx(1100)
    assert dear.flows["after_t"].tolist() == pytest.approx([50 * 0.9 - 30 * 1.1])
    china = (120 + 50 * 0.9 - 30 * 1.1) / 140
    landed = 1000 * (china + 0.25 * ((50 * 0.9 - 30 * 1.1) / 20 - 1))
    assert dear.duties["levy_usd_t"].tolist() == pytest.approx([1100 - landed])


def quadratic(market):
    """Solve a market without levies as a quadratic program with HiGHS; return quantities and prices."""
    import highspy

    parts = market.parts
    count, body = len(parts.cost), parts.balance.tocsc()
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    inf = highspy.kHighsInf
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = count, body.shape[0]
    program.col_cost_, program.col_lower_ = parts.cost, np.zeros(count)
    program.col_upper_ = np.where(np.isfinite(parts.upper), parts.upper, inf)
    program.row_lower_ = program.row_upper_ = np.zeros(body.shape[0])
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_, program.a_matrix_.value_ = body.indptr, body.indices, body.data
    full = np.diag(parts.own) + (0 if parts.cross is None else parts.cross.toarray())
    assert np.allclose(full, full.T)
    lower = csc_array(np.tril(full))
    hessian = highspy.HighsHessian()
    hessian.dim_, hessian.format_ = count, highspy.HessianFormat.kTriangular
    hessian.start_, hessian.index_, hessian.value_ = lower.indptr, lower.indices, lower.data
    model = highspy.HighsModel()
    model.lp_, model.hessian_ = program, hessian
    assert solver.passModel(model) == highspy.HighsStatus.kOk
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    found = solver.getSolution()
    return np.array(found.col_value), -np.array(found.row_dual)


@pytest.mark.parametrize("seed", range(12))
def test_specific_tariffs_against_a_quadratic_program(seed):
    from supplygraph.response.prices import market, model, policy

    net, rng = pricetoys.drawn(seed), np.random.default_rng(seed + 100)
    here = sorted(set(net.nodes["country"]))
    asked = model.model(net, run="long", prices=None, elasticities=None, costs=None, projects=None, relink_usd_t=30.0)
    tariffs = tuple(sg.Tariff("metal", usd_t=float(rng.uniform(0, 300)), importers=str(code)) for code in here
                    if len(here) > 1)  # fmt: skip
    under = policy.read(asked.base, tariffs)
    layout = market.build(asked.fitted, under)
    state = asked.under(under)
    quantities, prices = quadratic(layout.market)
    alive = state.made_at() + state.imported_at() > 1e-6
    assert np.allclose(quantities * layout.unit_t, state.found.x, atol=1e-4 * layout.unit_t)
    ratio = (np.abs(prices) * layout.unit_usd_t)[: len(alive)][alive]
    assert np.allclose(ratio, state.price[alive], rtol=1e-4)


def test_a_floor_below_the_landed_price_changes_nothing():
    net = sg.load("magnet_rare_earths")
    free = sg.equilibrium(net, draws=0)
    answer = sg.equilibrium(net, sg.PriceFloor("magnet_rare_earths-magnet", 150_000, ZONE), draws=0)
    assert (answer.duties["levy_usd_t"] == 0).all()
    assert answer.held
    assert answer.revenue_usd == 0
    same = free.table[["price_usd_t", "produced_t", "imported_t"]]
    assert np.allclose(answer.table[same.columns].fillna(0), same.fillna(0), rtol=1e-9, atol=1e-6)


def test_a_prohibitive_floor_is_the_zone_with_imports_shut_out():
    net = pricetoys.three()
    floor = sg.equilibrium(net, sg.PriceFloor("metal", 1e6, ["JPN", "KOR"]), draws=0)
    shut = sg.equilibrium(net, sg.Tariff("metal", usd_t=1e6, importers=["JPN", "KOR"], origins="CHN"), draws=0)
    assert floor.flows.loc["CHN>JPN:metal", "after_t"] == 0
    assert np.allclose(floor.table["price_usd_t"], shut.table["price_usd_t"])
    assert not floor.held
    bought = floor.buying
    assert set(bought.index) == {"JPN:metal", "KOR:metal"}
    assert (bought["shortfall_usd_t"] > 0).all()
    assert "cannot hold the floor" in floor.explain()


def test_buying_holds_the_floor():
    """With demand falling along its line and supply rising along its own, the state buys the difference."""
    net = pricetoys.two(freight=0.0)
    answer = sg.equilibrium(net, sg.PriceFloor("metal", 1500, "JPN"), draws=0,
                            elasticities={"supply": 1.0, "demand": 0.4, "origins": 1.0})  # fmt: skip
    assert answer.buying.loc["JPN:metal", "buying_t"] == pytest.approx(30 * 1.5 - 50 * (1 - 0.4 * 0.5))
    assert answer.buying_usd == pytest.approx(1500 * answer.buying_t)


@pytest.mark.parametrize("make", [pricetoys.two, pricetoys.three, lambda: sg.load("magnet_rare_earths")])
def test_raising_a_floor_never_lowers_a_price_in_the_zone(make):
    net = make()
    product = net.products["order"].astype(float).idxmax()
    level = float(net.products.loc[product, "price_usd_t"])
    zone = ZONE if "magnet" in product else ["JPN", "KOR"]
    last = None
    for share in np.linspace(0.95, 1.6, 5):
        answer = sg.equilibrium(net, sg.PriceFloor(product, share * level, zone), draws=0)
        # A member that only sells may lose by it: what used to go outside looks for buyers.
        rows = answer.table[(answer.table["product"] == product) & answer.table["zone"]]
        rows = rows[rows["used_before_t"] > 0]
        if last is not None:
            assert (rows["price_usd_t"] >= last - 1e-6 * level).all()
        last = rows["price_usd_t"]


def test_a_higher_tariff_never_brings_more_in():
    net = pricetoys.three()
    flows, prices = [], []
    for rate in (0.0, 0.05, 0.1, 0.2, 0.4):
        answer = sg.equilibrium(net, sg.Tariff("metal", rate=rate, importers="JPN", origins="CHN"), draws=0)
        flows.append(answer.flows.loc["CHN>JPN:metal", "after_t"])
        prices.append(answer.table.loc["JPN:metal", "price_usd_t"])
    assert flows == sorted(flows, reverse=True)
    assert prices == sorted(prices)
    assert flows[0] == pytest.approx(20)


def test_goods_come_through_a_third_country_when_only_one_origin_is_taxed():
    net = pricetoys.three()
    single = sg.equilibrium(net, sg.Tariff("metal", rate=0.8, importers="JPN", origins="CHN"), relink_usd_t=5, draws=0)
    through = single.diversion
    assert through.index.tolist() == ["KOR:metal"]
    assert through["through_t"].iloc[0] > 1
    assert "third countries" in single.explain()
    all_of_them = sg.equilibrium(net, sg.Tariff("metal", rate=0.8, importers="JPN"), relink_usd_t=5, draws=0)
    assert not len(all_of_them.diversion)
    floor = sg.equilibrium(net, sg.PriceFloor("metal", 1500, "JPN"), relink_usd_t=5, draws=0)
    assert not len(floor.diversion)


@pytest.mark.parametrize("upside", [0.0, 0.3])
def test_a_contract_pays_volume_times_gap(upside):
    net = pricetoys.two()
    low = sg.OfftakeFloor("mine-jpn", "metal", 1400, volume_t=10, payer="JPN", upside=upside)
    answer = sg.equilibrium(net, low, draws=0)
    price = answer.table.loc["JPN:metal", "price_usd_t"]
    assert answer.payments_usd == pytest.approx(10 * (1400 - price))
    assert answer.revenue.loc["JPN", "payments_usd"] == pytest.approx(answer.payments_usd)
    assert answer.table["change_usd_t"].abs().max() < 1e-6  # the last tonne is not covered: nothing else changes
    beyond = sg.equilibrium(net, sg.OfftakeFloor("JPN", "metal", 1400, payer="USA", upside=upside), draws=0)
    made = beyond.quantities.loc["make-jpn", "after_t"]
    assert made > 30
    assert beyond.payments_usd == pytest.approx(made * (1400 - beyond.table.loc["JPN:metal", "price_usd_t"]))
    assert beyond.revenue.index.tolist() == ["USA"]
    high = sg.equilibrium(net, sg.OfftakeFloor("JPN", "metal", 500, volume_t=10, upside=upside), draws=0)
    price = high.table.loc["JPN:metal", "price_usd_t"]
    assert high.payments_usd == pytest.approx(-upside * 10 * (price - 500), abs=1e-6)


@pytest.mark.parametrize("instrument", [
    sg.PriceFloor("metal", 1200, "JPN"), sg.Tariff("metal", rate=0.3, importers="JPN", origins="CHN"),
    sg.OfftakeFloor("mine-kor", "metal", 1500),
])  # fmt: skip
def test_all_gains_add_up_to_benefit_less_cost(instrument):
    """Transfers cancel: what is left is what users are willing to pay less what making and shipping costs."""
    from supplygraph.response.prices import model, policy

    net = pricetoys.three()
    asked = model.model(net, run="long", prices=None, elasticities=None, costs=None, projects=None, relink_usd_t=30.0)
    after = asked.under(policy.read(asked.base, (instrument,)))

    def benefit(state):
        fitted, links = state.fitted, state.base.links
        arrives = np.bincount(links.target, state.today, state.base.markets)[links.target]
        worth = 0.0
        for curve, x in ((fitted.uses, state.used), (fitted.makers, state.made), (fitted.more, state.more)):
            worth -= float((curve.cost * x + 0.5 * curve.slope * x**2).sum())
        way = fitted.links.cost + 0.5 * (fitted.links.slope * state.today - fitted.shared * arrives)
        return worth - float((way * state.today).sum())

    answer = sg.equilibrium(net, instrument, relink_usd_t=30.0, draws=0)
    assert answer.welfare_usd == pytest.approx(benefit(after) - benefit(asked.free))
    assert answer.welfare_usd < 0  # nothing was wrong before, so an instrument can only cost the world


def test_tonnes_scale():
    small = pricetoys.three()
    names = ("nodes", "processes", "edges", "products", "references", "countries", "shipments")
    tables = {name: getattr(small, name).reset_index() for name in names}
    for name, columns in {"processes": ["capacity_t", "activity_t"], "shipments": ["flow_t"]}.items():
        tables[name][columns] = tables[name][columns] * 1000
    large = sg.SupplyNetwork(**tables)
    floor = sg.PriceFloor("metal", 1200, ["JPN", "KOR"])
    one, thousand = (sg.equilibrium(net, floor, draws=0) for net in (small, large))
    assert np.allclose(thousand.table["price_usd_t"], one.table["price_usd_t"], rtol=1e-9)
    assert np.allclose(thousand.flows["after_t"], 1000 * one.flows["after_t"], rtol=1e-6, atol=1e-6)
    assert thousand.cost_to_users_usd == pytest.approx(1000 * one.cost_to_users_usd)


def test_the_short_run_stops_at_capacity():
    net = pricetoys.two(capacity=1.1)
    floor = sg.PriceFloor("metal", 1400, "JPN")
    short, long = (sg.equilibrium(net, floor, run=run, draws=0) for run in ("short", "long"))
    assert short.quantities.loc["make-jpn", "after_t"] == pytest.approx(33)
    assert long.quantities.loc["make-jpn", "after_t"] > 33


def test_a_sourced_cost_is_where_a_plant_stops():
    net = pricetoys.two()
    price = sg.equilibrium(net, draws=0).table.loc["JPN:metal", "price_before_usd_t"]
    answer = sg.equilibrium(net, sg.Tariff("metal", usd_t=0, importers="JPN"), costs={"mine-jpn": 900}, draws=0)
    row = answer.viable.loc["make-jpn"]
    assert (row["basis"], row["cost_usd_t"], row["break_even_usd_t"]) == ("sourced cost", 900, 900)
    assert row["pays_before"]
    assert price > 900
    at_a_loss = sg.equilibrium(net, costs={"mine-jpn": 5000}, draws=0)
    assert at_a_loss.quantities["difference_t"].abs().max() < 1e-6
    assert not at_a_loss.viable.loc["make-jpn", "pays"]
    assert "at a loss today" in at_a_loss.explain()


@pytest.mark.parametrize(("cost", "floor", "runs"), [(900, None, True), (1100, None, False), (1100, 1150, True),
                                                     (1100, 1050, False)])  # fmt: skip
def test_a_project_runs_when_price_covers_its_cost(cost, floor, runs):
    net = pricetoys.two(freight=0.0)
    plant = pd.DataFrame({"country": ["JPN"], "product": ["metal"], "capacity_t": [2.0], "cost_usd_t": [cost],
                          "name": ["New"]}, index=pd.Index(["new"], name="project"))  # fmt: skip
    instruments = None if floor is None else sg.PriceFloor("metal", floor, "JPN")
    answer = sg.equilibrium(net, instruments, projects=plant, draws=0)
    row = answer.viable.loc["new"]
    assert row["after_t"] == pytest.approx(2.0 if runs else 0.0)
    assert bool(row["pays"]) is runs
    assert row["break_even_usd_t"] == cost
    assert bool(row["before_t"] > 0) is (cost < 1000)
    support = sg.equilibrium(net, sg.OfftakeFloor("new", "metal", cost + 1), projects=plant, draws=0)
    assert support.viable.loc["new", "after_t"] == pytest.approx(2.0)
    assert support.viable.loc["new", "pays"]


def test_intervals_come_from_seeded_draws():
    net = sg.load("magnet_rare_earths")
    floor = sg.PriceFloor("magnet_rare_earths-separated", 90_000, ZONE)
    one, other, third = (sg.equilibrium(net, floor, draws=6, seed=seed) for seed in (1, 1, 2))
    assert one.table.equals(other.table)
    assert not one.table["price_low_usd_t"].equals(third.table["price_low_usd_t"])
    made = one.table.dropna(subset=["price_usd_t"])
    assert (made["price_low_usd_t"] <= made["price_high_usd_t"]).all()
    wide = one.table.loc["CHN:magnet_rare_earths-mined"]
    assert wide["price_high_usd_t"] - wide["price_low_usd_t"] > 10_000  # implied: nothing to what is made of it
    assert one.cost_to_users_low_usd <= one.cost_to_users_high_usd
    assert "price_low_usd_t" not in sg.equilibrium(net, floor, draws=0).table
    certain = {"supply": 1.0, "demand": 0.4, "origins": 4.0}
    prices = {"magnet_rare_earths-metal": 90_000, "magnet_rare_earths-mined": 30_000}
    sure = sg.equilibrium(net, floor, draws=3, elasticities=certain, prices=prices).table.dropna()
    assert np.allclose(sure["price_low_usd_t"], sure["price_high_usd_t"])


def test_what_the_levy_misses_enters_further_down():
    net = sg.load("magnet_rare_earths")
    answer = sg.equilibrium(net, sg.PriceFloor("magnet_rare_earths-separated", 110_000, ZONE), draws=0)
    ships = net.shipments
    place = net.processes["node"].map(net.nodes["country"])
    inside = set(sg.forge().members("linked"))
    ends = [ships[side].map(place) for side in ("origin", "destination")]
    entering = ends[1].isin(inside) & ~ends[0].isin(inside) & (ships["product"] == "magnet_rare_earths-magnet")
    row = answer.missed.set_index("enters_as").loc["magnet_rare_earths-magnet"]
    assert row["content_before_t"] == pytest.approx(ships.loc[entering, "flow_t"].sum())
    both = {"magnet_rare_earths-separated": 110_000, "magnet_rare_earths-magnet": 200_000}
    stages = sg.equilibrium(net, sg.PriceFloor(both, zone=ZONE), draws=0)
    assert stages.missed["enters_as"].tolist() == ["magnet_rare_earths-metal"]


def test_a_mineral_without_a_price_is_refused_with_the_remedy():
    tables = toys.chain_tables()
    tables["products"]["price_usd_t"] = np.nan
    net = sg.SupplyNetwork(**tables)
    with pytest.raises(DataError, match=r"cobalt: no product has a price.*prices=\{'cobalt-refined': 35000\}"):
        sg.equilibrium(net)
    answer = sg.equilibrium(net, prices={"cobalt-refined": 35_000}, draws=0)
    assert answer.prices.loc["cobalt-intermediate", "basis"] == "implied"
    assert answer.prices.loc["cobalt-intermediate", "reference_usd_t"] == pytest.approx(0.9 * 35_000 / 2)
    with pytest.raises(DataError, match="EUR"):
        sg.equilibrium(net, prices={"cobalt-refined": sg.Money(35_000, "EUR")})
    with pytest.raises(UnknownNameError, match="Did you mean 'cobalt-refined'"):
        sg.equilibrium(net, prices={"cobalt-refind": 1})


@pytest.mark.parametrize(("instrument", "error", "words"), [
    (sg.PriceFloor("metl", 1200, "JPN"), UnknownNameError, "Did you mean 'metal'"),
    (sg.PriceFloor("metal", 1200, "USA"), DataError, "no member of the zone makes or takes metal"),
    (sg.Tariff("metal", rate=0.1, importers="USA"), DataError, "no pair of these countries trades metal"),
    (sg.OfftakeFloor("mine-chnn", "metal", 1), UnknownNameError, "Did you mean 'mine-chn'"),
    ([sg.PriceFloor("metal", 1200, "JPN"), sg.PriceFloor("metal", 1300, "JPN")], DataError, "two floors for metal"),
    ([sg.OfftakeFloor("JPN", "metal", 1), sg.OfftakeFloor("mine-jpn", "metal", 2)], DataError, "one contract covers"),
    (["a floor"], DataError, "expected a PriceFloor, Tariff or OfftakeFloor"),
])  # fmt: skip
def test_instruments_that_do_not_fit_are_refused(instrument, error, words):
    with pytest.raises(error, match=words):
        sg.equilibrium(pricetoys.two(), instrument)


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"run": "medium"}, UnknownNameError, "Known: long, short"),
    ({"draws": -1}, DataError, "draws: is -1"),
    ({"seed": 0.5}, DataError, "seed: is 0.5"),
    ({"relink_usd_t": -3}, DataError, "relink_usd_t: is -3"),
    ({"elasticities": {"supply": 0}}, DataError, "expected a number above 0"),
    ({"elasticities": {"demand": (0.5, 0.2, 0.8)}}, DataError, "in this order"),
    ({"elasticities": {"suply": 1}}, UnknownNameError, "Did you mean 'supply'"),
    ({"costs": {"mine-usa": 4}}, UnknownNameError, "plant in costs"),
    ({"costs": {"mine-jpn": "5 t"}}, DataError, "a weight"),
    ({"projects": pd.DataFrame({"country": ["JPN"]})}, DataError, "column `cost_usd_t`: is missing"),
    ({"projects": pd.DataFrame([{"country": "JPN", "product": "metal", "capacity_t": np.nan, "cost_usd_t": 1.0}])},
     DataError, "A blank is not a zero"),
])  # fmt: skip
def test_options_out_of_range_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        sg.equilibrium(pricetoys.two(), **options)


def test_the_sweep_is_the_equilibrium_at_every_level():
    net = pricetoys.three()
    levels = np.linspace(900, 1500, 7)
    sweep = sg.price_floor_sweep(net, "metal", levels, ["JPN", "KOR"])
    for level in levels:
        cold = sg.equilibrium(net, sg.PriceFloor("metal", level, ["JPN", "KOR"]), draws=0)
        row = sweep.table.loc[level]
        assert row["cost_to_users_usd"] == pytest.approx(cold.cost_to_users_usd, abs=1e-6)
        assert row["revenue_usd"] == pytest.approx(cold.revenue_usd, abs=1e-6)
        assert row["zone_output_t"] == pytest.approx(cold.zone_output_t)
        assert row["buying_t"] == pytest.approx(cold.buying_t, abs=1e-6)
        assert row["held"] == cold.held
    assert (np.diff(sweep.table["zone_price_usd_t"]) > -1e-6).all()
    assert sweep.residual < 1e-6


def test_the_break_even_floor_is_where_a_producer_begins_to_run():
    net = pricetoys.two(freight=0.0)
    plant = pd.DataFrame({"project": ["new"], "country": ["JPN"], "product": ["metal"], "capacity_t": [1.0],
                          "cost_usd_t": [1134.0]})  # fmt: skip
    sweep = sg.price_floor_sweep(net, "metal", range(900, 1250, 50), "JPN", projects=plant, draws=3)
    even = sweep.breakeven.loc["new"]
    assert even["floor_usd_t"] == pytest.approx(1134)
    for level, runs in ((1130, False), (1138, True)):
        answer = sg.equilibrium(net, sg.PriceFloor("metal", level, "JPN"), projects=plant, draws=0)
        assert bool(answer.viable.loc["new", "after_t"] > 0.99) is runs
    assert (sweep.table["zone_price_low_usd_t"] <= sweep.table["zone_price_high_usd_t"]).all()
    never = sg.price_floor_sweep(net, "metal", [1000, 1100], "JPN", projects=plant)
    assert np.isnan(never.breakeven.loc["new", "floor_usd_t"])
    with pytest.raises(DataError, match="nothing to sweep"):
        sg.price_floor_sweep(net, "metal", [], "JPN")


def test_provenance_names_the_sources():
    answer = sg.equilibrium(pricetoys.two(), draws=0)
    assert {"toy", "bajzik-havranek-irsova-schwarz-armington-2020"} <= set(answer.provenance["references"])
    assert "facts/elasticities.csv" in answer.explain()
