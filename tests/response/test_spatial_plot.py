"""The chart of a spatial equilibrium: prices by market, floors as marks, levies and shortfalls in words."""

import numpy as np
import pandas as pd
import pytest
from maps import plotting

import supplygraph as sg

NAMES = ["AUS", "CHN", "DEU", "JPN"]


def answer(floor=None):
    supply = pd.DataFrame({"intercept": [12.0, 5, 25, 24], "slope": [0.5, 0.08, 2, 2]}, index=NAMES)
    demand = pd.DataFrame({"intercept": [45.0, 40, 60, 62], "slope": [2, 0.3, 0.9, 0.8]}, index=NAMES)
    cost = pd.DataFrame(2.0 * (1 - np.eye(4)), index=NAMES, columns=NAMES)
    return sg.spatial_equilibrium(supply, demand, cost, floor=floor)


def shown(axes):
    return [text.get_text() for text in axes.texts]


def floors(axes):
    [lines] = [part for part in axes.collections if part.get_gid() == "floor"]
    return [path[0][0] for path in lines.get_segments()]


@pytest.mark.parametrize("size", ["slide", "page", "column"])
@pytest.mark.parametrize("floor", [None, {"DEU": 30.0}, {"DEU": 30.0, "JPN": 58.0}])
def test_it_can_be_read(size, floor):
    axes = answer(floor).plot(size=size)
    plotting.check_readable(axes)
    assert "No interval" in plotting.caption(axes)
    if floor:
        assert sorted(floors(axes)) == sorted(floor.values())


def test_it_says_what_holds_and_what_does_not():
    told = answer({"DEU": 30.0, "JPN": 58.0})
    texts = " ".join(shown(told.plot()))
    assert "(floor not held)" in texts
    assert f"(levy {told.levies.loc[:, 'DEU'].max():.3g}" in texts
    assert told.plot(top=1).figure is not None
    assert "3 more markets in .prices" in plotting.caption(told.plot(top=1))


def test_markets_with_a_floor_come_first_when_few_fit():
    axes = answer({"CHN": 20.0}).plot(top=1)
    assert floors(axes) == [20.0]
