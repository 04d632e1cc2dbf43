"""Exposure against the enumeration of every path and the dense linear solve."""

import itertools

import numpy as np
import pytest
from measure_nets import all_paths, random_chain
from toys import chain
from trader_nets import resale, tables_of, with_traders

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures import tracing
from supplygraph.measures.exposure import exposure
from supplygraph.network.network import SupplyNetwork
from supplygraph.world.datasets import load
from supplygraph.world.ensemble import Ensemble


@pytest.mark.parametrize("stage", ["mining", "smelting", "refining"])
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_enumeration_of_every_path(seed, stage):
    net = random_chain(seed, sizes=(3, 2, 3, 3), stock=seed == 3)
    processes, country = net.processes, net.nodes["country"]
    product = {"mining": "ore", "smelting": "matte", "refining": "metal"}[stage]
    members = set(processes.index[processes["output"].eq(product) & processes["role"].ne("stock")])
    told = exposure(net, stage=stage).table
    tonnes = {}
    for weight, steps, _ in all_paths(net):
        crossed = [step for step in steps if step in members]
        supplier = country[processes.loc[crossed[0], "node"]] if crossed else "none"
        key = (processes.loc[steps[0], "node"], supplier)
        if processes.loc[steps[0], "role"] == "use":
            tonnes[key] = tonnes.get(key, 0.0) + weight
    total = net.shipments.set_index("destination")["flow_t"]
    total = total[total.index.isin(processes.index[processes["output"].isna()])].sum()
    for factory, row in told.iterrows():
        for supplier in told.columns.drop(["demand_t", "unknown"]):
            known = tonnes.get((factory, supplier), 0.0) * total / row["demand_t"]
            assert abs(row[supplier] - known) < 1e-12


@pytest.mark.parametrize("to", ["country", "owner", "node"])
@pytest.mark.parametrize("rows", ["factory", "country"])
def test_shares_add_up_to_one_with_loops(to, rows):
    net = random_chain(6, rerefine=3, unknown=True)
    told = exposure(net, to=to, rows=rows).table
    assert told.index.name == ("node" if rows == "factory" else "country")
    np.testing.assert_allclose(told.drop(columns="demand_t").sum(axis=1), 1.0, atol=1e-12)
    assert (told.to_numpy() >= 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_tracing_equals_the_dense_solve(seed):
    net = random_chain(seed, rerefine=3)
    traced = tracing.trace(net)
    walk = traced.matrix().toarray()
    inside = (net.processes["output"] == "metal").to_numpy()
    visits = np.linalg.solve(np.eye(len(walk)) - (walk * ~inside[:, None]).T, traced.demand)
    np.testing.assert_allclose(traced.last(inside), np.where(inside, visits, 0.0), atol=1e-10)
    payoff = np.random.default_rng(seed).random(len(walk))
    value = np.linalg.solve(np.eye(len(walk)) - walk * ~inside, walk @ (payoff * inside))
    np.testing.assert_allclose(traced.expect(inside, payoff), np.where(inside, payoff, value), atol=1e-12)


def test_two_cargoes_through_one_port_stay_apart():
    net = random_chain(0)
    shipments = net.shipments
    direct = shipments.groupby(["destination", "origin"])["flow_t"].sum()
    share = direct / direct.groupby("destination").sum()
    told = exposure(net, to="node")
    for factory in told.table.index:
        process = net.processes.index[net.processes["node"].eq(factory)][0]
        for origin, part in share[process].items():
            assert abs(told.table.loc[factory, net.processes.loc[origin, "node"]] - part) < 1e-12


def tonnes_through(net, stage_product, strait):
    """Tonnes by factory whose chain after the stage passes a strait, one path at a time."""
    processes, routes = net.processes, net.shipments.set_index(["origin", "destination"])["route"]
    stage = set(processes.index[processes["output"].eq(stage_product) & processes["role"].ne("stock")])
    found = {}
    for weight, steps, _ in all_paths(net, smallest=1e-12):
        passed = False
        for end, origin in itertools.pairwise(steps):
            if end in stage:
                break
            route = routes[origin, end]
            edges = route.split(";") if isinstance(route, str) else []
            passed |= strait in {*net.edges.loc[edges, "source"], *net.edges.loc[edges, "target"]}
        found[steps[0]] = found.get(steps[0], 0.0) + weight * passed
    return found


@pytest.mark.parametrize("stage", ["mining", "refining"])
@pytest.mark.parametrize("seed", range(3))
def test_straits_equal_the_enumeration_of_every_path(seed, stage):
    tables = tables_of(random_chain(seed, sizes=(3, 2, 3, 3), stock=seed == 2))
    sea = tables["nodes"]["node"].isin(["p0", "p1", "p2"])
    tables["nodes"].loc[sea, ["kind", "country"]] = ["passage", None]
    net = SupplyNetwork(**tables)
    if seed == 1:
        net = with_traders(net, seed, "metal", swap=False)
    told = exposure(net, to="passage", stage=stage)
    used = net.shipments[net.shipments["destination"].isin(net.processes.index[net.processes["output"].isna()])]
    for strait in ("p0", "p1", "p2"):
        tonnes = tonnes_through(net, {"mining": "ore", "refining": "metal"}[stage], strait)
        for factory in told.table.index:
            process = net.processes.index[net.processes["node"].eq(factory) & net.processes["role"].eq("use")][0]
            demand = used.loc[used["destination"] == process, "flow_t"].sum()
            assert told.table.loc[factory, "demand_t"] == pytest.approx(demand)
            traced = told.table.loc[factory, strait] if strait in told.table else 0.0
            assert traced * demand == pytest.approx(tonnes[process] * used["flow_t"].sum(), abs=1e-9)
    assert not {"unknown", "none"} & set(told.table)
    assert "do not add up" in told.explain()


def test_straits_of_the_small_network_by_hand():
    told = exposure(chain(), to="passage", rows="country")
    # Erfurt: 12 t of 36 come from Jinchuan through Malacca and Suez, 24 t from Kokkola do not.
    assert told.table.loc["DEU", ["malacca", "suez"]].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert told.direct.loc["DEU", "suez"] == pytest.approx(1 / 3)
    words = told.explain("DEU", "suez")
    assert "through Suez Canal" in words
    assert "Jinchuan > Strait of Malacca > Suez Canal > Erfurt" in words


def test_a_trader_hides_who_refines():
    told = exposure(resale(), rows="country")
    assert told.direct.loc["DEU", "BEL"] == 1.0
    assert told.table.loc["DEU", "CHN"] == 1.0
    assert "BEL" not in told.table
    first = told.side_by_side.set_index(["row", "column"])
    assert first.loc[("DEU", "CHN"), ["direct", "traced"]].tolist() == [0.0, 1.0]
    assert first.loc[("DEU", "BEL"), ["direct", "traced"]].tolist() == [1.0, 0.0]
    assert "M > A > B (trader) > C" in told.explain("DEU", "CHN")
    assert told.explain("DEU", "BEL").startswith("Germany: 0.0% from Belgium; 100.0% by who shipped it last")


@pytest.mark.parametrize("seed", range(4))
def test_resale_changes_no_total(seed):
    """Traders mix what they hold, so shares of single factories move; what each refiner serves in all does not."""
    net = random_chain(seed)
    before, after = (exposure(n, to="node").table for n in (net, with_traders(net, seed, "metal")))
    tonnes = [frame.drop(columns="demand_t").mul(frame["demand_t"], axis=0).sum() for frame in (before, after)]
    np.testing.assert_allclose(tonnes[1][tonnes[0].index], tonnes[0], rtol=1e-12)
    np.testing.assert_allclose(after.drop(columns="demand_t").sum(axis=1), 1.0, atol=1e-12)


def test_direct_is_by_the_last_hand():
    net = with_traders(random_chain(1), 1, "metal")
    told = exposure(net, to="node", stage="mining")
    last = net.shipments.assign(by=net.shipments["origin"].map(net.processes["node"]))
    for factory, row in told.direct.iterrows():
        process = net.processes.index[net.processes["node"].eq(factory)][0]
        share = last[last["destination"] == process].groupby("by")["flow_t"].sum() / row["demand_t"]
        np.testing.assert_allclose(row[share.index].to_numpy(dtype=float), share, rtol=1e-12)
    assert {"w0", "w1"} <= set(told.direct)
    np.testing.assert_allclose(told.direct.drop(columns="demand_t").sum(axis=1), 1.0, atol=1e-12)


def test_blocs_in_rows_and_columns():
    net = random_chain(2, unknown=True)
    blocs = {"FIN": "west", "JPN": "west", "AUS": "west"}
    country = exposure(net, stage="mining", rows="country")
    told = exposure(net, to="bloc", stage="mining", rows="bloc", blocs=blocs)
    assert told.table.index.name == "bloc"
    members = [c for c in ("FIN", "JPN", "AUS") if c in country.table]
    tonnes = country.table[members].sum(axis=1) * country.table["demand_t"]
    home = country.table.index.isin(["FIN", "JPN", "AUS"])
    assert told.table.loc["west", "west"] * told.table.loc["west", "demand_t"] == pytest.approx(tonnes[home].sum())
    assert told.explain("west", "west").startswith("west: ")
    plain = exposure(net, stage="mining", rows="bloc", blocs=blocs)
    assert set(plain.table) <= {*country.table}
    for wrong in ({"to": "bloc"}, {"rows": "bloc"}, {"blocs": blocs}):
        with pytest.raises(DataError, match="blocs"):
            exposure(net, **wrong)


@pytest.mark.parametrize("to", ["owner", "passage"])
def test_an_ensemble_brings_intervals(to):
    net = load("cobalt")
    draws = Ensemble(net, 12, 5, workers=1)
    told = exposure(draws, to=to, stage="mining", rows="country")
    alone = exposure(net, to=to, stage="mining", rows="country")
    for name in ("table", "direct", "bound_low", "bound_high"):
        assert told.tables[name].equals(alone.tables[name])
    columns = list(told.low)
    assert columns == [name for name in told.table if name != "demand_t"]
    each = [exposure(draws.draw(k), to=to, stage="mining", rows="country", bounds=False).table for k in range(12)]
    cells = np.stack([table.reindex(columns=columns).fillna(0.0).to_numpy() for table in each])
    np.testing.assert_allclose(told.low, np.quantile(cells, 0.05, axis=0), atol=1e-12)
    np.testing.assert_allclose(told.high, np.quantile(cells, 0.95, axis=0), atol=1e-12)
    assert (told.high > told.low + 0.01).any(axis=None)
    assert list(told.side_by_side)[-2:] == ["low", "high"]
    assert (told.params["draws"], told.params["seed"]) == (12, 5)
    assert "Largest paths" in told.explain("JPN", columns[0]) or told.table.loc["JPN", columns[0]] == 0


def test_lines_side_by_side_come_in_order_of_tonnes():
    told = exposure(with_traders(random_chain(3), 3, "metal"), stage="mining", to="owner")
    lines = told.side_by_side
    tonnes = lines["demand_t"] * lines[["direct", "traced"]].max(axis=1)
    assert (tonnes.diff().dropna() <= 1e-9).all()
    cells = lines.set_index(["row", "column"])
    for row in told.table.index:
        for column in told.table.columns[1:]:
            if told.table.loc[row, column] > 0:
                assert cells.loc[(row, column), "traced"] == told.table.loc[row, column]
                assert cells.loc[(row, column), "bound_high"] == told.bound_high.loc[row, column]


def test_demand_of_no_known_place_is_told_apart():
    tables = tables_of(random_chain(0))
    factory = tables["nodes"]["node"] == "f0"
    tables["nodes"].loc[factory, "country"] = None
    told = exposure(SupplyNetwork(**tables), rows="country")
    by_factory = exposure(SupplyNetwork(**tables)).table["demand_t"]
    assert told.unplaced_t == pytest.approx(by_factory["f0"])
    assert told.demand_t == pytest.approx(told.table["demand_t"].sum())


def test_facility_is_another_word_for_node():
    net = random_chain(1)
    assert exposure(net, to="facility").table.equals(exposure(net, to="node").table)


def test_explain_lists_the_largest_paths():
    net = random_chain(2, sizes=(3, 2, 3, 2))
    told = exposure(net)
    row = told.table.index[0]
    column = told.table.columns[1]
    words = told.explain(row, column).splitlines()
    assert words[0].startswith(f"Site {row}: ")
    assert "by who shipped it last" in words[0]
    listed = [float(line.split("%")[0]) for line in words[1:]]
    assert listed == sorted(listed, reverse=True)
    assert sum(listed) <= 100 * told.table.loc[row, column] + 0.3  # rounding of five figures
    assert words[1].endswith(f"Site {row}")
    assert "Site m" in words[1]


def test_wrong_options():
    net = random_chain(0)
    with pytest.raises(UnknownNameError):
        exposure(net, to="port")
    with pytest.raises(UnknownNameError):
        exposure(net, rows="mine")
    with pytest.raises(UnknownNameError, match="column"):
        exposure(net).explain(exposure(net).table.index[0], "demand_t")
