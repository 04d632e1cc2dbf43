"""Bounds over every matching inside processes, against programs that follow each source's tonnes one by one."""

import numpy as np
import pandas as pd
import pytest
from measure_nets import random_chain
from scipy.optimize import linprog
from trader_nets import resale, tables_of, with_traders

from supplygraph.errors import LimitError
from supplygraph.measures import matching, stages
from supplygraph.measures.exposure import exposure
from supplygraph.network.network import SupplyNetwork

STAGE = {"mining": "ore", "smelting": "matte", "refining": "metal"}


class Oracle:
    """Every colouring of every shipment, one colour per process where chains begin; no cell is special."""

    def __init__(self, net, stage):
        self.net, sent = net, net.shipments
        processes = net.processes
        self.flow = sent["flow_t"].to_numpy()
        self.origin, self.end = (processes.index.get_indexer(sent[side]) for side in ("origin", "destination"))
        size = len(processes)
        self.inside = (processes["output"].eq(STAGE[stage]) & ~processes["role"].isin(["stock", "trade"])).to_numpy()
        self.taken, self.given = (np.bincount(side, self.flow, size) for side in (self.end, self.origin))
        self.begins = self.inside | (self.taken == 0)
        self.at = processes["node"].to_numpy()

    def extreme(self, row, worth, sign):
        """Least (sign 1) or largest (-1) tonnes times ``worth`` (per process) at the factory ``row``."""
        colours = np.flatnonzero(self.begins & (self.given > 0))
        count, ships = len(colours), len(self.flow)
        equal, right = [], []
        for s in range(ships):
            line = np.zeros((count, ships))
            line[:, s] = 1.0
            equal.append(line.ravel())
            right.append(self.flow[s])
            if self.begins[self.origin[s]]:
                line = np.zeros((count, ships))
                line[colours == self.origin[s], s] = 1.0
                equal.append(line.ravel())
                right.append(self.flow[s])
        for j in np.flatnonzero(~self.begins & (self.given > 0)):
            for c in range(count):
                line = np.zeros((count, ships))
                line[c, self.origin == j] = 1.0
                line[c, self.end == j] -= self.given[j] / self.taken[j]
                equal.append(line.ravel())
                right.append(0.0)
        arrives = self.at[self.end] == row
        arrives &= self.net.processes["role"].eq("use").to_numpy()[self.end]
        cost = sign * worth[colours][:, None] * arrives[None, :]
        found = linprog(cost.ravel(), A_eq=np.array(equal), b_eq=right)
        assert found.status == 0, found.message
        return sign * found.fun / self.flow[arrives].sum()

    def strait(self, row, passing, sign):
        """Least or largest share of a factory's tonnes that passed some shipments on their chain."""
        ships = len(self.flow)
        fresh, seen, taken = (slice(k * ships, (k + 1) * ships) for k in range(3))  # ``taken``: seen before boarding
        equal, right = [], []
        for s in range(ships):
            line = np.zeros(3 * ships)
            line[[s, ships + s]] = 1.0
            equal.append(line)
            right.append(self.flow[s])
            line = np.zeros(3 * ships)
            if passing[s]:
                line[s] = 1.0  # nothing on it stays unseen
            else:
                line[[ships + s, 2 * ships + s]] = 1.0, -1.0
            equal.append(line)
            right.append(0.0)
            if self.begins[self.origin[s]]:
                line = np.zeros(3 * ships)
                line[2 * ships + s] = 1.0
                equal.append(line)
                right.append(0.0)
        for j in np.flatnonzero(~self.begins & (self.given > 0)):
            line = np.zeros(3 * ships)
            line[taken][self.origin == j] = 1.0
            line[seen][self.end == j] = -self.given[j] / self.taken[j]
            equal.append(line)
            right.append(0.0)
        arrives = self.at[self.end] == row
        arrives &= self.net.processes["role"].eq("use").to_numpy()[self.end]
        cost = np.zeros(3 * ships)
        cost[seen] = sign * arrives
        upper = np.concatenate([self.flow] * 3)
        found = linprog(cost, A_eq=np.array(equal), b_eq=right, bounds=[(0, most) for most in upper])
        assert found.status == 0, found.message
        assert fresh.start == 0
        return sign * found.fun / self.flow[arrives].sum()


def along(net, node):
    """Which shipments have a node on their route."""
    routes = [route.split(";") if isinstance(route, str) else [] for route in net.shipments["route"]]
    return np.array([(net.edges.loc[route, ["source", "target"]] == node).any(axis=None) for route in routes])


def check_cells(net, stage, to, rng, *, cells=8):
    """Compare some cells; return how many were wide."""
    told, oracle = exposure(net, to=to, stage=stage), Oracle(net, stage)
    table, wide = told.table, 0
    assert (told.bound_low <= table + 1e-12).all(axis=None)
    assert (told.bound_high >= table - 1e-12).all(axis=None)
    assert list(told.bound_low) == list(told.bound_high) == list(table)
    who = stages.behind(net, to) if to != "passage" else None
    names = table.columns[1:]
    for row, column in zip(rng.choice(table.index, cells), rng.choice(names, cells), strict=True):
        if to == "passage":
            low, high = (oracle.strait(row, along(net, column), sign) for sign in (1, -1))
        else:
            share = who[who["by"] == column].set_index("node")["share"].reindex(oracle.at).fillna(0.0).to_numpy()
            known = who.groupby("node")["share"].sum().reindex(oracle.at).fillna(0.0).to_numpy()
            worth = {"unknown": 1 - known, "none": np.ones(len(share))}.get(column, share)
            worth = np.where(oracle.inside == (column != "none"), worth, 0.0)
            low, high = (oracle.extreme(row, worth, sign) for sign in (1, -1))
        assert told.bound_low.loc[row, column] == pytest.approx(low, abs=1e-8)
        assert told.bound_high.loc[row, column] == pytest.approx(high, abs=1e-8)
        wide += high - low > 1e-6
    return wide


def straits(net):
    """The same network with its ports turned into straits."""
    tables = tables_of(net)
    ports = tables["nodes"]["node"].isin(["p0", "p1", "p2"])
    tables["nodes"].loc[ports, ["kind", "country"]] = ["passage", None]
    return SupplyNetwork(**tables)


@pytest.mark.parametrize("to", ["country", "node", "owner", "passage"])
@pytest.mark.parametrize("stage", ["mining", "smelting"])
def test_bounds_equal_a_program_over_all_colourings(stage, to):
    rng, wide = np.random.default_rng(3), 0
    for seed in range(4):
        net = straits(random_chain(seed, sizes=(3, 2, 3, 3), stock=seed % 2 == 1, unknown=seed == 2))
        if seed >= 2:
            net = with_traders(net, seed, "metal", swap=seed == 3)
        wide += check_cells(net, stage, to, rng)
    assert wide > 3


def test_loops_after_the_stage():
    rng, wide = np.random.default_rng(4), 0
    for seed in range(4):
        net = with_traders(random_chain(seed, sizes=(3, 2, 2, 3), rerefine=1), seed, "metal")
        wide += check_cells(net, "refining", "node", rng)
    assert wide > 4


def test_fed_half_and_half_feeding_two_factories_anything_is_possible():
    told = exposure(resale(second=True))
    assert told.table.loc["c", ["CHN", "FIN"]].tolist() == [0.5, 0.5]
    assert told.bound_low.loc["c", ["CHN", "FIN"]].tolist() == [0.0, 0.0]
    assert told.bound_high.loc["e", ["CHN", "FIN"]].tolist() == [1.0, 1.0]
    assert told.direct.loc["c", "BEL"] == 1.0
    mined = exposure(resale(second=True), stage="mining")
    pd.testing.assert_frame_equal(mined.bound_low, mined.table)  # one mine only
    pd.testing.assert_frame_equal(mined.bound_high, mined.table)


def test_where_nothing_mixes_the_bounds_are_the_shares():
    for seed in range(3):
        told = exposure(random_chain(seed), stage="refining", to="owner")
        pd.testing.assert_frame_equal(told.bound_low, told.table)
        pd.testing.assert_frame_equal(told.bound_high, told.table)


def test_all_low_bounds_fit_together_with_one_high_one():
    """In a row the largest share of one supplier and the least ones of all others never exceed one."""
    for seed in range(6):
        told = exposure(random_chain(seed), stage="mining", to="node")
        low, high = (frame.drop(columns="demand_t") for frame in (told.bound_low, told.bound_high))
        rest = low.sum(axis=1).to_numpy()[:, None] - low
        assert (high + rest <= 1 + 1e-9).all(axis=None)


def test_too_large_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(matching, "_MOST_WORK", 10)
    net = random_chain(0)
    with pytest.raises(LimitError, match="bounds=False"):
        exposure(net, stage="mining")
    assert "bound_low" not in exposure(net, stage="mining", bounds=False).tables
