"""Spatial equilibria on plain tables: published examples, closed forms, second solvers, and the laws."""

import numpy as np
import pandas as pd
import pytest

import supplygraph as sg
from supplygraph.errors import DataError, InfeasibleError


def curves(names, intercepts, slopes):
    return pd.DataFrame({"market": names, "intercept": intercepts, "slope": slopes})


def grid(names, rows, columns=None):
    return pd.DataFrame(rows, index=names, columns=columns or names, dtype=float)


def draw(seed, places=4, flat=0.0, shut=0.0):
    """Draw a market-by-market problem with parallel roles, level curves and closed ways."""
    rng = np.random.default_rng(seed)
    names = [f"m{at}" for at in range(places)]
    slopes = rng.uniform(0.1, 2, (2, places))
    slopes[0, rng.random(places) < flat] = 0.0
    cost = rng.uniform(1, 15, (places, places))
    np.fill_diagonal(cost, 0.0)
    cost[(rng.random(cost.shape) < shut) & ~np.eye(places, dtype=bool)] = np.inf
    return (
        curves(names, rng.uniform(5, 20, places), slopes[0]), curves(names, rng.uniform(20, 60, places), slopes[1]),
        grid(names, cost), rng,
    )  # fmt: skip


def check(answer, supply, demand, cost, tariff=None, share=None, floor=None, zone=(), cross=(None, None)):
    """Check all conditions from the public tables alone; return the largest violation."""
    supply, demand = (table.set_index("market") if "market" in table else table for table in (supply, demand))
    flows = answer.flows.loc[supply.index, demand.index]
    made, used = flows.sum(axis=1), flows.sum(axis=0)
    pi = supply.intercept + supply.slope * made + (0 if cross[0] is None else cross[0] @ made)
    rho = demand.intercept - demand.slope * used - (0 if cross[1] is None else cross[1] @ used)
    landed = cost.loc[supply.index, demand.index].add(pi, axis=0)
    duty = pd.DataFrame(0.0, index=supply.index, columns=demand.index)
    duty = duty if tariff is None else duty + tariff
    duty = duty if share is None else duty + share * landed
    inside = {*(floor or {}), *zone}
    for market, level in (floor or {}).items():
        for origin in supply.index.difference(list(inside)):
            duty.loc[origin, market] += max(0.0, level - landed.loc[origin, market] - duty.loc[origin, market])
    excess = (landed + duty).sub(rho, axis=1)
    table = answer.table
    worst = [np.abs(np.minimum(flows, excess)).where(np.isfinite(excess), 0.0).to_numpy().max()]
    worst += [(flows.where(~np.isfinite(excess), 0.0)).abs().to_numpy().max(), (-flows).clip(lower=0).to_numpy().max()]
    worst += [np.abs(table.produced[supply.index] - made).max(), np.abs(table.consumed[demand.index] - used).max()]
    worst += [np.abs(table.supply_price[supply.index] - pi).max(), np.abs(table.demand_price[demand.index] - rho).max()]
    told = answer.duties.loc[supply.index, demand.index]
    assert told.isna().equals(np.isinf(cost.loc[supply.index, demand.index]))
    worst.append(np.abs(told - duty).max().max())
    assert answer.revenue == pytest.approx(float((flows * duty.where(flows > 0, 0.0)).to_numpy().sum()), abs=1e-6)
    assert answer.residual < 1e-6
    return max(worst)


# ---------------------------------------------------------------- published examples and closed forms


def test_takayama_and_judge():
    """Three regions, one good (Takayama & Judge 1964, J. Farm Econ. 46; data as in GAMS SPATEQU, first commodity, own
    price effects). Demand 200 - 10 p, 100 - 5 p, 160 - 8 p; supply -50 + 10 p, -50 + 20 p, -50 + 10 p; freight 2, 2, 1.
    Region 2 feeds both others: 250 - 20 (p + 2) + 150 - 25 p + 210 - 18 (p + 1) = 0.
    """
    names = ["1", "2", "3"]
    supply = curves(names, [5, 2.5, 5], [0.1, 0.05, 0.1])
    demand = curves(names, [20, 20, 20], [0.1, 0.2, 0.125])
    cost = grid(names, [[0, 2, 2], [2, 0, 1], [2, 1, 0]])
    answer = sg.spatial_equilibrium(supply, demand, cost)
    p = (610 - 40 - 18) / 63
    assert answer.prices.to_numpy() == pytest.approx([p + 2, p, p + 1], abs=1e-9)
    assert answer.flows.loc["2", "1"] == pytest.approx(250 - 20 * (p + 2))
    assert answer.flows.loc["2", "3"] == pytest.approx(210 - 18 * (p + 1))
    assert check(answer, supply, demand, cost) < 1e-9


def test_miranda_and_fackler():
    """Three countries (Applied Computational Economics and Finance 2002, p. 56; CompEcon demslv14).

    Goods go from 1 to 2 and from 2 to 3, so prices are p, p + 3, p + 6 and
    (42 - p)/3 + (51 - p)/2 + (45 - p) = (p - 9) + p/2 + (p - 12).
    """
    names = ["1", "2", "3"]
    supply, demand = curves(names, [9, 3, 18], [1, 2, 1]), curves(names, [42, 54, 51], [3, 2, 1])
    cost = grid(names, [[0, 3, 9], [3, 0, 3], [6, 3, 0]])
    answer = sg.spatial_equilibrium(supply, demand, cost)
    p = (42 / 3 + 51 / 2 + 45 + 9 + 12) / (1 / 3 + 1 / 2 + 1 + 1 + 1 / 2 + 1)
    assert answer.prices.to_numpy() == pytest.approx([p, p + 3, p + 6], abs=1e-9)
    assert answer.flows.loc["1", "3"] == 0
    assert check(answer, supply, demand, cost) < 1e-9


def two(freight=3.0, **more):
    """A exports to B: supply 5 + q, demand 20 - q in A; supply 10 + 2 q, demand 40 - q in B."""
    names = ["A", "B"]
    tables = curves(names, [5, 10], [1, 2]), curves(names, [20, 40], [1, 1]), grid(names, [[0, freight], [freight, 0]])
    return tables, sg.spatial_equilibrium(*tables, **more)


def price_of_a(freight):
    """Exports of A, (p - 5) - (20 - p), meet imports of B, (40 - p - c) - (p + c - 10)/2."""
    return (25 + 45 - 1.5 * freight) / 3.5


def test_two_markets_by_hand():
    tables, answer = two()
    p = price_of_a(3)
    assert answer.prices.to_numpy() == pytest.approx([p, p + 3], abs=1e-9)
    assert answer.flows.loc["A", "B"] == pytest.approx(2 * p - 25)
    row = answer.table.loc["B"]
    assert row.consumer_surplus == pytest.approx((40 - p - 3) ** 2 / 2)
    assert row.producer_surplus == pytest.approx((p + 3 - 10) ** 2 / 4)
    assert row.imports == pytest.approx(2 * p - 25)
    assert answer.table.loc["A", "exports"] == pytest.approx(2 * p - 25)
    assert answer.welfare == pytest.approx(answer.table[["consumer_surplus", "producer_surplus"]].to_numpy().sum())
    assert check(answer, *tables) < 1e-9


def test_prohibitive_freight_is_autarky():
    for freight in (1000.0, np.inf):
        _, answer = two(freight)
        assert answer.prices.to_numpy() == pytest.approx([12.5, 30], abs=1e-9)
        assert answer.table.imports.sum() == 0


def test_a_tariff_by_hand():
    tariff = grid(["A", "B"], [[0, 4], [4, 0]])
    tables, answer = two(tariff=tariff)
    p = price_of_a(7)
    assert answer.prices.to_numpy() == pytest.approx([p, p + 7], abs=1e-9)
    assert answer.revenue == pytest.approx(4 * (2 * p - 25))
    assert answer.table.loc["B", "revenue"] == pytest.approx(answer.revenue)
    assert check(answer, *tables, tariff=tariff) < 1e-9


def test_a_share_by_hand():
    """25 % of the landed price: the price in B is 1.25 (p + 3)."""
    share = grid(["A", "B"], [[0, 0.25], [0.25, 0]])
    tables, answer = two(ad_valorem=share)
    p = (25 + 45 - 1.5 * 3.75) / (2 + 1.5 * 1.25)
    assert answer.prices.to_numpy() == pytest.approx([p, 1.25 * (p + 3)], abs=1e-9)
    assert answer.duties.loc["A", "B"] == pytest.approx(0.25 * (p + 3))
    assert check(answer, *tables, share=share) < 1e-9


def test_a_floor_by_hand():
    """B buys 40 - P, makes (P - 10)/2, imports the rest; A's price falls to where it exports just that."""
    tables, answer = two(floor={"B": 27.0})
    imports = (40 - 27) - (27 - 10) / 2
    p = (imports + 25) / 2
    assert answer.prices.to_numpy() == pytest.approx([p, 27], abs=1e-9)
    assert answer.duties.loc["A", "B"] == answer.levies.loc["A", "B"] == pytest.approx(27 - p - 3)
    assert answer.revenue == pytest.approx(imports * (27 - p - 3))
    assert answer.buying.empty
    assert check(answer, *tables, floor={"B": 27.0}) < 1e-9
    assert f"a levy of up to {27 - p - 3:.4g} a unit holds the price at 27" in answer.explain()


def test_a_floor_above_the_closed_price_needs_buying():
    tables, answer = two(floor={"B": 34.0})
    assert answer.prices["B"] == pytest.approx(30)  # imports shut out
    row = answer.buying.loc["B"]
    bought = (34 - 10) / 2 - (40 - 34)
    assert row.tolist() == pytest.approx([34, 30, 4, bought, 34 * bought])
    assert check(answer, *tables, floor={"B": 34.0}) < 1e-9
    assert "the levy does not hold 34" in answer.explain()
    assert "buying at the floor would hold it" in answer.explain()


def test_no_quantity_holds_a_floor_above_a_level_supply():
    supply, demand = curves(["A"], [5.0], [0.0]), curves(["A"], [20.0], [1.0])
    answer = sg.spatial_equilibrium(supply, demand, grid(["A"], [[0.0]]), floor={"A": 9.0})
    assert np.isinf(answer.buying.loc["A", "quantity"])
    assert "no quantity of buying" in answer.explain()


def test_an_asymmetric_system_by_hand():
    """Closed markets: 5 + s1 + .8 s2 = 30 - s1 and 5 + s2 - .2 s1 = 30 - s2."""
    names = ["A", "B"]
    supply, demand = curves(names, [5, 5], [1, 1]), curves(names, [30, 30], [1, 1])
    cost, cross = grid(names, [[0, np.inf], [np.inf, 0]]), grid(names, [[0, 0.8], [-0.2, 0]])
    answer = sg.spatial_equilibrium(supply, demand, cost, supply_cross=cross)
    s = np.linalg.solve([[2, 0.8], [-0.2, 2]], [25, 25])
    assert answer.table.produced.to_numpy() == pytest.approx(s)
    assert answer.unique_prices
    assert np.isnan(answer.welfare)
    assert check(answer, supply, demand, cost, cross=(cross, None)) < 1e-9


def test_congestion_by_hand():
    """One way whose cost is 1 + q: 5 + q + 1 + q = 20 - q."""
    way = grid(["A"], [[1]], ["B"])
    answer = sg.spatial_equilibrium(curves(["A"], [5], [1]), curves(["B"], [20], [1]), way, cost_slope=way)
    assert answer.flows.loc["A", "B"] == pytest.approx(14 / 3)
    assert answer.prices.to_dict() == pytest.approx({"A": 5 + 14 / 3, "B": 20 - 14 / 3})


# ---------------------------------------------------------------- second solvers


def pivots(supply, demand, cost, duty):
    """Solve for flows by pivoting one row at a time (Murty's least-index method on ``M Q + q``, M made definite)."""
    places = len(supply)
    start, end = np.kron(np.eye(places), np.ones(places)), np.kron(np.ones(places), np.eye(places))
    matrix = start.T @ np.diag(supply.slope) @ start + end.T @ np.diag(demand.slope) @ end
    vector = start.T @ supply.intercept + (cost + duty).to_numpy().ravel() - end.T @ demand.intercept
    z, whiff = np.zeros(places**2), 1e-3
    for _ in range(60):  # a proximal step each: M alone has ties
        basis = np.zeros(places**2, dtype=bool)
        for _ in range(20_000):
            q = vector - whiff * z
            trial = np.zeros(places**2)
            if basis.any():
                trial[basis] = np.linalg.solve((matrix + whiff * np.eye(places**2))[np.ix_(basis, basis)], -q[basis])
            wrong = np.where(basis, trial, (matrix + whiff * np.eye(places**2)) @ trial + q) < -1e-11
            if not wrong.any():
                break
            basis[np.argmax(wrong)] ^= True
        if np.abs(trial - z).max() < 1e-10:
            return trial.reshape(places, places)
        z = trial
    return z.reshape(places, places)


@pytest.mark.parametrize("seed", range(10))
def test_tariffs_agree_with_pivoting(seed):
    supply, demand, cost, rng = draw(seed, 3)
    tariff = grid(list(supply.market), rng.uniform(0, 8, (3, 3)) * (1 - np.eye(3)))
    answer = sg.spatial_equilibrium(supply, demand, cost, tariff)
    flows = pivots(supply, demand, cost, tariff)
    assert answer.table.produced.to_numpy() == pytest.approx(flows.sum(axis=1), abs=1e-6)
    assert answer.table.consumed.to_numpy() == pytest.approx(flows.sum(axis=0), abs=1e-6)
    assert check(answer, supply, demand, cost, tariff=tariff) < 1e-8


@pytest.mark.parametrize("seed", range(8))
def test_floors_agree_with_rising_duties(seed):
    """Another way to a floor: start without duty, lift it by what the cheapest outsider lacks, again and again."""
    supply, demand, cost, rng = draw(seed, 3)
    names = list(supply.market)
    free = sg.spatial_equilibrium(supply, demand, cost).prices
    floor = {names[0]: float(free.iloc[0] * rng.uniform(1.0, 1.2))}
    answer = sg.spatial_equilibrium(supply, demand, cost, floor=floor)
    duty, outside = pd.DataFrame(0.0, index=names, columns=names), names[1:]
    for _ in range(200):
        flows = pivots(supply, demand, cost, duty)
        pi = supply.intercept.to_numpy() + supply.slope.to_numpy() * flows.sum(axis=1)
        cheapest = (pi[1:] + cost.loc[outside, names[0]].to_numpy()).min()
        lacks = floor[names[0]] - cheapest - duty.loc[outside[0], names[0]]
        if lacks < 1e-8:
            break
        duty.loc[outside, names[0]] += lacks
    price = demand.intercept.to_numpy() - demand.slope.to_numpy() * flows.sum(axis=0)
    assert answer.table.demand_price.to_numpy() == pytest.approx(price, abs=1e-5)
    assert check(answer, supply, demand, cost, floor=floor) < 1e-8


@pytest.mark.parametrize("seed", range(12))
def test_all_instruments_meet_all_conditions(seed):
    supply, demand, cost, rng = draw(seed, 5, flat=0.3, shut=0.3)
    names = list(supply.market)
    tariff = grid(names, rng.uniform(0, 4, (5, 5)) * (1 - np.eye(5)))
    share = grid(names, rng.uniform(0, 0.3, (5, 5)) * (1 - np.eye(5)))
    floor, zone = {names[0]: rng.uniform(15, 40), names[1]: rng.uniform(15, 40)}, [names[2]]
    given = {"tariff": tariff, "ad_valorem": share, "floor": floor, "zone": zone}
    answer = sg.spatial_equilibrium(supply, demand, cost, **given)
    assert check(answer, supply, demand, cost, tariff, share, floor, zone) < 1e-8
    again = sg.spatial_equilibrium(supply, demand, cost, **given, start=answer)
    assert again.prices.to_numpy() == pytest.approx(answer.prices.to_numpy(), abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_asymmetric_systems_meet_all_conditions(seed):
    supply, demand, cost, rng = draw(seed, 5)
    names = list(supply.market)
    own = [table.slope.to_numpy()[:, None] for table in (supply, demand)]
    cross = [grid(names, rng.uniform(-0.1, 0.1, (5, 5)) * slopes) for slopes in own]
    answer = sg.spatial_equilibrium(supply, demand, cost, supply_cross=cross[0], demand_cross=cross[1])
    assert check(answer, supply, demand, cost, cross=cross) < 1e-8


# ---------------------------------------------------------------- laws


@pytest.mark.parametrize("seed", range(6))
def test_a_floor_that_does_not_bind_changes_nothing(seed):
    supply, demand, cost, _ = draw(seed, 5)
    free = sg.spatial_equilibrium(supply, demand, cost)
    low = {name: 0.9 * free.prices[name] for name in ("m0", "m1")}
    held = sg.spatial_equilibrium(supply, demand, cost, floor=low)
    assert (held.duties == 0).all(axis=None)
    assert held.prices.to_numpy() == pytest.approx(free.prices.to_numpy(), abs=1e-9)
    assert held.flows.to_numpy() == pytest.approx(free.flows.to_numpy(), abs=1e-8)
    assert "does not bind" in held.explain()


@pytest.mark.parametrize("seed", range(6))
def test_a_prohibitive_levy_is_autarky_of_the_zone(seed):
    supply, demand, cost, _ = draw(seed, 5)
    zone = ["m0", "m1"]
    held = sg.spatial_equilibrium(supply, demand, cost, floor=dict.fromkeys(zone, 1e4))
    closed = cost.copy()
    closed.loc[["m2", "m3", "m4"], zone] = np.inf
    shut = sg.spatial_equilibrium(supply, demand, closed)
    assert held.prices.to_numpy() == pytest.approx(shut.prices.to_numpy(), abs=1e-8)
    assert set(held.buying.index) == set(zone)


@pytest.mark.parametrize("seed", range(8))
def test_raising_the_floor_never_lowers_a_price_in_the_zone(seed):
    supply, demand, cost, _ = draw(seed, 5, flat=0.2)
    before, answer = None, None
    for level in np.linspace(10, 45, 15):
        answer = sg.spatial_equilibrium(supply, demand, cost, floor={"m0": level, "m1": level}, start=answer)
        now = answer.prices[["m0", "m1"]].to_numpy()
        assert before is None or (now >= before - 1e-8).all()
        bought = set(answer.buying.index)
        assert all(answer.prices[name] >= level - 1e-6 for name in ("m0", "m1") if name not in bought)
        before = now


@pytest.mark.parametrize("seed", range(6))
def test_buying_holds_the_floor(seed):
    """Put the buyer in as demand of its own: the price is the floor with imports from outside shut out."""
    supply, demand, cost, _ = draw(seed, 4)
    floor = {"m0": 60.0, "m1": 55.0}
    answer = sg.spatial_equilibrium(supply, demand, cost, floor=floor)
    assert len(answer.buying)
    wider = cost.copy()
    for name, row in answer.buying.iterrows():
        # A demand that takes just that quantity at the floor, at the cost of a sale at home.
        demand = pd.concat([demand, curves([f"state of {name}"], [row.floor + row.quantity], [1.0])])
        wider[f"state of {name}"] = np.inf
        wider.loc[list(floor), f"state of {name}"] = cost.loc[list(floor), name]
    wider.loc[["m2", "m3"], list(answer.buying.index)] = np.inf
    held = sg.spatial_equilibrium(supply, demand, wider)
    for name, row in answer.buying.iterrows():
        assert held.prices[f"state of {name}"] == pytest.approx(row.floor, abs=1e-7)


def arbitraged():
    """C ships to the zone Z and to T; T pays no duty on its way to Z: goods would go through it."""
    names = ["C", "T", "Z"]
    supply, demand = curves(names, [5, 20, 20], [0.1, 1, 1]), curves(names, [10, 30, 50], [1, 1, 1])
    cost = grid(names, [[0, 2, 2], [2, 0, 1], [2, 1, 0]])
    tariff = grid(names, [[0, 0, 15], [0, 0, 0], [0, 0, 0]])
    return supply, demand, cost, tariff


def test_transshipment_closes_the_arbitrage_and_the_answer_shows_it():
    supply, demand, cost, tariff = arbitraged()
    direct = sg.spatial_equilibrium(supply, demand, cost, tariff)
    row = direct.arbitrage.iloc[0]
    assert (row.origin, row.through, row.to) == ("C", "T", "Z")
    assert row.gain == pytest.approx(direct.prices["Z"] - direct.prices["T"] - 1)
    assert "Arbitrage is left open" in direct.explain()
    through = sg.spatial_equilibrium(supply, demand, cost, tariff, transshipment=True)
    assert through.arbitrage.empty
    assert through.prices["Z"] == pytest.approx(through.prices["T"] + 1)
    assert through.prices["Z"] < direct.prices["Z"]
    assert through.resold.loc["T", "Z"] > 0
    assert through.revenue == pytest.approx(0)


@pytest.mark.parametrize("seed", range(6))
def test_no_gain_through_a_third_market_is_left_with_transshipment(seed):
    supply, demand, cost, rng = draw(seed, 5)
    names = list(supply.market)
    tariff = grid(names, rng.uniform(0, 12, (5, 5)) * (1 - np.eye(5)))
    through = sg.spatial_equilibrium(supply, demand, cost, tariff, floor={"m0": 30.0}, transshipment=True)
    price, duty = through.prices, through.duties
    inward = through.flows.sum(axis=0) > 0
    for middle in names:
        for target in names:
            if middle == target or not inward[middle] or target == "m0":
                continue
            landed = price[middle] + cost.loc[middle, target] + duty.loc[middle, target]
            assert landed >= price[target] - 1e-7
    assert through.arbitrage.empty


@pytest.mark.parametrize("seed", range(4))
def test_a_higher_tariff_never_raises_what_is_imported(seed):
    supply, demand, cost, _ = draw(seed, 4)
    names, before = list(supply.market), np.inf
    for level in np.linspace(0, 20, 9):
        tariff = grid(names, 0.0 * np.ones((4, 4)))
        tariff.loc[names[1:], "m0"] = level
        now = sg.spatial_equilibrium(supply, demand, cost, tariff).table.loc["m0"]
        assert now.imports <= before + 1e-8
        before = now.imports


@pytest.mark.parametrize("seed", range(4))
def test_scale_and_names_do_not_matter(seed):
    supply, demand, cost, _ = draw(seed, 5, shut=0.2)
    floor = {"m1": 30.0, "m3": 28.0}
    one = sg.spatial_equilibrium(supply, demand, cost, floor=floor)
    tonnes, money = 1e6, 1e4
    both = (supply, demand)
    large = [table.assign(intercept=table.intercept * money, slope=table.slope * money / tonnes) for table in both]
    scaled = sg.spatial_equilibrium(*large, cost * money, floor={name: level * money for name, level in floor.items()})
    assert scaled.prices.to_numpy() / money == pytest.approx(one.prices.to_numpy(), abs=1e-8)
    assert scaled.flows.to_numpy() / tonnes == pytest.approx(one.flows.to_numpy(), abs=1e-7)
    assert scaled.residual < 1e-6
    new = {f"m{at}": f"k{(at + 2) % 5}" for at in range(5)}
    order = [3, 0, 4, 1, 2]
    renamed = [table.assign(market=table.market.map(new)).iloc[order] for table in (supply, demand)]
    levels = {new[name]: level for name, level in floor.items()}
    other = sg.spatial_equilibrium(*renamed, cost.rename(new, axis=0).rename(new, axis=1), floor=levels)
    same = other.prices[[new[name] for name in one.prices.index]]
    assert same.to_numpy() == pytest.approx(one.prices.to_numpy(), abs=1e-9)


def test_separate_worlds_do_not_meet():
    (supply, demand, cost), alone = two()
    names = ["A", "B", "X", "Y"]
    shift = {"market": ["X", "Y"], "intercept": lambda table: table.intercept + 1}
    both = [pd.concat([table, table.assign(**shift)]) for table in (supply, demand)]
    wide = grid(names, np.inf * np.ones((4, 4)))
    wide.loc[["A", "B"], ["A", "B"]], wide.loc[["X", "Y"], ["X", "Y"]] = cost.to_numpy(), cost.to_numpy()
    answer = sg.spatial_equilibrium(*both, wide)
    assert answer.prices[["A", "B"]].to_numpy() == pytest.approx(alone.prices.to_numpy(), abs=1e-9)
    assert answer.duties.loc["A", ["X", "Y"]].isna().all()


def test_of_many_flows_the_most_even():
    """Two level suppliers at the same price, two buyers, free ways: all four ways carry the same."""
    supply, demand = curves(["A", "B"], [5, 5], [0, 0]), curves(["X", "Y"], [15, 15], [1, 1])
    cost = grid(["A", "B"], np.ones((2, 2)), ["X", "Y"])
    answer = sg.spatial_equilibrium(supply, demand, cost)
    assert answer.flows.to_numpy() == pytest.approx(4.5 * np.ones((2, 2)), abs=1e-7)
    assert not answer.unique_flows
    assert "least sum of squares" in answer.explain()
    assert answer.residual < 1e-6


def test_the_same_bytes():
    supply, demand, cost, _ = draw(1, 6)
    one, two_ = (sg.spatial_equilibrium(supply, demand, cost, floor={"m0": 33.0}) for _ in range(2))
    for name, table in one.tables.items():
        assert table.to_csv() == two_.tables[name].to_csv()
    assert one.explain() == two_.explain()


def test_a_sweep_starts_where_the_last_one_ended():
    supply, demand, cost, _ = draw(2, 8)
    warm = cold = 0
    answer = sg.spatial_equilibrium(supply, demand, cost)
    for level in np.linspace(12, 40, 50):
        floor = {"m0": level, "m1": level}
        answer = sg.spatial_equilibrium(supply, demand, cost, floor=floor, start=answer)
        fresh = sg.spatial_equilibrium(supply, demand, cost, floor=floor)
        assert answer.prices.to_numpy() == pytest.approx(fresh.prices.to_numpy(), abs=1e-8)
        warm, cold = warm + answer.iterations, cold + fresh.iterations
    assert 5 * warm <= cold


# ---------------------------------------------------------------- what is refused


def faults(*args, **options):
    with pytest.raises(DataError) as caught:
        sg.spatial_equilibrium(*args, **options)
    return str(caught.value)


def test_every_fault_of_the_curves_is_listed():
    supply = curves(["A", "A", None], [1, np.nan, 2], [1, 1, -1])
    demand = pd.DataFrame({"market": ["A"], "price": [3]})
    told = faults(supply, demand, grid(["A"], [[0.0]]))
    for part in (
        "supply row 3: has no market", "supply: has A more than once",
        "supply market A, column `intercept`: is nan; expected a number", "column `slope`: is -1; expected >= 0",
        "demand: lacks column intercept, slope; has market, price",
    ):  # fmt: skip
        assert part in told


def test_every_fault_of_the_frames_is_listed():
    (supply, demand, cost), _ = two()
    told = faults(
        supply, demand, cost.drop("B"), grid(["A", "B"], [[0, -2], [0, 0]]),
        ad_valorem=grid(["A", "B"], [[0, np.nan], [0, 0]]), cost_slope=cost.rename({"B": "Q"}),
    )  # fmt: skip
    for part in (
        "cost: lacks row B. Write inf where there is no way.",
        "tariff from A to B: is -2; expected at least 0. Check it: a tariff lifts a price.",
        "ad_valorem from A to B: is nan; expected a number. Nothing is filled in.",
        "cost_slope: lacks row B. Write 0.", "cost_slope: has row Q, which is no market here.",
    ):  # fmt: skip
        assert part in told
    assert "cost from A to B: is nan; expected a number or inf (no way)" in faults(
        supply, demand, grid(["A", "B"], [[0, np.nan], [1, 0]])
    )
    assert "expected a DataFrame, from row to column" in faults(supply, demand, cost.to_numpy())


@pytest.mark.parametrize(
    ("floor", "told"),
    [
        ({"B": -1.0}, "floor of B: is -1; expected at least 0"),
        ({"Q": 5.0}, "floor of Q: is no market here. Known: A, B"),
        ({}, "floor: names no market, so the zone is empty"),
        ({"B": np.nan}, "floor of B: is nan; expected a price. It has no default."),
        (30.0, "floor: is 30.0; expected a Series, a mapping"),
    ],
)
def test_floors_that_cannot_be(floor, told):
    (supply, demand, cost), _ = two()
    assert told in faults(supply, demand, cost, floor=floor)


def test_a_floor_where_nothing_is_sold():
    (supply, demand, cost), _ = two()
    told = faults(supply, demand[demand.market == "A"], cost, floor={"B": 10.0})
    assert "floor of B: has no demand. A reference price holds where goods are sold; name further members in" in told
    assert "zone: is given without a floor" in faults(supply, demand, cost, zone=["A"])
    assert "zone: names Q, which is no market here" in faults(supply, demand, cost, floor={"B": 10.0}, zone=["Q"])


def test_a_supply_below_a_demand_without_slopes_has_no_end():
    with pytest.raises(InfeasibleError, match="supply of A, demand of A can gain 4 a unit at any prices") as caught:
        sg.spatial_equilibrium(curves(["A"], [5], [0]), curves(["A"], [10], [0]), grid(["A"], [[1.0]]))
    assert caught.value.certificate["names"] == ["supply of A", "demand of A"]


def test_a_start_must_be_about_the_same_markets():
    (supply, demand, cost), answer = two()
    third = [pd.concat([table, curves(["X"], [9], [1])]) for table in (supply, demand)]
    wide = cost.reindex(index=["A", "B", "X"], columns=["A", "B", "X"], fill_value=1.0)
    assert "start: is an answer about other markets" in faults(*third, wide, start=answer)
    assert "start: is int; expected an answer of spatial_equilibrium" in faults(supply, demand, cost, start=3)


def test_indexes_and_names_may_be_anything():
    supply, demand = curves([1, 2], [5, 6], [1, 1]).set_index("market"), curves([2, 3], [20, 30], [1, 1])
    answer = sg.spatial_equilibrium(supply, demand, pd.DataFrame(1.0, index=[1, 2, 3], columns=[1, 2, 3]))
    assert answer.prices.index.tolist() == ["1", "2", "3"]
    assert np.isnan(answer.table.loc["1", "demand_price"])
    assert answer.prices["1"] == answer.table.loc["1", "supply_price"]


def test_a_floor_may_be_given_in_every_plain_form():
    supply = curves(["A", "B"], [10.0, 5.0], [1.0, 0.5])
    demand = curves(["A", "B"], [50.0, 30.0], [1.0, 1.0])
    cost = grid(["A", "B"], [[0, 3], [3, 0]])
    forms = [
        {"floor": {"A": 25.0}},
        {"floor": pd.Series({"A": 25.0})},
        {"floor": pd.DataFrame({"market": ["A"], "price": [25.0]})},
        {"floor": pd.DataFrame({"price": [25.0]}, index=["A"])},
        {"floor": 25.0, "zone": ["A"]},
    ]
    answers = [sg.spatial_equilibrium(supply, demand, cost, **form) for form in forms]
    assert answers[0].prices["A"] == pytest.approx(25)
    assert all(answer.prices.equals(answers[0].prices) for answer in answers)
    for floor in (25.0, pd.DataFrame({"market": ["A"], "low": [1.0], "high": [2.0]}), "25"):
        with pytest.raises(DataError, match="market to reference price"):
            sg.spatial_equilibrium(supply, demand, cost, floor=floor)
