"""Alternatives against plain enumeration; forbidden things stay out; every reason is recomputed."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_routes import Way, marks, ways
from toys import chain, chain_tables, random_network, random_tables

import supplygraph as sg
from supplygraph.network.network import SupplyNetwork

SMALL = {"n_mines": 2, "n_refineries": 3, "n_factories": 2, "n_ports": 3}
MANY = 10_000


def mines(net):
    return list(net.processes.index[net.processes["role"] == "extract"])


def uses(net, node, product):
    table = net.processes
    return list(table.index[(table["node"] == node) & (table["role"] == "use") & (table["input"] == product)])


def as_way(net, legs, value):
    """Read the legs of one route back as a way of the enumeration."""
    edges, place = net.edges, net.processes["node"]
    passed = []
    for leg in legs.itertuples():
        stops = [(place[leg.origin], -1)]
        for edge in [] if pd.isna(leg.route) else leg.route.split(";"):
            row = edges.loc[edge]
            assert (row["source"], -1 if pd.isna(row["source_berth"]) else row["source_berth"]) == stops[-1]
            assert row["product"] == leg.product
            assert row["capacity_t"] > 0
            stops.append((row["target"], -1 if pd.isna(row["target_berth"]) else int(row["target_berth"])))
        assert stops[-1] == (place[leg.destination], -1)
        passed.append(tuple(stops))
    return Way((*legs["origin"], legs["destination"].iloc[-1]), tuple(passed), value)


def check(net, table, legs, truth, by, differ, k):
    """Each route is one of all, and the best of those that avoid a mark of every better one; none is left out."""
    known = {(way.processes, way.legs): way.value for way in truth}
    depends = [marks(net, way, differ) for way in truth]
    before: list[frozenset] = []
    for rank, value in table[by].items():
        way = as_way(net, legs.loc[[rank]], value)
        assert known[way.processes, way.legs] == pytest.approx(value)
        left = [w.value for w, m in zip(truth, depends, strict=True) if not any(b <= m for b in before)]
        assert value == pytest.approx(min(left))
        before.append(marks(net, way, differ))
    if len(table) < k:
        assert not [w for w, m in zip(truth, depends, strict=True) if not any(b <= m for b in before)]


@pytest.mark.parametrize("differ", [("country",), ("country", "strait"), ("maker",), ("strait",), ("site",), ("step",)])
@pytest.mark.parametrize("seed", range(6))
def test_against_enumeration(seed, differ):
    net, by = random_network(seed, **SMALL), ("cost_usd_t", "km", "days")[seed % 3]
    found = sg.alternatives(net, differ=differ, by=by, k=4)
    for (target, product), part in found.table.groupby(level=["target", "product"]):
        truth = ways(net, mines(net), uses(net, target, product), by)
        table = part.droplevel(["target", "product"])
        if table["route"].isna().all():
            assert not truth
            continue
        legs = found.legs.reset_index()
        legs = legs[(legs["target"] == target) & (legs["delivered"] == product)]
        check(net, table, legs.set_index("rank"), truth, by, differ, 4)


@pytest.mark.parametrize("seed", range(3))
def test_places_of_unknown_country_stand_for_themselves(seed):
    tables = random_tables(seed, **SMALL)
    blank = np.random.default_rng(seed).random(len(tables["nodes"])) < 0.5
    tables["nodes"]["country"] = tables["nodes"]["country"].mask(blank, None)
    net = SupplyNetwork(**tables)
    for differ in (("country",), ("maker",)):
        target = uses(net, "factory0", "alpha-refining")[0]
        found = sg.alternatives(net, None, target, differ=differ, k=4)
        check(net, found.table, found.legs.reset_index("leg"), ways(net, mines(net), [target]), "cost_usd_t", differ, 4)


def test_a_refinery_as_source_and_as_target_and_a_country():
    net = chain()
    ore = sg.alternatives(net, "tenke", "kokkola")
    assert ore.table.loc[1, "edges"] == "ore-tenke-durban;ore-durban-rotterdam;ore-rotterdam-kokkola"
    assert ore.table.loc[1, "cost_usd_t"] == 220
    metal = sg.alternatives(net, "jinchuan", "DEU")
    assert metal.table.loc[1, "plants"] == "jinchuan-refine;erfurt-use"
    home = sg.alternatives(net, "FIN", "DEU")
    assert home.table.loc[1, "plants"] == "talvivaara-extract;kokkola-refine;erfurt-use"


def test_figures_of_a_route_by_hand():
    row = sg.alternatives(chain(), "tenke", "erfurt").table.loc[1]
    assert row["cost_usd_t"] == pytest.approx(220 / 0.9 + 35)
    assert (row["km"], row["days"]) == (2600 + 13000 + 2200 + 2200 + 550, 12 + 23 + 5 + 5 + 1)
    # Kokkola has 40 - 27 t of metal left, Tenke 20 t of ore (18 of metal), Rotterdam-Kokkola 60 - 20 t (36).
    assert (row["spare_t"], row["bottleneck"]) == (13, "plant kokkola-refine")
    # 20 of the 30 t that Kokkola takes come from Tenke, and 24 t go on to Erfurt.
    assert row["carried_t"] == pytest.approx(24 * 20 / 30)
    assert row["countries"] == "COD;ZAF;NLD;FIN;DEU"


def test_spare_capacity_counts_every_passage_and_says_what_it_does_not_know():
    tables = chain_tables()
    nodes, processes = tables["nodes"].set_index("node"), tables["processes"].set_index("process")
    passing = 20 + 24 + 3  # of ore and of metal over Rotterdam, besides 12 from Jinchuan
    nodes.loc["rotterdam", "throughput_t"] = passing + 12 + 19.0
    given = {**tables, "nodes": nodes.reset_index()}
    row = sg.alternatives(SupplyNetwork(**given), "tenke", "erfurt").table.loc[1]
    assert row["bottleneck"] == "site rotterdam"
    assert row["spare_t"] == pytest.approx(19 / (1 / 0.9 + 1))
    processes.loc["tenke-extract", "activity_t"] = np.nan
    shipments = tables["shipments"].iloc[:0]
    processes["activity_t"] = np.nan
    given = {**tables, "processes": processes.reset_index(), "shipments": shipments}
    row = sg.alternatives(SupplyNetwork(**given), "tenke", "erfurt").table.loc[1]
    assert np.isnan(row["spare_t"])
    assert row["bottleneck"] == "not known: plant tenke-extract"
    assert np.isnan(row["carried_t"])


def test_nothing_limits_a_route_without_limits():
    tables = chain_tables()
    tables["processes"]["capacity_t"] = np.inf
    tables["edges"]["capacity_t"] = np.inf
    row = sg.alternatives(SupplyNetwork(**tables), "tenke", "erfurt").table.loc[1]
    assert np.isposinf(row["spare_t"])
    assert pd.isna(row["bottleneck"])
    assert "no limit" in sg.alternatives(SupplyNetwork(**tables), "tenke", "erfurt").explain()


def test_what_has_no_figure_stays_missing():
    tables = chain_tables()
    edges = tables["edges"].set_index("edge")
    edges.loc["ore-durban-rotterdam", ["cost_usd_t", "distance_km"]] = np.nan
    tables["processes"].loc[tables["processes"]["process"] == "kokkola-refine", "cost_usd_t"] = np.nan
    row = sg.alternatives(SupplyNetwork(**{**tables, "edges": edges.reset_index()}), "tenke", "erfurt").table.loc[1]
    assert np.isnan(row["cost_usd_t"])
    assert np.isnan(row["km"])
    assert row["days"] == 46
    assert row["unpriced"] == 1


def test_parallel_edges_are_no_alternative():
    found = sg.alternatives(chain(), "kokkola", "erfurt", differ="step", k=MANY)
    assert found.table.loc[1, "edges"] == "met-kokkola-rotterdam;met-rotterdam-erfurt"
    assert not found.table["edges"].str.contains("met-kokkola-rotterdam-2").any()
    assert not found.table["sites"].duplicated().any()


@pytest.mark.parametrize("seed", range(6))
def test_forbidden_things_stay_out(seed):
    net = random_network(seed, **SMALL)
    country = net.nodes["country"]
    avoid = [country["port0"], "port1", "passage0"]
    table = sg.alternatives(net, avoid=avoid, k=3, differ="site").table
    used = table["sites"].dropna().str.split(";").explode()
    assert not set(used) & {"port1", "passage0"}
    assert avoid[0] not in set(used.map(country).dropna())
    shut = set(net.nodes.index[country == avoid[0]]) | {"port1", "passage0"}
    for (target, product, rank), row in table.iterrows():
        truth = ways(net, mines(net), uses(net, target, product), closed_nodes=shut)
        if rank == 1:
            assert pd.isna(row["route"]) == (not truth)
            assert pd.isna(row["reason"]) == bool(truth)


def test_policy_bars_plants_of_its_stages_only():
    net, zone = chain(), sg.forge("2026-07-01")
    assert zone.tier("CHN") == "rival"
    free = sg.alternatives(net, "tenke", "ningde").table
    assert free.loc[1, "plants"] == "tenke-extract;jinchuan-refine;ningde-use"
    ruled = sg.alternatives(net, "tenke", "ningde", policy=zone)
    assert ruled.params["require"] == "linked"
    assert set(ruled.table["plants"].str.split(";").str[1]) == {"kokkola-refine"}
    # Unknown is not aligned.
    tables = chain_tables()
    tables["nodes"].loc[tables["nodes"]["node"] == "kokkola", "country"] = None
    with pytest.raises(sg.InfeasibleError, match="unknown country") as caught:
        sg.alternatives(SupplyNetwork(**tables), "tenke", "ningde", policy=zone)
    assert set(caught.value.certificate.table["kind"]) == {"rule"}


def closed_by(net, cut, zone=None, tier="linked"):
    """Translate members of a certificate back to closed sites and processes."""
    nodes, processes = set(), set()
    country = net.nodes["country"]
    for row in cut.itertuples():
        if row.kind == "avoid":
            nodes |= {row.item} if row.item in net.nodes.index else set(net.nodes.index[country == row.item])
        elif row.kind == "rule":
            home = net.processes["node"].map(country)
            here = home.isna() if row.item == "unknown" else home == row.item
            made = net.processes["output"].map(net.products["stage"]) == "refining"
            assert row.item == "unknown" or row.item not in zone.members(tier)
            processes |= set(net.processes.index[here & made])
        else:
            pytest.fail(f"not a member that was asked for: {row}")
    return nodes, processes


@pytest.mark.parametrize("seed", range(14))
def test_the_reason_cuts_and_spares_nothing(seed):
    net, zone = random_network(seed, **SMALL), sg.forge("2026-07-01")
    avoid = [net.nodes["country"]["port0"], "port1", "passage1"]
    target = uses(net, "factory0", "alpha-refining")[0]
    assert ways(net, mines(net), [target])
    every = pd.DataFrame({"kind": "avoid", "item": avoid})
    barred = [c for c in net.nodes["country"].dropna().unique() if c not in zone.members("core")]
    every = pd.concat([every, pd.DataFrame({"kind": "rule", "item": barred})])

    def through(cut):
        nodes, processes = closed_by(net, cut, zone, "core")
        return bool(ways(net, mines(net), [target], closed_nodes=nodes, closed_processes=processes))

    options = {"avoid": avoid, "policy": zone, "require": "core", "k": 1}
    if through(every):
        assert len(sg.alternatives(net, None, target, **options).table) == 1
        return
    with pytest.raises(sg.InfeasibleError) as caught:
        sg.alternatives(net, None, target, **options)
    cut = caught.value.certificate.table
    assert len(cut)
    assert all(name in str(caught.value) for name in cut["name"])
    assert pickle.loads(pickle.dumps(caught.value)).certificate.reason == caught.value.certificate.reason  # noqa: S301
    assert not through(cut)
    for spared in cut.index:
        assert through(cut.drop(index=spared))


def test_no_capacity_is_a_reason():
    tables = chain_tables()
    edges = tables["edges"]
    edges.loc[edges["edge"] == "met-rotterdam-erfurt", "capacity_t"] = 0.0
    tables["shipments"] = tables["shipments"][~tables["shipments"]["shipment"].isin(["s5", "s6"])]
    net = SupplyNetwork(**tables)
    with pytest.raises(sg.InfeasibleError, match=r"Rotterdam – Erfurt \(no capacity\)") as caught:
        sg.alternatives(net, "tenke", "erfurt")
    assert list(caught.value.certificate.table["item"]) == ["met-rotterdam-erfurt"]
    assert "rotterdam" in caught.value.certificate.reached
    assert "erfurt" not in caught.value.certificate.reached
    every = sg.alternatives(net)
    assert every.without_route == 1
    assert "no capacity" in every.table.loc[("erfurt", "cobalt-refined", 1), "reason"]
    assert "No route: Erfurt" in every.explain()


def test_what_was_never_there_is_said():
    tables = chain_tables()
    processes = tables["processes"]
    processes.loc[processes["process"] == "jinchuan-refine", "makes"] = "a"
    processes.loc[processes["process"] == "kokkola-refine", "makes"] = "a"
    processes.loc[processes["process"] == "erfurt-use", "accepts"] = "b"
    bare = {**tables, "shipments": tables["shipments"].iloc[:0]}
    with pytest.raises(sg.InfeasibleError, match=r"none of the 2 plants that make cobalt-refined .* form that Erfurt"):
        sg.alternatives(SupplyNetwork(**bare), "tenke", "erfurt")
    tables = chain_tables()
    bare = {**tables, "shipments": tables["shipments"].iloc[:0],
            "edges": tables["edges"][tables["edges"]["target"] != "erfurt"]}  # fmt: skip
    with pytest.raises(sg.InfeasibleError, match="no edge brings cobalt-refined to Erfurt"):
        sg.alternatives(SupplyNetwork(**bare), "tenke", "erfurt")
    bare["edges"] = tables["edges"][tables["edges"]["source"] != "tenke"]
    with pytest.raises(sg.InfeasibleError, match="no way leads from the source to any of the 2 plants"):
        sg.alternatives(SupplyNetwork(**bare), "tenke", "erfurt")
    with pytest.raises(sg.InfeasibleError, match="nothing that the source gives ever becomes cobalt-intermediate"):
        sg.alternatives(chain(), "jinchuan", "kokkola")


def test_unnamed_rests_are_left_out_unless_asked_for():
    tables = chain_tables()
    tables["nodes"].loc[tables["nodes"]["node"] == "kokkola", "status"] = "residual"
    net = SupplyNetwork(**tables)
    named = sg.alternatives(net, "tenke", "erfurt")
    assert not named.table["residual"].any()
    assert "jinchuan-refine" in named.table.loc[1, "plants"]
    assert "unnamed=True" in named.explain()
    both = sg.alternatives(net, "tenke", "erfurt", unnamed=True)
    assert both.table["residual"].tolist()[:2] == [True, False]
    assert "kokkola-refine" in sg.alternatives(net, "kokkola", "erfurt").table.loc[1, "plants"]
    with pytest.raises(sg.InfeasibleError, match="an unnamed rest, left out"):
        sg.alternatives(net, "talvivaara", "erfurt")


def test_every_problem_at_once():
    with pytest.raises(sg.DataError) as caught:
        sg.alternatives(chain(), "tenk", "rotterdam", k=0, avoid=["CHX", "mallaca"], require="linked", by="price",
                        differ="strats", product="cobalt")  # fmt: skip
    said = str(caught.value)
    for words in (
        "'tenk'. Did you mean 'tenke'", "'rotterdam'", "k: is 0", "'CHX'", "Did you mean 'malacca'",
        "there is no policy", "unknown by 'price'", "Did you mean 'strait'", "unknown product 'cobalt'",
    ):  # fmt: skip
        assert words in said, words
    assert len(caught.value.report) == 9


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"k": True}, sg.DataError, "whole number"),
        ({"k": 2.0}, sg.DataError, "whole number"),
        ({"avoid": "mallaca"}, sg.UnknownNameError, "Did you mean 'malacca'"),
        ({"avoid": [3]}, sg.DataError, "expected names as text"),
        ({"avoid": 3}, sg.DataError, "expected names as text"),
        ({"by": "usd"}, sg.UnknownNameError, "unknown by"),
        ({"differ": ()}, sg.DataError, "names nothing"),
        ({"policy": "forge"}, sg.DataError, "policy=forge"),
        ({"policy": sg.forge(), "require": "lnked"}, sg.UnknownNameError, "Did you mean 'linked'"),
        ({"policy": sg.forge(), "stages": ["separatoin"]}, sg.UnknownNameError, "unknown stage"),
        ({"source": "durbn"}, sg.UnknownNameError, "unknown source"),
        ({"source": "durban"}, sg.DataError, "nothing comes from 'durban'"),
        ({"source": "NLD"}, sg.DataError, "nothing comes from 'NLD'"),
        ({"source": "erfurt"}, sg.DataError, "nothing comes from 'erfurt'"),
        ({"source": "erfurt-use"}, sg.DataError, "gives nothing"),
        ({"target": "tenke"}, sg.DataError, "nothing is taken at 'tenke'"),
        ({"product": "cobalt-intermediate"}, sg.DataError, "no target takes"),
    ],
)
def test_bad_input(options, error, words):
    with pytest.raises(error, match=words):
        sg.alternatives(chain(), **options)


def test_a_target_that_takes_several_products_wants_one_named():
    tables = random_tables(0, **SMALL)
    processes = tables["processes"]
    other = processes[processes["process"] == "factory0-use-alpha"].assign(
        process="second", mineral="beta", input="beta-refining", activity_t=0.0)  # fmt: skip
    tables["processes"] = pd.concat([processes, other], ignore_index=True)
    net = SupplyNetwork(**tables)
    with pytest.raises(sg.DataError, match="takes several: alpha-refining, beta-refining"):
        sg.alternatives(net, None, "factory0")
    assert len(sg.alternatives(net, None, "factory0", product="alpha-refining").table)
    assert len(sg.alternatives(net, "mine0-extract-alpha", "factory0").table)  # only one of them can come from there


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 400), scale=st.sampled_from([0.5, 3.0]))
def test_laws(seed, scale):
    tables = random_tables(seed, **SMALL)
    net = SupplyNetwork(**tables)
    best = sg.alternatives(net, k=3)
    again = sg.alternatives(SupplyNetwork(**{n: t.sample(frac=1, random_state=1) for n, t in tables.items()}), k=3)
    pd.testing.assert_frame_equal(best.table, again.table)
    ranked = best.table["cost_usd_t"].groupby(level=["target", "product"])
    assert (ranked.diff().dropna() >= -1e-9).all()
    first = best.table.xs(1, level="rank")["cost_usd_t"].fillna(np.inf)
    closed = sg.alternatives(net, k=1, avoid="port0").table.xs(1, level="rank")["cost_usd_t"].fillna(np.inf)
    assert (closed >= first - 1e-9).all()
    tables["edges"]["cost_usd_t"] *= scale
    tables["processes"]["cost_usd_t"] *= scale
    scaled = sg.alternatives(SupplyNetwork(**tables), k=3).table["cost_usd_t"]
    assert scaled.to_numpy() == pytest.approx(best.table["cost_usd_t"].to_numpy() * scale, nan_ok=True)


def test_the_answer_is_one():
    net = chain()
    found = sg.alternatives(net, "tenke", "erfurt", differ=("country", "strait"))
    assert found.table.index.name == "rank"
    assert found.provenance["fingerprint"] == net.fingerprint
    assert found.explain().splitlines()[0].startswith("From Tenke to Erfurt: 4 routes")
    assert "There is no further route" in found.explain()
    assert pickle.loads(pickle.dumps(found)).explain() == found.explain()  # noqa: S301
    with pytest.raises(AttributeError, match="frozen"):
        found.title = "x"
    every = sg.alternatives(net)
    assert every.table.index.names == ["target", "product", "rank"]
    assert "From any mine to 2 targets" in every.explain()


def test_routes_as_lines():
    net = chain()
    lines = sg.alternatives(net, "tenke", "erfurt").to_geopandas()
    row = net.nodes.loc[["tenke", "erfurt"]]
    west, south, east, north = lines.geometry.loc[1].bounds
    assert (south, west) == (net.nodes.loc["durban", "lat"], net.nodes.loc["rotterdam", "lon"])
    assert north == net.nodes.loc["kokkola", "lat"]
    assert east >= row["lon"].max()
    assert lines.crs.to_epsg() == 4326


def test_maps(tmp_path):
    net = chain()
    one = sg.alternatives(net, "tenke", "erfurt").save_html(tmp_path / "one.html").read_text()
    assert "All by route 1: Tenke" in one
    assert "All by route 2: Tenke" in one
    assert "Every target by its first route" in sg.alternatives(net).save_html(tmp_path / "all.html").read_text()
    flows = sg.alternatives(net, "tenke", "erfurt")._scenarios()[0]["shipments"]
    assert flows["flow_t"].tolist() == pytest.approx([36 / 0.9, 36])
    ore = sg.alternatives(net, "tenke", "kokkola")._scenarios()[0]["shipments"]
    assert ore["flow_t"].tolist() == pytest.approx([30])


def test_bundled_cobalt_without_china():
    net = sg.load("cobalt")
    found = sg.alternatives(net, avoid="CHN", k=2)
    table = found.table
    home = net.nodes["country"].reindex(table.xs(1, level="rank").index.get_level_values("target"))
    assert found.without_route == (home == "CHN").sum() > 0
    assert not table["countries"].dropna().str.contains("CHN").any()
    assert table["reason"].dropna().str.contains("China \\(avoided\\)").all()
