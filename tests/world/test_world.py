"""The bundled networks: totals, balances, routes and what is known about who supplies whom."""

import numpy as np
import pandas as pd
import pytest

import supplygraph as sg
from supplygraph import facts
from supplygraph.network import formats
from supplygraph.world.datasets import datasets, load

MINERALS = ("antimony", "cobalt", "copper", "gallium", "germanium", "graphite", "lithium", "magnet_rare_earths",
            "nickel", "rare_earths", "tungsten")  # fmt: skip
#: Stages that refine (graphite for industry is processed, not refined).
REFINING = {"refining", "separation", "processing"}


@pytest.fixture(scope="module", params=MINERALS)
def net(request):
    return load(request.param)


def intake(net):
    """Tonnes each process takes in."""
    rows = net.processes[net.processes["input"].notna()]
    recovery = rows["recovery"].where(rows["role"] == "transform", 1.0).fillna(1.0)
    return rows["activity_t"] / recovery


def test_all_minerals_are_there():
    assert tuple(sorted(datasets()["mineral"].unique())) == MINERALS
    with pytest.raises(sg.UnknownNameError, match="Did you mean 'cobalt'"):
        load("cobolt")
    with pytest.raises(sg.UnknownNameError, match="zinc"):
        load(["cobalt", "zinc"])


def test_totals_equal_the_statistics():
    table = datasets()
    told = table[table["statistic_t"].notna()]
    assert (told["network_t"] / told["statistic_t"] - 1).abs().max() < 0.005
    assert told.groupby("mineral").size().min() >= 2
    for mineral, rows in told.groupby("mineral"):
        network = load(mineral)
        made = network.processes.groupby("output")["activity_t"].sum()
        release = network.processes.query("role == 'stock' and output == output")
        made = made.sub(release.groupby("output")["activity_t"].sum(), fill_value=0.0)
        use = network.processes.query("role == 'use'").groupby("input")["activity_t"].sum()
        for row in rows.itertuples():
            total = use[row.product] if row.stage == "manufacturing" else made[row.product]
            assert total == pytest.approx(row.network_t, rel=1e-9)


def test_statistics_are_those_of_the_facts():
    table, facts_table = datasets(), facts.read("facts/production.csv")
    for row in table[table["statistic_t"].notna() & (table["stage"] != "manufacturing")].itertuples():
        rows = facts_table[(facts_table["mineral"] == row.mineral) & (facts_table["stage"] == row.stage)]
        rows = rows[(rows["series"] == row.series) & (rows["year"] == row.year) & (rows["country"] != "WLD")]
        factor = 0.31291 if row.stage == "magnet" else 1.0
        assert rows["quantity_t"].sum() * factor == pytest.approx(row.statistic_t, rel=1e-9)


def test_named_countries_keep_their_figure():
    told = load("cobalt")
    made = told.processes.query("role == 'transform'")
    by = made.groupby(made["node"].map(told.nodes["country"]))["activity_t"].sum()
    rows = facts.read("facts/production.csv").query("mineral == 'cobalt' and stage == 'refining' and year == 2025")
    rows = rows[rows["series"].eq("iea-2026") & ~rows["country"].isin(["WLD", "OTH"])].set_index("country")
    pd.testing.assert_series_equal(
        by.reindex(rows.index), rows["quantity_t"], check_names=False, check_dtype=False, rtol=1e-6
    )


def test_every_process_balances(net):
    sent = net.shipments.groupby("origin")["flow_t"].sum()
    got = net.shipments.groupby("destination")["flow_t"].sum()
    made = net.processes.loc[net.processes["output"].notna(), "activity_t"]
    assert set(sent.index) <= set(made.index)
    assert ((sent.reindex(made.index).fillna(0) - made).abs() / made).max() < 1e-6
    need = intake(net)
    assert ((got.reindex(need.index).fillna(0) - need).abs() / need).max() < 1e-6


def test_every_node_and_product_balances(net):
    steps = net.shipments.assign(edge=net.shipments["route"].str.split(";")).explode("edge").dropna(subset="edge")
    flow = steps.groupby("edge")["flow_t"].sum()
    edges = net.edges.loc[flow.index].assign(flow_t=flow)
    into = edges.groupby(["target", "product"])["flow_t"].sum()
    out = edges.groupby(["source", "product"])["flow_t"].sum()
    made = net.processes[net.processes["output"].notna()].groupby(["node", "output"])["activity_t"].sum()
    need = intake(net).groupby([net.processes["node"], net.processes["input"]]).sum()
    for side in (into, out, made, need):
        side.index.names = ["node", "product"]
    every = into.index.union(out.index).union(made.index).union(need.index)
    into, out, made, need = (side.reindex(every).fillna(0.0) for side in (into, out, made, need))
    through = np.maximum(into + made, out + need)
    assert ((into + made - out - need).abs() / through).max() < 1e-6


def test_shipments_stay_within_capacities(net):
    rows = net.processes
    assert (rows["activity_t"] <= rows["capacity_t"] * (1 + 1e-9)).all()
    assert (net.shipments["flow_t"] > 0).all()


def test_no_way_from_a_mine_to_a_user_avoids_refining(net):
    """Follow products instead of shipments: no cargo, however rerouted, can skip the refining stage."""
    rows = net.processes
    stage = rows["output"].map(net.products["stage"])
    made_of = rows[(rows["role"] == "transform") & ~stage.isin(REFINING)].groupby("output")["input"].agg(set)
    raw = set(rows.loc[rows["role"] == "extract", "output"])
    reach = set(raw)
    while True:
        more = {output for output, inputs in made_of.items() if inputs & reach} - reach
        if not more:
            break
        reach |= more
    assert not reach & set(rows.loc[rows["role"] == "use", "input"])
    released = set(rows.loc[(rows["role"] == "stock") & rows["output"].notna(), "output"])
    assert released <= set(net.products.index)


def test_every_row_has_a_source(net):
    known = set(net.references.index)
    for name in ("nodes", "owners", "processes", "edges", "shipments", "products", "countries"):
        cells = getattr(net, name)["reference"]
        assert cells.notna().all(), name
        assert set(cells) <= known, name


def test_the_quick_reader_reads_what_the_strict_one_does(net):
    mineral = net.meta["minerals"][0]
    strict = formats.read(facts.folder() / "networks" / mineral)
    assert strict == net
    assert strict.meta == net.meta


def test_corrections_are_told(net):
    mineral = net.meta["minerals"][0]
    table = facts.read(f"networks/{mineral}/corrections.csv")
    assert len(table) == len(net.meta["corrections"])
    assert table["reason"].notna().all()
    stock = net.processes.query("role == 'stock'")["activity_t"].sum()
    noted = table[table["what"].str.startswith("stock")]
    assert (noted["before_t"] - noted["after_t"]).abs().sum() == pytest.approx(stock, rel=2e-3, abs=20)


def test_unnamed_rests_have_no_invented_country(net):
    rest = net.nodes[net.nodes["status"] == "residual"]
    world = rest.index.str.endswith("-world")
    assert rest.loc[world, "country"].isna().all()
    assert rest.loc[~world, "country"].notna().all()
    assert rest.index.str.startswith("other-").all()


def test_several_minerals_share_their_sites():
    both = load(["copper", "cobalt"])
    one, two = load("cobalt"), load("copper")
    assert set(both.nodes.index) == set(one.nodes.index) | set(two.nodes.index)
    shared = set(one.processes["node"]) & set(two.processes["node"])
    assert len(shared) >= 5
    assert both.meta["minerals"] == ["cobalt", "copper"]
    assert both.select(mineral="cobalt").processes["activity_t"].sum() == one.processes["activity_t"].sum()
    strict = sg.SupplyNetwork(
        **{name: getattr(both, name) for name in formats.TABLES if name != "meta"},
    )
    assert strict == both


def suppliers(net, node):
    """Share of each country in what a site takes in, and of each site."""
    rows = net.shipments[net.shipments["destination"].map(net.processes["node"]) == node]
    origin = rows["origin"].map(net.processes["node"])
    flow = rows.groupby(origin)["flow_t"].sum()
    by = flow.groupby(flow.index.map(net.nodes["country"])).sum()
    return by / flow.sum()


def test_who_is_known_to_feed_whom():
    cobalt = load("cobalt")
    assert suppliers(cobalt, "niihama")["PHL"] > 0.5
    assert suppliers(cobalt, "fort-saskatchewan")["CUB"] > 0.5
    assert suppliers(cobalt, "kokkola")["COD"] > 0.7
    assert suppliers(cobalt, "ambatovy-toamasina")["MDG"] > 0.99


def test_mount_weld_goes_mainly_to_malaysia():
    net = load("rare_earths")
    origin = net.shipments["origin"].map(net.processes["node"])
    role = net.shipments["destination"].map(net.processes["role"])
    rows = net.shipments[(origin == "mount-weld") & (role != "stock")]
    to = rows.groupby(rows["destination"].map(net.processes["node"]).map(net.nodes["country"]))["flow_t"].sum()
    assert to["MYS"] / to.sum() > 0.5


def test_the_drc_holds_the_cobalt_of_its_ban_year():
    net = load("cobalt")
    stock = net.processes.query("role == 'stock' and input == input")
    by = stock.groupby(stock["node"].map(net.nodes["country"]))["activity_t"].sum()
    assert by["COD"] / by.sum() > 0.95
    assert 50_000 < by["COD"] < 90_000
