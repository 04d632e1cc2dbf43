"""Map and charts of where to build."""

from __future__ import annotations

import re

import pytest
from test_invest import CLOSED, SPAN, toy_projects
from toys import chain

from supplygraph.errors import DataError
from supplygraph.maps import plots
from supplygraph.response.invest import invest


@pytest.fixture(scope="module")
def answer():
    projects = toy_projects().assign(status=["construction", "feasibility", "feasibility"])
    return invest(chain(), projects, budget=400.0, horizon=SPAN, scenarios=CLOSED, frontier=("loss", "cost"), points=4)


def test_map_fills_what_is_built_and_leaves_the_rest_hollow(answer):
    drawn = answer.map()
    payload = drawn.payload if hasattr(drawn, "payload") else drawn._payload
    nodes = [row[0] for row in payload["nodes"]]
    filled = {nodes[number] for number in payload["answer"]["filled"]}
    built = answer.table[answer.table["funded"] | (answer.table["role"] == "goes ahead")]
    assert filled == set(built.index)
    assert set(answer.table.index) <= set(nodes)
    assert set(payload["answer"]["sizes"]) == {str(nodes.index(name)) for name in answer.table.index}
    named = [row[1] for row in payload["answer"]["ranked"]]
    funded = answer.table[answer.table["funded"]]
    assert sorted(named) == sorted(f"{row['name']}, {row['year']}" for _, row in funded.iterrows())


def test_page_is_the_same_every_time(answer, tmp_path):
    one, two = (answer.save_html(tmp_path / f"{name}.html").read_bytes() for name in "ab")
    assert one == two
    assert b"Hollow: not funded" in one


def test_charts(answer):
    axes = answer.plot("timeline")
    labels = [text.get_text() for text in axes.texts if text.get_gid() == "label"]
    assert len(labels) == int((answer.table["funded"] | (answer.table["role"] == "goes ahead")).sum())
    assert all(re.match(r"[\d.]+\s*t, ", label) for label in labels)
    bars = [patch for patch in axes.patches if patch.get_gid() == "full"]
    ends = sorted(patch.get_x() for patch in bars)
    assert min(ends) >= SPAN[0]
    years = [tick.get_text() for tick in axes.get_xticklabels()]
    assert set(years) <= {"2026", "2027", "2028"}
    line = answer.plot("frontier", size="column")
    drawn = next(one for one in line.lines if one.get_gid() == "frontier")
    assert len(drawn.get_xdata()) == len(answer.frontier)
    assert "timeline" in plots.kinds(answer)


def test_nothing_to_draw_is_said():
    bare = invest(chain(), toy_projects(), budget=0, horizon=SPAN, scenarios=CLOSED)
    with pytest.raises(DataError, match="nothing that is funded"):
        bare.plot()
    with pytest.raises(DataError, match="Ask with frontier="):
        bare.plot("frontier")
    assert bare.map() is not None
