"""Sea routes: close to published distances, never through a closed strait, never a silent nothing."""

from __future__ import annotations

import hashlib
import pickle
from itertools import pairwise

import numpy as np
import pytest
import shapely

import supplygraph as sg
from supplygraph import facts
from supplygraph.errors import DataError, InfeasibleError, UnknownNameError
from supplygraph.world.coast import haversine
from supplygraph.world.lanes import TOGETHER, SeaGraph, arctic, base, gate_lines
from supplygraph.world.sea import KM_PER_NM

STRAITS = sorted(base().passages)
SAMPLE = [
    "AUPHE",
    "CLANF",
    "CNSHA",
    "FIKOK",
    "FRLEH",
    "GRPIR",
    "IDPNK",
    "INBOM",
    "JPYOK",
    "NAWVB",
    "NLRTM",
    "PEMRI",
    "ROCND",
    "SADMM",
    "SAJED",
    "SGSIN",
    "TZDAR",
    "USHOU",
    "USNYC",
    "ZADUR",
]
#: Per strait: two ports, and the least km that closing it adds (None = no way is left).
TEETH = {
    "bab_el_mandeb": ("SAJED", "OMSLL", 10000),
    "bering": ("JPYOK", "NLRTM", None),
    "bosporus": ("ROCND", "GRPIR", None),
    "danish": ("SEGOT", "PLGDN", 100),
    "dardanelles": ("ROCND", "GRPIR", None),
    "gibraltar": ("ESALG", "NLRTM", 10000),
    "hormuz": ("SADMM", "AEKLF", None),
    "kiel": ("DEHAM", "PLGDN", 100),
    "panama": ("PABLB", "PACTB", 10000),
    "suez": ("EGPSD", "SAJED", 10000),
}


def crossings(lines, wall):
    """Count the lines that cross a wall, over the date line too."""
    hit = np.zeros(len(lines), dtype=bool)
    for turn in (-360.0, 0.0, 360.0):
        moved = shapely.transform(lines, lambda xy, by=turn: xy + np.array([by, 0.0]))
        hit |= shapely.intersects(moved, wall)
    return hit


@pytest.fixture(scope="module")
def segments():
    lanes = base()
    a, b = lanes.points[lanes.edges[:, 0]], lanes.points[lanes.edges[:, 1]].copy()
    b[:, 0] -= 360 * np.round((b[:, 0] - a[:, 0]) / 360)
    return shapely.linestrings(np.stack([a, b], axis=1))


@pytest.fixture(scope="module")
def graph():
    return SeaGraph(open_arctic=True)


@pytest.fixture(scope="module")
def ids():
    return [f"port-{code}" for code in SAMPLE if f"port-{code}" in SeaGraph().number]


def test_there_are_28_straits_with_controllers_and_a_reference():
    table = facts.read("geo/passages.csv")
    references = set(facts.read("geo/references.csv")["reference"])
    assert sorted(table["passage"]) == STRAITS
    assert len(STRAITS) == 28
    assert {"kiel", "ombai", "suez"} <= set(STRAITS)
    assert table["controllers"].str.fullmatch(r"[A-Z]{3}(;[A-Z]{3})*").all()
    assert set(table["reference"]) <= references
    assert set(arctic()) == {"bering", "northern_sea_route", "northwest_passage"}


def test_every_row_of_the_geographic_tables_has_a_reference_and_a_place_on_earth():
    references = set(facts.read("geo/references.csv")["reference"])
    for name in ("ports", "sea_distances", "borders", "places", "links", "enclaves"):
        table = facts.read(f"geo/{name}.csv")
        assert set(table["reference"]) <= references, name
        assert table["confidence"].notna().all(), name
    ports = facts.read("geo/ports.csv")
    assert ports["port"].is_unique
    assert ports["port"].str.fullmatch("[A-Z]{2}[A-Z2-9]{3}").all()
    assert ports["lon"].between(-180, 180).all()
    assert ports["lat"].between(-90, 90).all()
    assert "NAM" in set(ports["country"])  # Namibia, which careless readers lose


@pytest.mark.parametrize("strait", STRAITS)
def test_no_lane_crosses_a_strait_but_at_its_berths(strait, segments):
    lanes = base()
    number = lanes.passages.index(strait)
    inside = lanes.gate == number
    crossing = crossings(segments, gate_lines()[strait])
    at_berth = inside[lanes.edges[:, 0]] | inside[lanes.edges[:, 1]]
    assert inside.any()
    if strait != "kiel":  # drawn by hand, through the middle of the canal
        away = shapely.distance(shapely.points(lanes.points[inside]), gate_lines()[strait])
        assert away.max() < 1e-3
    assert not (crossing & ~at_berth).any()


@pytest.mark.parametrize("strait", STRAITS)
def test_closing_a_strait_takes_every_way_through_it(strait, graph, ids):
    far = graph.matrix(ids, ids, [strait])
    open_km = graph.matrix(ids, ids)
    assert (far >= open_km - 1e-6).all()
    assert np.allclose(far, far.T)
    wall = gate_lines()[strait]
    for i in range(len(ids)):
        a, b = ids[i], ids[(i * 7 + 3) % len(ids)]
        way = graph.way(a, b, [strait])
        if a != b and way:
            xy = graph.base.points[way[1:-1]]
            turned = np.column_stack([np.rad2deg(np.unwrap(np.deg2rad(xy[:, 0]))), xy[:, 1]])
            assert not crossings(np.array([shapely.LineString(turned)]), wall).any()


@pytest.mark.parametrize("strait", sorted(TEETH))
def test_closing_a_strait_bites_where_it_should(strait):
    a, b, more = TEETH[strait]
    wide = strait in arctic()
    way = sg.sea_route(a, b, arctic=wide)
    assert strait in way.passages
    if wide:
        assert strait not in sg.sea_route(a, b).passages
    elif more is None:
        with pytest.raises(InfeasibleError) as caught:
            sg.sea_route(a, b, closed=strait)
        assert caught.value.certificate == (strait,)
    else:
        assert sg.sea_route(a, b, closed=strait).distance_km > way.distance_km + more


def test_singapore_to_piraeus_without_suez_and_gibraltar_has_no_route_and_says_why():
    shut = ("suez", "gibraltar", "bab_el_mandeb")
    with pytest.raises(InfeasibleError, match="gibraltar, suez") as caught:
        sg.sea_route("Singapore", "Piraeus", closed=shut)
    cut = caught.value.certificate
    assert set(cut) <= set(shut)
    for name in cut:  # none can be left out
        assert sg.sea_route("Singapore", "Piraeus", closed=[c for c in cut if c != name]).distance_km > 0
    with pytest.raises(InfeasibleError):
        sg.sea_route("Singapore", "Piraeus", closed=cut)


def test_the_baltic_needs_the_danish_straits_or_kiel():
    with pytest.raises(InfeasibleError) as caught:
        sg.sea_route("FIKOK", "NLRTM", closed=("danish", "kiel", "suez"))
    assert caught.value.certificate == ("danish", "kiel")
    assert sg.sea_route("FIKOK", "NLRTM", closed="danish").passages == ("kiel",)
    assert sg.sea_route("FIKOK", "NLRTM", closed="kiel").passages == ("danish",)


def test_arctic_ways_are_closed_unless_asked_for():
    usual, north = sg.sea_route("CNSHA", "NLRTM"), sg.sea_route("CNSHA", "NLRTM", arctic=True)
    assert "suez" in usual.passages
    assert set(north.passages) & set(arctic())
    assert north.distance_km < usual.distance_km


def test_distances_agree_with_published_ones():
    table = facts.read("geo/sea_distances.csv")
    errors = []
    for row in table.to_dict("records"):
        closed = row["closed"].split(";") if isinstance(row["closed"], str) else ()
        way = sg.sea_route(row["origin"], row["destination"], closed=closed)
        errors.append(abs(way.distance_nm / row["distance_nm"] - 1))
    assert len(errors) >= 12
    assert np.mean(errors) <= 0.015
    assert np.max(errors) <= 0.025


def test_a_route_adds_up():
    way = sg.sea_route("yokohama", "uslax", speed_knots=15)
    xy = shapely.get_coordinates(way.geometry)
    length = haversine(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1]).sum()
    assert (way.origin, way.destination) == ("JPYOK", "USLAX")
    assert length == pytest.approx(way.distance_km, rel=1e-4)
    assert np.abs(np.diff(xy[:, 0])).max() < 180  # unwrapped over the date line
    assert way.distance_nm == pytest.approx(way.distance_km / KM_PER_NM)
    assert way.days == pytest.approx(way.distance_nm / 15 / 24)
    assert repr(way).startswith("SeaRoute JPYOK to USLAX: ")
    back = sg.sea_route("USLAX", "JPYOK")
    assert back.distance_km == pytest.approx(way.distance_km)
    assert pickle.loads(pickle.dumps(way)) == way  # noqa: S301 - our own bytes


@pytest.mark.parametrize("name", ["suez", "Suez Canal", "passage-suez", "SUEZ", ["suez"]])
def test_straits_go_by_id_or_name(name):
    assert "suez" not in sg.sea_route("SGSIN", "NLRTM", closed=name).passages


def test_wrong_names_and_numbers_are_refused_with_a_hint():
    with pytest.raises(UnknownNameError, match="Shanghai"):
        sg.sea_route("Shangai", "NLRTM")
    with pytest.raises(UnknownNameError, match="malacca"):
        sg.sea_route("CNSHA", "NLRTM", closed="malaca")
    for speed in (0, -1, float("nan"), float("inf")):
        with pytest.raises(DataError, match="knots"):
            sg.sea_route("CNSHA", "NLRTM", speed_knots=speed)
    with pytest.raises(DataError, match="both CNSHA"):
        sg.sea_route("CNSHA", "shanghai")


def test_every_port_reaches_every_other():
    every = SeaGraph()
    km = every.matrix([every.ids[0]], every.ids)
    assert np.isfinite(km).all()


def test_a_chain_leads_from_port_to_port_over_berths():
    every = SeaGraph()
    legs = every.chain("port-CNSHA", "port-NLRTM")
    assert legs[0].source == "port-CNSHA"
    assert legs[-1].target == "port-NLRTM"
    for one, two in pairwise(legs):
        assert (one.target, one.target_berth) == (two.source, two.source_berth)
        assert one.target.startswith("passage-")
        assert one.target_berth >= 0
    assert sum(leg.km for leg in legs) == pytest.approx(every.matrix(["port-CNSHA"], ["port-NLRTM"])[0, 0])
    assert every.chain("port-ROCND", "port-GRPIR", ["bosporus"]) == []


def test_a_jetty_joins_the_sea_on_its_own_side_of_a_strait():
    west, east = ("jetty-west", 31.9, 31.4), ("jetty-east", 32.7, 29.2)  # on either side of Suez
    every = SeaGraph([west, east])
    assert every.matrix(["jetty-west"], ["jetty-east"])[0, 0] < 600
    assert every.matrix(["jetty-west"], ["jetty-east"], ["suez"])[0, 0] > 15000


def lane_matrix(lanes, ends, closed):
    """Shortest distances over a table of lanes alone."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    shut = {f"passage-{name}" for name in closed}
    use = lanes[~lanes["source"].isin(shut) & ~lanes["target"].isin(shut)]
    names = {}
    ids = [
        [names.setdefault(end, len(names)) for end in zip(use[s], use[f"{s}_berth"], strict=True)]
        for s in ("source", "target")
    ]
    terminals = [names.setdefault((end, -1), len(names)) for end in ends]
    arcs = csr_array((use["distance_km"].to_numpy(), (ids[0], ids[1])), shape=(len(names),) * 2)
    return dijkstra(arcs, indices=terminals)[:, terminals]


def test_lanes_alone_give_the_distances_of_the_whole_network_under_every_closure(ids):
    every = SeaGraph()
    lanes = every.lanes(ids, ids)
    assert len(lanes) < 6000
    assert (lanes["distance_km"] > 0).all()
    assert not lanes.duplicated(["source", "source_berth", "target", "target_berth"]).any()
    for closed in [(), *((s,) for s in STRAITS if s not in arctic()), *TOGETHER]:
        truth = every.matrix(ids, ids, closed)
        found = lane_matrix(lanes, ids, closed)
        assert (np.isfinite(truth) == np.isfinite(found)).all(), closed
        reach = np.isfinite(truth)
        assert np.allclose(found[reach], truth[reach], rtol=1e-6, atol=0.01), closed


def test_lanes_come_out_the_same_every_time(ids):
    texts = [SeaGraph().lanes(names, ids).to_csv(index=False) for names in (ids, ids[::-1])]
    assert len({hashlib.sha256(text.encode()).hexdigest() for text in texts}) == 1
