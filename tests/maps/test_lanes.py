from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplygraph.maps import lanes

POINT = st.tuples(st.integers(-3, 3), st.integers(-2, 2))
LINES = st.lists(st.lists(POINT, min_size=2, max_size=8), min_size=1, max_size=6)


def spread(points, flow):
    """Tonnes per directed stretch."""
    out = {}
    for a, b in zip(points[:-1].tolist(), points[1:].tolist(), strict=True):
        if a != b:
            key = (tuple(a), tuple(b))
            out[key] = out.get(key, 0) + flow
    return out


@settings(max_examples=150, deadline=None)
@given(LINES)
def test_merging_keeps_the_tonnes_of_every_stretch(raw):
    lines = [lanes.integer(np.array(line, dtype=float)) for line in raw]
    lines = [line for line in lines if len(line) > 1]
    flows = 10.0 * np.arange(1, len(lines) + 1)[:, None]
    wanted = {}
    for line, flow in zip(lines, flows[:, 0], strict=True):
        for key, tonnes in spread(line, flow).items():
            wanted[key] = wanted.get(key, 0) + tonnes
    found = {}
    for chain in lanes.merge(lines, flows):
        for points, flow in ((chain.points, chain.flow[0, 0]), (chain.points[::-1], chain.flow[1, 0])):
            for key, tonnes in spread(points, flow).items():
                assert key not in found
                found[key] = tonnes
    assert {k: v for k, v in found.items() if v} == pytest.approx(wanted)


def test_lanes_of_the_same_flow_become_one_line():
    line = lanes.integer([(0, 0), (1, 0), (2, 0), (3, 1)])
    (chain,) = lanes.merge([line], np.array([[5.0]]))
    assert len(chain.points) == 4


def test_lines_cross_the_date_line_whole():
    line = lanes.unwrap(lanes.integer([(170, 0), (179, 1), (-179, 2), (-170, 3)]))
    assert np.abs(np.diff(line[:, 0])).max() <= 9 * lanes.SCALE
    west = lanes.unwrap(lanes.integer([(-120, 0), (-118, 1)]))
    assert west[0, 0] == 240 * lanes.SCALE


def test_great_circle_bends_to_the_pole():
    line = lanes.great_circle((-120, 40), (140, 40)) / lanes.SCALE
    assert line[:, 1].max() > 50


def test_thinning_keeps_ends_and_shape():
    points = lanes.integer([(x, 0.001 * (x % 2)) for x in range(20)])
    thin = lanes.thin(points)
    assert thin.tolist() == [points[0].tolist(), points[-1].tolist()]
