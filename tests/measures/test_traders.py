"""Networks with traders: who buys, mixes and sells changes nothing that refining, chokepoints and rerouting rest on."""

import numpy as np
import pytest
from measure_nets import random_chain
from trader_nets import resale, tables_of, with_traders

from supplygraph.engine.arcs import arc_program
from supplygraph.engine.expanded import expand
from supplygraph.engine.limits import Scenario
from supplygraph.engine.linear import solve
from supplygraph.engine.program import max_served
from supplygraph.measures import stages, tracing
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.concentration import concentration
from supplygraph.measures.exposure import exposure
from supplygraph.measures.interdiction import interdict
from supplygraph.network import formats
from supplygraph.network.network import SupplyNetwork
from supplygraph.response.alternatives import alternatives
from supplygraph.response.reroute import reroute
from supplygraph.scenario.shock import Shock


def tight(seed):
    """A chain with traders of no limit, plants with at most half more than they make, and fixed demand."""
    tables = tables_of(random_chain(seed))
    made = tables["processes"]["output"].notna()
    room = np.random.default_rng(seed).uniform(1.0, 1.5, len(made))
    tables["processes"]["capacity_t"] = tables["processes"]["activity_t"] * np.where(made, room, 1.0)
    tables = tables_of(with_traders(SupplyNetwork(**tables), seed, "metal"))
    tables["processes"].loc[tables["processes"]["role"] == "trade", "capacity_t"] = np.inf
    return SupplyNetwork(**tables)


@pytest.mark.parametrize("seed", range(3))
def test_tables_survive_every_format(seed, tmp_path):
    net = with_traders(random_chain(seed), seed, "metal")
    assert formats.read(formats.write(net, tmp_path / "net")) == net
    assert SupplyNetwork.from_networkx(net.to_networkx()) == net
    part = net.select(mineral="toy")
    assert part.processes["role"].eq("trade").sum() == 2


@pytest.mark.parametrize("product", ["ore", "matte", "metal"])
def test_a_trader_belongs_to_no_stage_and_loses_nothing(product):
    net = with_traders(random_chain(1), 1, product)
    trades = net.processes["role"].eq("trade")
    for stage in ("mining", "smelting", "refining"):
        assert not (stages.in_stage(net, stage) & trades).any()
    traced = tracing.trace(net)
    sent, taken = (np.bincount(side, traced.flow, len(trades)) for side in (traced.origin, traced.destination))
    np.testing.assert_allclose(sent[trades], taken[trades])


@pytest.mark.parametrize("by", ["country", "owner"])
@pytest.mark.parametrize("seed", range(3))
def test_concentration_and_centrality(seed, by):
    net = random_chain(seed)
    traded = with_traders(net, seed, "metal")
    for weight in ("production", "demand"):
        plain, resold = (concentration(one, by=by, weight=weight) for one in (net, traded))
        np.testing.assert_allclose(resold.table["share"], plain.table["share"], atol=1e-12)
    told = refining_centrality(traded, by=by)
    assert abs(told.table["centrality"].sum() - told.hhi) < 1e-12
    assert told.hhi == pytest.approx(refining_centrality(net, by=by).hhi)


@pytest.mark.parametrize("second", [False, True])
def test_flows_and_programs_agree_on_losses(second):
    net = resale(second=second)
    flow, program = (chokepoints(net, by="node", engine=engine).table for engine in ("flow", "program"))
    assert set(flow["method"]) == {"max flow, exact"}
    np.testing.assert_allclose(flow["loss_t"], program["loss_t"].reindex(flow.index), atol=1e-9)
    assert flow.loc["b", "loss_t"] == (20.0 if second else 10.0)
    assert flow.loc["b", "dominates"] == (2 if second else 1)
    assert interdict(net, k=1).loss_t == flow["loss_t"].max()


@pytest.mark.parametrize("seed", range(4))
def test_programs_over_routes_and_over_arcs_agree(seed):
    net = tight(seed)
    refiners = net.processes.index[stages.in_stage(net, "refining")]
    graph = expand(net)
    for closed in refiners[:2]:
        scenario = Scenario.calm(graph)
        scenario.process[graph.processes.get_loc(closed)] = 0.0
        program = arc_program(graph, scenario)
        assert np.isfinite(program.linear.upper).all()
        unmet = program.unmet(solve(program.linear).x).sum()
        assert unmet == pytest.approx(max_served(net, closed_processes=[closed]).unmet_t, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_no_shock_no_change_and_a_closed_warehouse_is_gone_round(seed):
    net = with_traders(random_chain(seed), seed, "metal")
    calm = reroute(net, Shock())
    after = calm.shipments_after.groupby(["origin", "destination"])["flow_t"].sum()
    before = net.shipments.groupby(["origin", "destination"])["flow_t"].sum()
    after = after.reindex(before.index.union(after.index), fill_value=0.0)
    np.testing.assert_allclose(after, before.reindex(after.index, fill_value=0.0), atol=1e-6)
    plan = reroute(net, Shock.close(node="w0"))
    assert "trade0" not in {*plan.shipments_after["origin"], *plan.shipments_after["destination"]}
    told = tracing.trace(net, plan.shipments_after)
    assert told.demand.sum() == pytest.approx(tracing.trace(net).demand.sum() - plan.unmet["unmet_t"].sum())


def test_ways_lead_through_warehouses():
    net = resale()
    assert alternatives(net, "a", "c", k=3).table["route"].tolist() == ["A – B – C"]
    assert alternatives(net, "m", "c", k=3).table["route"].iloc[0] == "M – A – B – C"


@pytest.mark.parametrize("seed", range(3))
def test_two_traders_who_sell_to_each_other_mix_as_one_solve_says(seed):
    net = with_traders(random_chain(seed), seed, "metal")
    traced = tracing.trace(net)
    walk = traced.matrix().toarray()
    assert (np.abs(np.linalg.eigvals(walk)) > 1e-9).any()  # a loop indeed
    inverse = np.linalg.inv(np.eye(len(walk)) - walk)
    told = exposure(net, to="node", stage="mining").table
    for factory, row in told.iterrows():
        process = net.processes.index.get_indexer(net.processes.index[net.processes["node"] == factory])[0]
        for mine in ("m0", "m1", "m2", "m3"):
            assert row.get(mine, 0.0) == pytest.approx(inverse[process, net.processes.index.get_loc(f"mine{mine[1]}")])
