"""Concentration behind single factories: the identity with segmentation, and what nobody else could refine."""

import math

import numpy as np
import pandas as pd
import pytest
from measure_nets import COUNTRIES, random_chain
from oracles import arc_program
from toys import chain, random_network

from supplygraph.measures import capacity, inescapable, stages
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.concentration import concentration
from supplygraph.measures.exposure import exposure
from supplygraph.network.network import SupplyNetwork
from supplygraph.world.datasets import load
from supplygraph.world.ensemble import Ensemble

SHAPES = [{}, {"rerefine": 2, "unknown": True}, {"stock": True, "integrated": True}]


@pytest.mark.parametrize("per", ["factory", "country"])
@pytest.mark.parametrize("by", ["country", "owner", "bloc"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(3))
def test_the_mean_is_the_worlds_and_segmentation(seed, shape, by, per):
    net = random_chain(seed, **shape)
    options = {"by": by, "blocs": {"FIN": "eu", "AUS": "eu"} if by == "bloc" else None}
    told = refining_centrality(net, per=per, inescapable=False, **options)
    world = refining_centrality(net, **options)
    table = told.table
    assert told.hhi == world.hhi
    assert abs(told.hhi_factories - told.hhi - told.segmentation) < 1e-12
    assert abs((table["weight"] * table["hhi"]).sum() - told.hhi_factories) < 1e-12
    assert abs((table["weight"] * table["segmentation"]).sum() - told.segmentation) < 1e-12
    assert abs(table["weight"].sum() - 1) < 1e-12
    assert told.segmentation >= 0
    key = "factory" if per == "factory" else "country"
    parts = told.sites.groupby(key)[["share", "centrality"]].sum()
    np.testing.assert_allclose(parts["centrality"], table["hhi"].reindex(parts.index), atol=1e-12)
    np.testing.assert_allclose(parts["share"], 1.0, atol=1e-12)
    of_world = (told.suppliers.mul(table["weight"], axis=0)).sum()
    again = told.suppliers.sub(of_world, axis=1).pow(2).sum(axis=1)
    np.testing.assert_allclose(again, table["segmentation"], atol=1e-12)
    back = told.sites.assign(weight=table["weight"].reindex(told.sites[key]).to_numpy())
    share = (back["weight"] * back["share"]).groupby(back["node"]).sum()
    np.testing.assert_allclose(share, world.table["share"].reindex(share.index), atol=1e-12)


def test_a_kernel_has_its_own_segmentation():
    net = random_chain(3)
    half = np.random.default_rng(0).random((5, 5))
    kernel = pd.DataFrame(half + half.T, COUNTRIES, COUNTRIES)
    told = refining_centrality(net, kernel=kernel, per="factory", inescapable=False)
    assert told.hhi == refining_centrality(net, kernel=kernel).hhi
    assert abs(told.hhi_factories - told.hhi - told.segmentation) < 1e-12
    for factory, shares in told.suppliers.iterrows():
        part = kernel.loc[shares.index, shares.index]
        assert told.table.loc[factory, "hhi"] == pytest.approx(shares @ part @ shares, abs=1e-12)


@pytest.mark.parametrize("mineral", ["cobalt", "nickel", "lithium", "magnet_rare_earths"])
def test_bundled_factories_agree_with_exposure(mineral):
    net = load(mineral)
    told = refining_centrality(net, per="factory", inescapable=False)
    assert told.hhi == pytest.approx(concentration(net, weight="demand").hhi, abs=1e-12)
    assert abs(told.hhi_factories - told.hhi - told.segmentation) < 1e-12
    seen = exposure(net, bounds=False).table
    traced = seen.drop(columns=["demand_t", "unknown", "none"]).div(1 - seen["none"], axis=0)
    factories = told.table.index.intersection(traced.index)
    assert len(factories) == len(traced)
    np.testing.assert_allclose((traced**2).sum(axis=1)[factories], told.table.loc[factories, "hhi"], atol=1e-10)
    ours = told.suppliers.loc[factories, traced.columns.intersection(told.suppliers.columns)]
    np.testing.assert_allclose(ours, traced.loc[factories, ours.columns], atol=1e-12)
    plain = told.table["stock_t"] == 0
    np.testing.assert_allclose(told.table["demand_t"][plain], seen["demand_t"].reindex(told.table.index[plain]))


def _closing(net, stage, code, *, everything):
    """What the oracle closes: sites, and plants that stop at sites that go on."""
    home, country = net.processes["node"], net.nodes["country"]
    is_use = net.processes["role"] == "use"
    there = home.map(country) == code
    if not everything:
        return {"factor": dict.fromkeys(net.processes.index[there & stages.in_stage(net, stage)], 0.0)}
    factories = set(home[is_use])
    sites = [node for node in net.nodes.index[country == code] if node not in factories]
    return {"nodes": sites, "factor": dict.fromkeys(net.processes.index[there & ~is_use & ~home.isin(sites)], 0.0)}


def _tight(seed):
    """A chain whose plants have little to spare, so that closing a country hurts; every port can send to any plant."""
    net = random_chain(seed)
    tables = {name: getattr(net, name) for name in
              ("nodes", "owners", "processes", "edges", "shipments", "products", "references")}
    made = tables["processes"]["output"].notna()
    room = np.random.default_rng(seed).uniform(1.0, 1.3, len(made))
    return SupplyNetwork(**tables | {"processes": tables["processes"].assign(
        capacity_t=np.where(made, tables["processes"]["activity_t"] * room, tables["processes"]["capacity_t"]))})


@pytest.mark.parametrize("make", ["tight", "random"])
@pytest.mark.parametrize("seed", range(5))
def test_inescapable_equals_an_independent_program(seed, make):
    net = _tight(seed) if make == "tight" else random_network(seed).select(mineral="alpha")
    told = refining_centrality(net, per="factory")
    home = net.processes["node"]
    hurt = 0
    for factory in told.table.index:
        uses = net.processes.index[(home == factory) & (net.processes["role"] == "use")]
        demand = net.processes.loc[uses, "activity_t"].sum()
        for code in told.suppliers.columns:
            for name, everything in (("inescapable", False), ("inescapable_all", True)):
                found = told.tables[name].loc[factory, code]
                if demand == 0:
                    assert math.isnan(found)
                    continue
                closed = _closing(net, "refining", code, everything=everything)
                met = arc_program(net, uses=uses, **closed)
                assert found == pytest.approx(max(0.0, 1 - met / demand), abs=1e-6)
                hurt += found > 1e-6
    assert hurt > 0 or make == "random"
    largest = told.table["largest"].dropna()
    for factory, code in largest.items():
        pair = told.table.loc[factory, ["inescapable", "inescapable_all"]].to_numpy(dtype=float)
        tables = [told.tables[name].loc[factory, code] for name in ("inescapable", "inescapable_all")]
        np.testing.assert_array_equal(pair, tables)
    assert (told.inescapable_all.fillna(0.0) >= told.inescapable.fillna(0.0) - 1e-9).all(axis=None)
    assert told.table["method"].isin([capacity.FLOW, capacity.PROGRAM]).all()


@pytest.mark.parametrize("seed", range(3))
def test_flow_and_program_say_the_same(seed, monkeypatch):
    net = _tight(seed)
    escape = inescapable.Escape(net, stages.in_stage(net, "refining").to_numpy(), [])
    assert not escape.engine.by_flow  # recoveries differ
    even = SupplyNetwork(**{name: getattr(net, name) for name in
                            ("nodes", "owners", "edges", "products", "references")},
                         processes=net.processes.assign(recovery=net.processes["recovery"].where(
                             net.processes["recovery"].isna(), 1.0)), shipments=net.shipments)
    by_flow = refining_centrality(even, per="factory")
    assert by_flow.table["method"].eq(capacity.FLOW).all()
    monkeypatch.setattr(capacity.Capacity, "by_flow", property(lambda _: False))
    by_program = refining_centrality(even, per="factory")
    assert by_program.table["method"].eq(capacity.PROGRAM).all()
    for name in ("inescapable", "inescapable_all"):
        np.testing.assert_allclose(by_flow.tables[name], by_program.tables[name], atol=1e-7)
    monkeypatch.setattr(capacity.Capacity, "by_flow", property(lambda _: True))
    bound = refining_centrality(net, per="factory")
    assert bound.table["method"].eq(capacity.BOUND).all()  # never more than the truth
    monkeypatch.setattr(capacity.Capacity, "by_flow", property(lambda _: False))
    exact = refining_centrality(net, per="factory")
    assert (bound.inescapable.fillna(0) <= exact.inescapable.fillna(0) + 1e-9).all(axis=None)
    assert "at least" in bound.explain()


def test_the_toy_by_hand():
    told = refining_centrality(chain(), per="factory")
    china, finland = 72 / 99, 27 / 99
    table = told.table
    assert table.loc["ningde", "hhi"] == pytest.approx((60 / 63) ** 2 + (3 / 63) ** 2)
    assert table.loc["erfurt", "hhi"] == pytest.approx((12 / 36) ** 2 + (24 / 36) ** 2)
    assert table.loc["ningde", "segmentation"] == pytest.approx((60 / 63 - china) ** 2 + (3 / 63 - finland) ** 2)
    assert table["largest"].to_dict() == {"ningde": "CHN", "erfurt": "FIN"}
    # Without Jinchuan, Kokkola makes 40 t of metal for Ningde's 63 t.
    assert told.inescapable.loc["ningde", "CHN"] == pytest.approx(1 - 40 / 63)
    assert told.inescapable_all.loc["ningde", "CHN"] == pytest.approx(1.0)  # its port and the ore's way are China's
    assert told.inescapable.loc["erfurt", "FIN"] == pytest.approx(0.0)  # Jinchuan could make all 36 t
    assert table["inescapable"].to_dict() == {
        "ningde": told.inescapable.loc["ningde", "CHN"], "erfurt": told.inescapable.loc["erfurt", "FIN"]}
    # Abroad, everything closed is what a failing country costs a factory that stands first in line.
    lost = chokepoints(chain(), by="country", demand="erfurt", lenses=("capacity",)).table["loss_share"]
    for code in told.inescapable_all.columns:
        assert told.inescapable_all.loc["erfurt", code] == pytest.approx(lost[code], abs=1e-9)


def test_of_an_owner_only_its_share_stops():
    told = refining_centrality(chain(), per="factory", by="owner")
    assert told.table["largest"].to_dict() == {"ningde": "CHN", "erfurt": "BEL"}
    assert told.inescapable.loc["ningde", "CHN"] == pytest.approx(1 - 40 / 63)
    # China's 80 % of Tenke stops as well: 20 t of ore from there, 12 t from Talvivaara at 0.9.
    assert told.inescapable_all.loc["ningde", "CHN"] == pytest.approx(1 - 0.9 * (20 + 12) / 63)


def test_bounds_hold_the_shares():
    net = random_chain(1)
    for stage in ("mining", "refining"):
        told = refining_centrality(net, stage=stage, per="factory", bounds=True, inescapable=False)
        table = told.table
        assert (table["hhi_bound_low"] <= table["hhi"] + 1e-12).all()
        assert (table["hhi_bound_high"] >= table["hhi"] - 1e-12).all()
        assert (table["hhi_bound_high"] <= 1 + 1e-9).all()
        assert (told.suppliers_bound_low <= told.suppliers + 1e-12).all(axis=None)
        assert (told.suppliers_bound_high >= told.suppliers - 1e-12).all(axis=None)
        width = (told.suppliers_bound_high - told.suppliers_bound_low).to_numpy()
        assert (width.max() > 0.1) == (stage == "mining")
        world = refining_centrality(net, stage=stage, bounds=True)
        for name in ("share", "centrality"):
            assert (world.table[f"{name}_bound_low"] <= world.table[name] + 1e-12).all()
            assert (world.table[f"{name}_bound_high"] >= world.table[name] - 1e-12).all()
        assert world.hhi_bound_low - 1e-12 <= world.hhi <= world.hhi_bound_high + 1e-12
        if stage == "refining":  # nothing mixes after the last refinery
            np.testing.assert_allclose(world.table["share_bound_low"], world.table["share_bound_high"], atol=1e-12)
    traced = exposure(net, stage="mining")
    ours = refining_centrality(net, stage="mining", per="factory", bounds=True, inescapable=False)
    for name in ("low", "high"):
        theirs = traced.tables[f"bound_{name}"].loc[ours.table.index, ours.suppliers.columns]
        np.testing.assert_allclose(ours.tables[f"suppliers_bound_{name}"], theirs, atol=1e-6)


def test_an_ensemble_carries_intervals_and_stability():
    net = load("gallium")
    draws = Ensemble(net, n=8, seed=3, workers=1)
    drawn = [refining_centrality(draws.draw(number)) for number in range(8)]
    told = refining_centrality(draws)
    for name in ("share", "centrality", "marginal", "centrality_owner"):
        assert {f"{name}_low", f"{name}_high"} <= set(told.table.columns)
    values = np.array([one.table["centrality"].reindex(told.table.index).fillna(0.0) for one in drawn])
    np.testing.assert_allclose(told.table["centrality_low"], np.quantile(values, 0.05, axis=0), atol=1e-12)
    highs = np.array([one.table["centrality_high"].reindex(told.table.index).fillna(0.0) for one in drawn])
    np.testing.assert_allclose(told.table["centrality_high"], np.quantile(highs, 0.95, axis=0), atol=1e-12)
    hhi = [one.hhi for one in drawn]
    assert told.figures["hhi_low"] == pytest.approx(np.quantile(hhi, 0.05))
    assert told.figures["effective_n_high"] == pytest.approx(np.quantile(1 / np.array(hhi), 0.95))
    assert told.table["stability"].between(0, 1).all()
    for of in ("nodes", "edges", "passages"):
        assert "share_low" in refining_centrality(draws, of=of).table.columns
    per = refining_centrality(draws, per="factory")
    central = refining_centrality(net, per="factory")
    pd.testing.assert_frame_equal(per.inescapable, central.inescapable)
    assert per.table["inescapable"].equals(central.table["inescapable"].reindex(per.table.index))
    assert {"hhi_low", "hhi_high", "stability"} <= set(per.table.columns)
    for name in ("hhi_factories", "segmentation"):
        assert per.figures[f"{name}_low"] <= per.figures[f"{name}_high"]


def test_words_of_factories():
    told = refining_centrality(chain(), per="factory").explain()
    assert "because their suppliers are not everybody's (segmentation)" in told
    assert "Ningde is the most concentrated: 95% from CHN." in told
    assert "With the refining of their largest supplier closed" in told
