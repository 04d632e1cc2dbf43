"""Answers are frozen, picklable, and tell where they come from."""

import pickle

import pandas as pd
import pytest
from measures.measure_nets import random_chain

from supplygraph.errors import DataError
from supplygraph.results import Result


@pytest.fixture
def answer():
    table = pd.DataFrame({"share": [0.7, 0.3]}, index=pd.Index(["CHN", "FIN"], name="country"))
    more = pd.DataFrame({"unmet_t": [5.0]}, index=pd.Index(["f0"], name="node"))
    return Result(title="Who <refines>", table=table, params={"by": "country"}, tables={"unmet": more},
                  figures={"hhi": 0.58}, explanation="China refines most.", references=["b", "a", "a"])


def test_named_figures_and_tables_are_attributes(answer):
    assert answer.hhi == 0.58
    assert answer.unmet.loc["f0", "unmet_t"] == 5.0
    assert list(answer.tables) == ["table", "unmet"]
    assert {"hhi", "unmet", "table"} <= set(dir(answer))
    with pytest.raises(AttributeError, match="no 'hii'"):
        _ = answer.hii


def test_nothing_changes_an_answer(answer):
    table = answer.table
    table.loc["CHN", "share"] = 99.0
    unmet = answer.unmet
    unmet["unmet_t"] = 0.0
    assert answer.table.loc["CHN", "share"] == 0.7
    assert answer.unmet.loc["f0", "unmet_t"] == 5.0
    with pytest.raises(TypeError):
        answer.params["by"] = "owner"
    with pytest.raises(AttributeError, match="frozen"):
        answer.title = "other"
    with pytest.raises(AttributeError, match="frozen"):
        del answer.title


def test_the_callers_frame_is_not_shared():
    table = pd.DataFrame({"x": [1.0]}, index=pd.Index(["a"], name="node"))
    answer = Result(title="t", table=table)
    table.loc["a", "x"] = 2.0
    assert answer.table.loc["a", "x"] == 1.0


def test_pickle_round_trip(answer):
    again = pickle.loads(pickle.dumps(answer))  # noqa: S301 - our own bytes
    pd.testing.assert_frame_equal(again.table, answer.table)
    assert dict(again.provenance) == dict(answer.provenance)
    assert again.hhi == 0.58
    assert again.explain() == "China refines most."


def test_repr_and_html_tell_what_it_is(answer):
    assert repr(answer).startswith("Who <refines>\nhhi 0.58")
    assert "Who &lt;refines&gt;" in answer._repr_html_()
    assert "<refines>" not in answer._repr_html_()


def test_provenance(answer):
    assert answer.provenance["references"] == ("a", "b")
    assert answer.provenance["fingerprint"] is None
    net = random_chain(0)
    answer = Result(title="t", table=net.nodes[["name"]], network=net)
    assert answer.provenance["fingerprint"] == net.fingerprint
    assert answer.provenance["references"] == ("toy",)
    assert answer.provenance["version"]


def test_sites_become_points_and_edges_lines():
    net = random_chain(1)
    sites = Result(title="t", table=net.nodes[["name"]], network=net).to_geopandas()
    assert (sites.geometry.x == net.nodes["lon"]).all()
    assert sites.crs.to_epsg() == 4326
    links = Result(title="t", table=net.edges[["distance_km"]], network=net).to_geopandas()
    assert (links.geom_type == "LineString").all()
    first = net.edges.iloc[0]
    assert links.geometry.iloc[0].coords[0] == tuple(net.nodes.loc[first["source"], ["lon", "lat"]])


def test_countries_become_polygons(answer):
    states = answer.to_geopandas()
    assert states.geometry.notna().all()
    assert states.geometry["FIN"].contains(_point(25.0, 62.0))


def test_rows_without_a_place_are_refused():
    table = pd.DataFrame({"x": [1.0]}, index=pd.Index(["a"], name="stage"))
    with pytest.raises(DataError, match="`stage`"):
        Result(title="t", table=table).to_geopandas()


def _point(lon, lat):
    import shapely

    return shapely.Point(lon, lat)
