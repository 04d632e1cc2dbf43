"""Plain nearest routes, listed for all targets in one sweep, against the search that lists them one by one."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from oracle_routes import ways
from toys import chain, chain_tables, random_network, random_tables

import supplygraph as sg
from supplygraph.engine.chainarcs import chain_arcs
from supplygraph.network.network import SupplyNetwork
from supplygraph.response import alternatives as room
from supplygraph.response.routeask import BY, STAGES, Ask

SMALL = {"n_mines": 3, "n_refineries": 3, "n_factories": 3, "n_ports": 4}
SHOWN = ["route", "countries", "straits", "sites", "plants", "edges", "bottleneck", "km", "days", "cost_usd_t",
         "spare_t", "carried_t", "unpriced", "residual"]  # fmt: skip


def both(net, *ends, **options):
    """Ask with the sweep and without it."""
    swept = sg.alternatives(net, *ends, differ="step", **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "chain_arcs", lambda *_, **__: None)
        return swept, sg.alternatives(net, *ends, differ="step", **options)


def lists(found):
    """Split a table by target."""
    keys = ["target", "product"]
    return [part for _, part in found.table.groupby(keys)] if keys[0] in found.table.index.names else [found.table]


def agree(swept, searched):
    """Compare all; of equally long routes the order is free, and which of them are the last ones. Count the rest."""
    k, by, alike = swept.params["k"], swept.params["by"], 0
    pd.testing.assert_index_equal(swept.table.index, searched.table.index)
    assert {name: proof.reason for name, proof in swept.blocked.items()} == {
        name: proof.reason for name, proof in searched.blocked.items()
    }
    for ours, theirs in zip(lists(swept), lists(searched), strict=True):
        values = ours[by].to_numpy()
        assert values == pytest.approx(theirs[by].to_numpy(), rel=1e-9, abs=1e-9, nan_ok=True)
        if ours["route"].isna().all():
            continue
        apart = ~(np.diff(values) < 1e-9 * np.maximum(1.0, np.abs(values[1:])))
        bounds = [0, *(1 + np.flatnonzero(apart)), len(ours)]
        for low, high in pairwise(bounds):
            if high == k:  # equal ones may be left out
                continue
            mine, other = (side.iloc[low:high].reset_index(drop=True)[SHOWN] for side in (ours, theirs))
            mine, other = (side.sort_values(["plants", "edges"], ignore_index=True) for side in (mine, other))
            pd.testing.assert_frame_equal(mine, other)
            if bounds[1] == 1:
                assert sorted(ours["avoids"].iloc[low:high].fillna("")) == sorted(
                    theirs["avoids"].iloc[low:high].fillna("")
                )
            alike += high - low
    assert swept.effort["searches"] <= searched.effort["searches"]
    return alike


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("seed", range(8))
def test_random_networks(seed, by):
    net = random_network(seed, **SMALL)
    assert agree(*both(net, by=by, k=5)) > 0
    avoid = [net.nodes["country"]["port0"], "port1", "passage0"]
    agree(*both(net, by=by, k=4, avoid=avoid))
    agree(*both(net, by=by, k=4, policy=sg.forge("2026-07-01"), require="core"))
    agree(*both(net, "mine0", by=by, k=4, unnamed=True))


@pytest.mark.parametrize("seed", range(12))
def test_a_country_as_target(seed):
    tables = random_tables(seed, **SMALL, shipments=False)
    nodes = tables["nodes"]
    nodes.loc[nodes["kind"] == "factory", "country"] = "FIN"
    more = [("factory0", "factory1", 5.0), ("factory1", "factory0", 7.0), ("factory2", "factory0", 3.0),
            ("port0", "factory2", 9.0)]  # fmt: skip
    link = tables["edges"].iloc[:1].assign(product="alpha-refining", capacity_t=50.0, source_berth=None,
                                           target_berth=None)  # fmt: skip
    links = [link.assign(edge=f"x{i}", source=a, target=b, cost_usd_t=cost) for i, (a, b, cost) in enumerate(more)]
    tables["edges"] = pd.concat([tables["edges"], *links], ignore_index=True)
    assert agree(*both(SupplyNetwork(**tables), None, "FIN", product="alpha-refining", k=8)) > 0


def test_a_route_ends_at_the_first_of_its_targets():
    tables = chain_tables()
    tables["nodes"].loc[tables["nodes"]["node"] == "ningde", "country"] = "DEU"
    edges = tables["edges"]
    link = edges[edges["edge"] == "met-rotterdam-erfurt"].assign(edge="onward", source="erfurt", target="ningde")
    tables["edges"] = pd.concat([edges, link], ignore_index=True)
    net = SupplyNetwork(**tables)
    swept, searched = both(net, "tenke", "DEU", k=50)
    assert agree(swept, searched) == len(swept.table) > 3
    assert not swept.table["edges"].str.contains("onward").any()
    assert swept.table["plants"].str.endswith("ningde-use").any()
    # Asked about alone, it is reached that way too; so it is when every factory is asked about.
    assert sg.alternatives(net, "tenke", "ningde", differ="step", k=50).table["edges"].str.contains("onward").any()
    every = sg.alternatives(net, differ="step", k=50).table.loc["ningde"]
    assert every["edges"].str.contains("onward").any()


def test_plants_at_one_place():
    tables = chain_tables()
    processes = tables["processes"]
    one = processes["process"].isin(["erfurt-use", "kokkola-refine", "talvivaara-extract"])
    second = processes[one].assign(process=processes["process"] + "-2", activity_t=0.0)
    tables["processes"] = pd.concat([processes, second], ignore_index=True)
    net = SupplyNetwork(**tables)
    swept, searched = both(net, "talvivaara", "erfurt", k=50)
    agree(swept, searched)
    # Two mines by two plants; the two factories are one place to arrive at.
    assert len(swept.table) == 4
    assert set(swept.table["plants"].str.split(";").str[-1]) == {"erfurt-use"}
    # As a target each plant is one of its own.
    swept, searched = both(net, "talvivaara-extract", "kokkola", k=50)
    agree(swept, searched)
    assert sorted(swept.table["plants"]) == [f"talvivaara-extract;kokkola-refine{end}" for end in ("", "-2")]


@pytest.mark.parametrize("mineral", ["cobalt", "nickel", "graphite"])
def test_bundled(mineral):
    net = sg.load(mineral)
    zone = sg.forge("2026-07-01")
    asked = [{"k": 3}, {"by": "km", "k": 3, "avoid": ["CHN", "malacca"]}, {"by": "days", "k": 2, "policy": zone}]
    for options in asked:
        swept, searched = both(net, **options)
        assert agree(swept, searched) > 0.3 * len(swept.table)


def test_plants_where_routes_start_are_not_passed_later_on():
    net = sg.load("magnet_rare_earths")
    home = net.processes.index[net.processes["node"].map(net.nodes["country"]) == "KOR"]
    assert {"magnet_rare_earths-metal", "magnet_rare_earths-magnet"} <= set(net.processes.loc[home, "output"].dropna())
    swept, searched = both(net, "KOR", k=6, unnamed=True)
    assert agree(swept, searched) > 0
    assert not swept.table["plants"].dropna().str.split(";").str[1:-1].explode().isin(home).any()


@pytest.mark.parametrize("which", ["cobalt", "graphite", 0, 1, 2, 3])
def test_one_target_is_answered_as_among_all(which):
    net = sg.load(which) if isinstance(which, str) else random_network(which, **SMALL)
    every = sg.alternatives(net, differ="step", k=6, unnamed=True)
    found, legs = every.table[every.table["route"].notna()], every.legs.sort_index()
    for target, product in found.index.droplevel("rank").unique()[::4]:
        one = sg.alternatives(net, None, target, product=product, differ="step", k=6, unnamed=True)
        pd.testing.assert_frame_equal(one.table, found.loc[target, product])
        pd.testing.assert_frame_equal(one.legs, legs.loc[target, product])


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_rows_changes_nothing(seed):
    tables = random_tables(seed, **SMALL)
    mixed = {name: table.sample(frac=1, random_state=seed) for name, table in tables.items()}
    found, again = (sg.alternatives(SupplyNetwork(**given), differ="step", k=6) for given in (tables, mixed))
    pd.testing.assert_frame_equal(found.table, again.table)
    pd.testing.assert_frame_equal(found.legs, again.legs)


def test_more_marks_change_nothing():
    net = chain()
    plain, more = (sg.alternatives(net, differ=differ, k=20).table for differ in ("step", ("step", "country")))
    pd.testing.assert_frame_equal(plain.drop(columns="avoids"), more.drop(columns="avoids"))


def test_fees_below_nothing_and_recoveries_above_one():
    for seed in range(6):
        tables = random_tables(seed, **SMALL)
        processes, rng = tables["processes"], np.random.default_rng(seed)
        processes["cost_usd_t"] = rng.integers(-400, 50, len(processes)).astype(float)
        made = processes["role"] == "transform"
        processes.loc[made, "recovery"] = rng.choice([0.5, 1.0, 1.25], made.sum())
        processes["activity_t"] = np.nan
        tables["shipments"] = tables["shipments"].iloc[:0]
        assert agree(*both(SupplyNetwork(**tables), k=5)) > 0


@pytest.mark.parametrize("seed", [1, 5, 7])
def test_many_routes(seed):
    net = random_network(seed, n_mines=3, n_refineries=3, n_factories=1, n_ports=5)
    target = "factory0-use-alpha"
    truth = ways(net, list(net.processes.index[net.processes["role"] == "extract"]), [target])
    found = sg.alternatives(net, None, target, differ="step", k=len(truth) + 10).table
    assert found["cost_usd_t"].to_numpy() == pytest.approx([way.value for way in truth])
    assert len(found) > 64
    few = sg.alternatives(net, None, target, differ="step", k=len(truth) - 3).table
    assert few["cost_usd_t"].to_numpy() == pytest.approx([way.value for way in truth[:-3]])


@pytest.mark.parametrize("by", BY)
def test_products_that_turn_into_each_other_are_searched_one_by_one(by):
    tables = chain_tables()
    processes, edges = tables["processes"], tables["edges"]
    back = processes[processes["process"] == "jinchuan-refine"].assign(
        process="back", node="erfurt", input="cobalt-refined", output="cobalt-intermediate", recovery=0.5,
        activity_t=0.0)  # fmt: skip
    home = edges[edges["edge"] == "met-rotterdam-erfurt"].assign(
        edge="home", source="erfurt", target="rotterdam", product="cobalt-intermediate")  # fmt: skip
    tables["processes"] = pd.concat([processes, back], ignore_index=True)
    tables["edges"] = pd.concat([edges, home], ignore_index=True)
    net = SupplyNetwork(**tables)
    ask = Ask.of(net, None, None, 5, None, None, None, STAGES, by, "step", None, unnamed=False)
    opened = {"open_arc": ~ask.shut.arc, "open_node": ~ask.shut.node, "open_process": ~ask.shut.process}
    prices = room.Prices(*room.fees_and_gains(ask.graph, by))
    members = [group.processes for group in ask.groups]
    assert chain_arcs(ask.graph, prices, ask.starts, ask.groups[0].product, members, **opened) is None
    swept, searched = both(net, by=by, k=4)
    pd.testing.assert_frame_equal(swept.table, searched.table)
    assert swept.effort["searches"] > 1
