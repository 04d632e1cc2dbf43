"""The Sankey diagram of a network: every tonne is drawn once, from where it is to where it goes."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import maptoys
import numpy as np
import plotting
import pytest

import supplygraph as sg
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.maps import plots
from supplygraph.maps.plots import layout, stages, style
from supplygraph.network.network import SupplyNetwork

sys.path.append(str(Path(__file__).parents[1] / "measures"))
from trader_nets import resale, with_traders


def nodes(axes):
    found = {(box.get_gid() or ""): box for box in axes.patches}
    return {gid.removeprefix("node "): box for gid, box in found.items() if gid.startswith("node ")}


def bands(axes):
    """Start, end, basis and both thicknesses (inches) of each band."""
    found = []
    for patch in axes.patches:
        words = (patch.get_gid() or "").split(" ")
        if words[0] in {"reported", "estimated"}:
            across = patch.get_path().vertices[:-1]
            half = len(across) // 2
            first, last = across[-1][1] - across[0][1], across[half][1] - across[half - 1][1]
            found.append((words[1], words[2], words[0], first, last, across[0], across[half - 1]))
    return found


def brute(net):
    """Tonnes by country of origin and destination, and by basis."""
    place = net.processes["node"].map(net.nodes["country"])
    sent = net.shipments
    pair = sent.assign(a=sent["origin"].map(place), b=sent["destination"].map(place))
    return pair.groupby(["a", "b", "basis"])["flow_t"].sum()


def test_bands_are_as_thick_as_shipments_are_large():
    net = maptoys.network()
    axes = net.plot()
    boxes = nodes(axes)
    scale = boxes["1:CHN"].get_height() / 800
    drawn = {}
    for start, end, basis, first, last, _, _ in bands(axes):
        assert first == pytest.approx(last)
        key = start.split(":")[1], end.split(":")[1], basis
        drawn[key] = drawn.get(key, 0.0) + first / scale
    expected = brute(net)
    assert drawn.keys() == set(expected.index)
    for key, tonnes in expected.items():
        assert drawn[key] == pytest.approx(tonnes)
    for gid, tonnes in {"0:COD": 900, "0:IDN": 300, "1:FIN": 250, "1:KOR": 150, "2:JPN": 700, "2:DEU": 500}.items():
        assert boxes[gid].get_height() / scale == pytest.approx(tonnes)


@pytest.mark.parametrize("mineral", ["cobalt", "copper", "magnet_rare_earths", "graphite"])
def test_every_tonne_is_drawn_once(mineral):
    net = sg.load(mineral)
    found = stages.of(net, None, 8, ())
    assert found.inside_t == 0
    links = found.links
    assert links[["reported_t", "estimated_t"]].sum().sum() == pytest.approx(net.shipments["flow_t"].sum())
    reported = net.shipments["flow_t"][net.shipments["basis"] == "reported"].sum()
    assert links["reported_t"].sum() == pytest.approx(reported)
    placed = layout.place(found, 5.0, 0.2, 0.05)
    stage = net.products["stage"]
    for column, title in enumerate(found.titles[:-1]):
        made = net.shipments["flow_t"][net.shipments["product"].map(stage).isin(title.lower().split(", "))].sum()
        mine = links[links["column"] == column]
        assert mine[["reported_t", "estimated_t"]].sum().sum() == pytest.approx(made)
    for band in placed.bands:  # each end inside its node, passing bands unbroken
        for (start, end), a, b in zip(band.edges, band.chain, band.chain[1:], strict=False):
            for at, node in ((start, a), (end, b)):
                box = placed.boxes[node]
                assert box.top - 1e-9 <= at
                assert at + band.tonnes * placed.scale <= box.top + box.tonnes * placed.scale + 1e-9
        for (_, into), (out, _) in zip(band.edges, band.edges[1:], strict=False):
            assert into == pytest.approx(out)
    for column in placed.columns:  # nodes do not overlap, and all fit
        tops = [(placed.boxes[node].top, placed.boxes[node].tonnes * placed.scale) for node in column]
        assert tops[0][0] >= -1e-9
        assert sum(tops[-1]) <= 5.0 + 1e-6
        assert all(a + high <= b + 1e-9 for (a, high), (b, _) in pairwise(tops))


@pytest.mark.parametrize("size", tuple(style.SIZES))
@pytest.mark.parametrize("mineral", ["cobalt", "copper", "magnet_rare_earths", "graphite"])
def test_it_can_be_read_at_every_size(mineral, size):
    net = sg.load(mineral)
    axes = net.plot(size=size)
    plotting.check_readable(axes)
    told = plotting.caption(axes)
    assert "Contained tonnes a year" in told
    assert "estimated" in told
    assert "interval of the single shipment spans at least a factor of" in told
    assert net.fingerprint[:8] in told


def test_bands_of_one_node_do_not_overlap():
    axes = sg.load("cobalt").plot()
    leaving = {}
    for start, _, _, first, _, begin, _ in bands(axes):
        leaving.setdefault(start, []).append((begin[1], begin[1] + first))
    for spans in leaving.values():
        spans.sort()
        assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(spans))


def test_a_country_keeps_its_colour_and_basis_its_tone():
    axes = sg.load("cobalt").plot()
    boxes = nodes(axes)
    colours = {}
    for gid, box in boxes.items():
        colours.setdefault(gid.split(":")[1], set()).add(box.get_facecolor())
    assert len(colours["CHN"]) == 1
    assert sum(gid.endswith(":CHN") for gid in boxes) == 3
    named = [name for name in colours if name not in {stages.OTHER, stages.UNKNOWN, stages.STOCK}]
    assert len({next(iter(colours[name])) for name in named}) == len(named)
    tones = {words: patch.get_alpha() for patch in axes.patches for words in [(patch.get_gid() or "").split(" ")[0]]}
    assert tones["reported"] > tones["estimated"]
    assert "tonnes reported (strong bands)" in plotting.caption(axes)
    assert boxes["2:unknown"].get_hatch()


def test_the_rest_is_counted():
    net = maptoys.network()
    found = stages.of(net, None, 1, ())
    assert found.named == ["COD"]
    assert found.folded == {0: 1, 1: 3, 2: 2}
    assert {"Other (3) 1,200\u00a0t", "Other (3) 1.20\u00a0kt"} & set(plotting.texts(net.plot(top=1), "name"))
    assert stages.of(net, None, 1, ("KOR",)).named == ["COD", "KOR"]


def test_what_has_no_country_stands_apart():
    tables = maptoys.tables()
    nodes_ = tables["nodes"]
    tables["nodes"] = nodes_.assign(country=nodes_["country"].mask(nodes_["node"] == "fac-b"))
    found = stages.of(SupplyNetwork(**tables), None, 8, ())
    ends = found.links[found.links["to_key"] == stages.UNKNOWN]
    assert ends[["reported_t", "estimated_t"]].sum().sum() == 500
    assert "Unknown" in " ".join(plotting.texts(SupplyNetwork(**tables).plot(), "name"))


def test_stages_and_highlight():
    net = maptoys.network()
    axes = net.plot(stages=["refining", "use"], highlight="FIN")
    drawn = sum(first for _, _, _, first, _, _, _ in bands(axes))
    assert drawn / nodes(axes)["0:CHN"].get_height() == pytest.approx(1200 / 800)
    lit = {patch.get_gid(): patch.get_alpha() for patch in axes.patches if patch.get_gid().startswith("estimated")}
    mine = {gid for gid in lit if "FIN" in gid}
    assert min(lit[gid] for gid in mine) > max(lit[gid] for gid in lit if gid not in mine)
    assert "Finland: 21\u00a0% of refining, 0\u00a0% of use" in plotting.texts(axes, "told")
    with pytest.raises(DataError, match="nothing is shipped directly between mining, use"):
        net.plot(stages=["mining", "use"])


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"stages": ["smelting"]}, UnknownNameError, "mining, refining, use"),
    ({"highlight": "CHI"}, UnknownNameError, "Did you mean 'CHN'"),
    ({"top": 0}, DataError, "from 1 to 10"),
    ({"size": "large"}, UnknownNameError, "slide"),
    ({"ax": 3}, DataError, "expected axes"),
])  # fmt: skip
def test_refusals(options, error, words):
    with pytest.raises(error, match=words):
        maptoys.network().plot(**options)


def test_several_minerals_and_no_shipments_are_refused():
    with pytest.raises(DataError, match=r"holds cobalt, gallium. Draw one at a time: net.select\(mineral=...\).plot"):
        sg.load(["cobalt", "gallium"]).plot()
    tables = maptoys.tables()
    with pytest.raises(DataError, match="there are none"):
        SupplyNetwork(**{**tables, "shipments": tables["shipments"].iloc[:0]}).plot()


def test_traders_have_a_column_of_their_own():
    found = stages.of(resale(second=True), None, 8, ())
    assert found.titles == ["Mining", "Refining", "Trade", "Use"]
    by = found.links.groupby(["column", "to_column"])["reported_t"].sum()
    assert by.to_dict() == {(0, 1): 20.0, (1, 2): 20.0, (2, 3): 20.0}
    plotting.check_readable(resale(second=True).plot(size="column"))
    net = with_traders(sg.load("gallium"), 1, "gallium-refined")
    inside = stages.of(net, None, 8, ())
    drawn = inside.links[["reported_t", "estimated_t"]].sum().sum()
    assert inside.inside_t > 0
    assert drawn + inside.inside_t == pytest.approx(net.shipments["flow_t"].sum())
    assert "between traders are not drawn" in plotting.caption(net.plot())


def test_the_order_crosses_less_than_by_size():
    found = stages.of(sg.load("magnet_rare_earths"), None, 8, ())
    placed = layout.place(found, 5.0, 0.2, 0.05)
    steps = [(a, b, band.tonnes) for band in placed.bands for a, b in zip(band.chain, band.chain[1:], strict=False)]
    by_size = [sorted(column, key=lambda node: (layout._LAST.get(node[1], 0), -placed.boxes[node].tonnes))
               for column in placed.columns]
    assert layout._crossed(placed.columns, steps) < layout._crossed(by_size, steps)


def test_the_same_network_is_the_same_file(tmp_path):
    tables = maptoys.tables()
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in tables.items()}
    made = [plots.save(SupplyNetwork(**given).plot(), tmp_path / f"{turn}.svg").read_bytes()
            for turn, given in enumerate((tables, tables, shuffled))]
    assert made[0] == made[1] == made[2]


def test_intervals_of_the_estimates():
    net = maptoys.network()
    assert stages.of(net, None, 8, ()).factor == pytest.approx(2.0)
    tables = maptoys.tables()
    none = tables["shipments"].assign(flow_low_t=np.nan, flow_high_t=np.nan)
    told = plotting.caption(SupplyNetwork(**{**tables, "shipments": none}).plot())
    assert "No intervals of the estimates are given" in told
