"""Ways of sea legs: as long as the legs say, through no strait inside."""

from __future__ import annotations

import numpy as np
import pytest

from supplygraph import facts
from supplygraph.world.coast import haversine
from supplygraph.world.geometry import Stop, leg_lines
from supplygraph.world.lanes import SeaGraph, base

PORTS = facts.read("geo/ports.csv").set_index("port")


def stop(name, berth):
    if berth >= 0:
        lanes = base()
        number = lanes.passages.index(name.removeprefix("passage-"))
        lon, lat = lanes.points[(lanes.gate == number) & (lanes.berth == berth)][0]
        return Stop(name, berth, float(lon), float(lat))
    row = PORTS.loc[name.removeprefix("port-")]
    return Stop(name, None, float(row["lon"]), float(row["lat"]))


def length(line):
    return float(haversine(line[:-1, 0], line[:-1, 1], line[1:, 0], line[1:, 1]).sum())


@pytest.mark.parametrize("closed", [(), ("suez",), ("malacca", "sunda", "lombok"), ("panama",)])
def test_ways_are_as_long_as_their_legs(closed):
    graph = SeaGraph()
    chain = graph.chain("port-TZDAR", "port-NLRTM", closed) + graph.chain("port-CNNGB", "port-USLAX", closed)
    lines = leg_lines([(stop(a, i), stop(b, j), km) for a, i, b, j, km in chain])
    assert len(chain) > 3
    for leg, line in zip(chain, lines, strict=True):
        assert length(line) == pytest.approx(leg.km, rel=0.01, abs=60)


def test_no_strait_lies_inside_a_way():
    graph = SeaGraph()
    chain = graph.chain("port-CNNGB", "port-NLRTM")
    gates = {tuple(p) for p in base().points[base().gate >= 0]}
    for leg, line in zip(chain, leg_lines([(stop(a, i), stop(b, j), km) for a, i, b, j, km in chain]), strict=True):
        assert not {tuple(p) for p in line[1:-1]} & gates, leg


def test_unknown_ends_take_the_plain_way_or_none():
    sea, land = Stop("own-jetty", None, 39.4, -6.8), Stop("in the desert", None, 87.0, 44.0)
    far = Stop("own-quay", None, 4.0, 52.0)
    line, nothing = leg_lines([(sea, far, float("nan")), (sea, land, float("nan"))])
    assert nothing is None
    assert length(line) == pytest.approx(11_900, rel=0.1)
    assert np.abs(line).max() <= 180
