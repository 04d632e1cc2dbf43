"""Promises 1 and 2: a network is a value. Row order never matters, and nothing changes it."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import chain, chain_tables, random_network, random_tables

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.network import doubts, parts, schema
from supplygraph.network.convert import date_line_lines
from supplygraph.network.network import SupplyNetwork

TABLES = sorted(schema.TABLES)


def shuffled(tables, seed):
    return {name: frame.sample(frac=1, random_state=seed) for name, frame in tables.items()}


@given(st.integers(0, 10_000), st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_row_and_column_order_never_matter(seed, order):
    tables = random_tables(seed)
    mixed = {name: frame[sorted(frame.columns)] for name, frame in shuffled(tables, order).items()}
    one, two = SupplyNetwork(**tables), SupplyNetwork(**mixed)
    assert one.fingerprint == two.fingerprint
    assert one == two
    assert hash(one) == hash(two)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))


def test_the_fingerprint_is_the_same_in_another_process():
    code = "from toys import random_network; print(random_network(7).fingerprint)"
    env = os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(Path(__file__).parent.parent)}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == random_network(7).fingerprint


def test_every_cell_counts():
    net = chain()
    seen = {net.fingerprint}
    for table, column, value in (("nodes", "name", "X"), ("edges", "days", 13.0), ("edges", "capacity_t", 1e9),
                                 ("processes", "year", 2023), ("shipments", "flow_high_t", 99.0),
                                 ("references", "url", "u"), ("owners", "reference", None)):  # fmt: skip
        tables = chain_tables()
        tables[table] = tables[table].astype({column: object})
        tables[table].loc[0, column] = value
        seen.add(SupplyNetwork(**tables).fingerprint)
    assert len(seen) == 8


def mutations():
    """Return ways to change a frame in place, through every door pandas leaves open."""

    def by_array(frame, column):
        frame[column].array[0] = frame[column].array[-1]

    def by_values(frame, column):
        frame[column].values[0] = frame[column].values[-1]

    def by_data(frame, column):
        values = frame[column].array
        values._data[0] = 7
        values._mask[0] = False

    def by_numpy(frame, column):
        array = np.asarray(frame[column])
        array.flags.writeable = True
        array[0] = array[-1]

    def by_iloc(frame, column):
        frame.iloc[0, frame.columns.get_loc(column)] = None

    def by_loc(frame, column):
        frame.loc[frame.index[0], column] = frame[column].iloc[-1]

    def by_index(frame, column):
        frame.index.name = "other"
        frame.index.array[0] = "evil"
        frame[column] = 0

    def by_names(frame, _):
        frame.columns.name = "x"
        frame.columns.array[0] = "evil"

    def by_drop(frame, column):
        frame.pop(column)
        frame.index = frame.index[::-1]

    def by_sort(frame, column):
        frame[:] = frame.sort_values(column, ascending=False)

    def by_attrs(frame, _):
        frame.attrs["x"] = 1

    return [by_array, by_values, by_data, by_numpy, by_iloc, by_loc, by_index, by_names, by_drop, by_sort, by_attrs]


NET = random_network(1)
FINGERPRINT = NET.fingerprint
CONTENT = {name: getattr(random_network(1), name) for name in TABLES}


@given(st.sampled_from(TABLES), st.integers(0, 30), st.lists(st.sampled_from(mutations()), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_nothing_done_to_what_it_returns_changes_it(table, k, ways):
    net, before, tables = NET, FINGERPRINT, CONTENT
    frame = getattr(net, table)
    for way in ways:
        if not len(frame) or not len(frame.columns):
            break
        try:
            way(frame, frame.columns[k % len(frame.columns)])
        except (ValueError, TypeError, AttributeError, KeyError):
            continue  # pandas refused: fine too
    fresh = SupplyNetwork.__reduce__(net)[0](*SupplyNetwork.__reduce__(net)[1])  # its fingerprint is computed anew
    assert fresh.fingerprint == before
    pd.testing.assert_frame_equal(getattr(net, table), tables[table])
    assert not getattr(net, table).attrs


def test_what_was_given_may_change_afterwards():
    tables = chain_tables()
    net = SupplyNetwork(**tables, meta={"tags": ["a"]})
    before = SupplyNetwork(**chain_tables()).fingerprint
    for frame in tables.values():
        for column in frame:
            frame[column].array[0:1] = frame[column].array[-1:]
    assert net.fingerprint == before


def test_meta_is_a_copy():
    meta = {"tags": ["a"]}
    net = SupplyNetwork(**chain_tables(), meta=meta)
    meta["tags"].append("b")
    net.meta["tags"].append("c")
    assert net.meta == {"tags": ["a"]}


def test_attributes_cannot_be_set():
    net = chain()
    for name in ("nodes", "meta", "_tables", "new"):
        with pytest.raises(AttributeError):
            setattr(net, name, None)
    with pytest.raises(AttributeError):
        del net._tables


def test_a_value_copies_pickles_and_counts():
    net = random_network(3)
    assert pickle.loads(pickle.dumps(net)) == net  # noqa: S301 - our own bytes
    assert copy.deepcopy(net) is net
    assert len({net, random_network(3), chain()}) == 2
    assert net != chain()
    assert net != "net"
    assert len([name for name in dir(SupplyNetwork) if not name.startswith("_")]) <= 20


def test_indexes_and_types_follow_the_schema():
    net = chain()
    for name, table in schema.TABLES.items():
        frame = getattr(net, name)
        assert [*([frame.index.name] if len(table.key) == 1 else []), *frame.columns] == table.names
        for column in table.columns:
            if column.name in frame:
                kind = {"number": "float64", "integer": "Int64"}.get(column.kind, "str")
                assert frame[column.name].dtype == kind, (name, column.name)
        assert getattr(SupplyNetwork(**{n: getattr(net, n) for n in TABLES}), name).equals(frame)


# -- select and without --------------------------------------------------------------------------------------------


def sound(net):
    """Rebuild from its own tables: refused if any row points nowhere."""
    assert SupplyNetwork(**{name: getattr(net, name) for name in TABLES}) == net
    return net


@given(st.integers(0, 500), st.data())
@settings(max_examples=5, deadline=None)
def test_parts_are_sound_and_smaller(seed, data):
    net = random_network(seed)
    country = data.draw(st.sampled_from(sorted(net.nodes["country"].dropna().unique())))
    edge = data.draw(st.sampled_from(sorted(net.edges.index)))
    node = data.draw(st.sampled_from(sorted(net.nodes.index)))
    product = data.draw(st.sampled_from(sorted(net.products.index)))
    for part in (net.without(countries=country), net.without(edges=edge), net.without(nodes=[node]),
                 net.select(country=country), net.select(product=product), net.select(kind=["mine", "port"]),
                 net.select(mineral="alpha")):  # fmt: skip
        sound(part)
        for name in TABLES:
            assert getattr(part, name).index.isin(getattr(net, name).index).all() or name == "owners"
    gone = net.without(countries=country)
    assert country not in set(gone.nodes["country"])
    way = parts.steps(net.shipments)
    hit = set(way.index[way == edge])
    assert set(net.shipments.index) - set(net.without(edges=edge).shipments.index) == hit


def test_without_a_strait_drops_what_passes_it():
    part = chain().without(nodes="malacca")
    assert part.shipments.index.tolist() == ["s2", "s3", "s4", "s6"]
    assert part.meta["dropped"] == [
        {
            "by": "without",
            "given": {"nodes": ["malacca"]},
            "rows": {"nodes": 1, "edges": 6, "shipments": 3},
            "flow_t": 95.0,
        }
    ]
    again = part.without(edges="met-cape")
    assert [cut["by"] for cut in again.meta["dropped"]] == ["without", "without"]
    assert "a part: 2 cuts took 95 t/year" in repr(again)


def test_select_a_product():
    part = sound(chain().select(product="cobalt-refined"))
    assert part.shipments.index.tolist() == ["s4", "s5", "s6", "s7"]
    assert sorted(part.processes["role"].unique()) == ["transform", "use"]
    assert "tenke" not in part.nodes.index
    assert sorted(part.products.index) == ["cobalt-intermediate", "cobalt-refined"]  # refineries still name the ore


def test_selecting_everything_changes_nothing():
    net = chain()
    assert net.select(mineral="cobalt") is net
    assert net.without() is net
    assert net.select() is net


@pytest.mark.parametrize(
    ("verb", "given", "hint"),
    [("select", {"mineral": "cobolt"}, "'cobalt'"), ("select", {"kind": "mines"}, "'mine'"),
     ("select", {"country": "CHM"}, "'CHN'"), ("select", {"product": "cobalt-refind"}, "'cobalt-refined'"),
     ("without", {"nodes": "kokola"}, "'kokkola'"), ("without", {"countries": ["FIN", "CHM"]}, "'CHN'"),
     ("without", {"edges": "met-cap"}, "'met-cape'")],
)  # fmt: skip
def test_unknown_names_are_answered_with_the_nearest(verb, given, hint):
    with pytest.raises(UnknownNameError, match=f"Did you mean {hint}"):
        getattr(chain(), verb)(**given)


# -- what it says about itself -------------------------------------------------------------------------------------


def test_repr():
    assert repr(chain()) == (
        "SupplyNetwork: cobalt\n"
        "  11 nodes (2 factories, 2 mines, 2 passages, 3 ports, 2 refineries) in 6 countries\n"
        "  6 processes, 21 edges, 7 shipments (209 t/year over all stages), 1 reference\n"
        "  data from 2024; 0% of activity is estimated or of low confidence, 0% at unnamed sites\n"
        "  0 problems"
    )
    tables = chain_tables()
    tables["nodes"].loc[3, "status"] = "residual"
    tables["processes"].loc[3, ["confidence", "activity_t"]] = ["estimated", 50.0]
    said = repr(SupplyNetwork(**tables))
    assert "15% of activity is estimated" in said
    assert "15% at unnamed sites" in said
    assert "2 problems, the first: processes `kokkola-refine`" in said


def test_the_html_repr_is_inert():
    tables = chain_tables()
    net = SupplyNetwork(**tables, meta={"name": "<img src=x onerror=alert(1)>"})
    assert "<img" not in net._repr_html_()
    assert "&lt;img" in net._repr_html_()


def test_an_empty_network_is_a_network():
    empty = {name: frame.iloc[:0] for name, frame in chain_tables().items()}
    net = SupplyNetwork(**empty)
    assert "no activity given" in repr(net)
    assert net.to_networkx().number_of_nodes() == 0
    assert SupplyNetwork.from_networkx(net.to_networkx()) == net
    assert net.to_igraph().ecount() == 0
    assert len(net.to_geopandas()["edges"]) == 0


@pytest.mark.parametrize("seed", range(15))
def test_toys_balance_exactly(seed):
    net = random_network(seed)
    assert doubts.balances({name: getattr(net, name) for name in TABLES}) == []
    assert len(net.shipments)
    assert random_network(seed) == net
    assert len(random_network(seed, shipments=False).shipments) == 0


# -- other libraries -----------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_networkx_round_trip(seed):
    net = SupplyNetwork(**random_tables(seed), meta={"seed": seed})
    graph = net.to_networkx()
    assert graph.is_directed()
    assert graph.is_multigraph()
    assert graph.number_of_edges() == len(net.edges)
    assert {k for *_, k in graph.edges(keys=True)} == set(net.edges.index)
    back = SupplyNetwork.from_networkx(graph)
    assert back == net
    assert back.meta == {"seed": seed}
    flow = sum(d["flow_t"] for *_, d in graph.edges(data=True))
    hops = net.shipments["route"].str.count(";").add(1).fillna(0)
    assert flow == pytest.approx((hops * net.shipments["flow_t"]).sum())


def test_networkx_refuses_what_is_no_network():
    import networkx as nx

    with pytest.raises(DataError, match="expected a networkx MultiDiGraph"):
        SupplyNetwork.from_networkx(nx.DiGraph())
    graph = chain().to_networkx()
    graph.graph["processes"] = "{]"
    with pytest.raises(DataError, match="graph attribute `processes`: is not JSON"):
        SupplyNetwork.from_networkx(graph)
    graph = chain().to_networkx()
    graph.add_edge("durban", "ningbo", key="new", product="cobalt-refined")
    with pytest.raises(DataError, match="column `capacity_t`"):
        SupplyNetwork.from_networkx(graph)


def test_igraph_keeps_order_and_flow():
    net = chain()
    graph = net.to_igraph()
    assert graph.vs["name"] == net.nodes.index.tolist()
    assert graph.es["edge"] == net.edges.index.tolist()
    assert [graph.vs[e.source]["name"] for e in graph.es] == net.edges["source"].tolist()
    flow = dict(zip(graph.es["edge"], graph.es["flow_t"], strict=True))
    assert flow["ore-tenke-durban"] == 100.0
    assert flow["met-rotterdam-erfurt"] == 36.0
    assert graph.vs.find("malacca")["country"] is None


def test_geopandas_geometry():
    frames = chain().to_geopandas()
    assert frames["nodes"].crs == "EPSG:4326"
    assert frames["nodes"].geometry["durban"].coords[0] == (31.0, -29.9)
    assert list(frames["edges"].geometry["met-cape"].coords) == [(121.8, 29.9), (4.3, 51.9)]
    assert frames["edges"].loc["ore-tenke-durban", "flow_t"] == 100.0


def test_lines_are_cut_at_the_date_line():
    start = np.array([[170.0, 0.0], [-170.0, 10.0], [0.0, 0.0], [180.0, 5.0], [100.0, 0.0]])
    stop = np.array([[-170.0, 20.0], [160.0, 40.0], [10.0, 5.0], [-180.0, 5.0], [-80.0, 0.0]])
    lines = date_line_lines(start, stop)
    parts_of = [[list(p.coords) for p in getattr(g, "geoms", [g])] for g in lines]
    assert parts_of[0] == [[(170.0, 0.0), (180.0, 10.0)], [(-180.0, 10.0), (-170.0, 20.0)]]
    assert parts_of[1] == [[(-170.0, 10.0), (-180.0, 20.0)], [(180.0, 20.0), (160.0, 40.0)]]
    assert parts_of[2] == [[(0.0, 0.0), (10.0, 5.0)]]
    for geometry in lines:
        for line in getattr(geometry, "geoms", [geometry]):
            xs = [x for x, _ in line.coords]
            assert max(xs) - min(xs) <= 180
