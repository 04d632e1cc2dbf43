"""Exposure against the enumeration of every path and the dense linear solve."""

import numpy as np
import pytest
from measure_nets import all_paths, random_chain

from supplygraph.errors import UnknownNameError
from supplygraph.measures import tracing
from supplygraph.measures.exposure import exposure


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


def test_explain_lists_the_largest_paths():
    net = random_chain(2, sizes=(3, 2, 3, 2))
    told = exposure(net)
    row = told.table.index[0]
    column = told.table.columns[1]
    words = told.explain(row, column).splitlines()
    assert words[0].startswith(f"Site {row}: ")
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
