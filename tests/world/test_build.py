"""Building from one's own lists: a small world by hand, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from supplygraph import facts
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.network import formats
from supplygraph.world.build import build, build_bundled, write_bundled
from supplygraph.world.chains import banned, chain, in_force


def small(**changes):
    """A mineral with two mines, two refineries and a factory."""
    facilities = pd.DataFrame(
        [
            ("m1", "North mine", "mine", "mining", "CHL", -69.1, -24.3, 60.0, "Alpha", "ore", None),
            ("m2", "South mine", "mine", "mining", "AUS", 121.5, -30.7, 40.0, "Beta", "ore", None),
            ("r1", "River refinery", "refinery", "refining", "CHN", 121.5, 31.2, 90.0, "Alpha", "metal", "ore"),
            ("r2", "Hill refinery", "refinery", "refining", "FIN", 23.0, 63.9, 20.0, "Beta", "metal", "ore"),
            ("f1", "Lake factory", "factory", "manufacturing", "DEU", 10.0, 53.5, 50.0, "Gamma", None, "metal"),
        ],
        columns=["facility", "name", "kind", "stage", "country", "lon", "lat", "capacity_t", "operator", "makes",
                 "accepts"],
    ).assign(mineral="testium", status="operating", year=2025, reference="me", confidence="medium")  # fmt: skip
    production = pd.DataFrame(
        [("mining", "CHL", 60.0), ("mining", "AUS", 40.0), ("mining", "WLD", 100.0), ("refining", "CHN", 70.0),
         ("refining", "FIN", 20.0), ("refining", "WLD", 90.0)],
        columns=["stage", "country", "quantity_t"],
    ).assign(mineral="testium", year=2025, series="mine", reference="me")  # fmt: skip
    demand = pd.DataFrame([("DEU", 40.0), ("OTH", 50.0)], columns=["country", "quantity_t"]).assign(
        mineral="testium", product="metal", year=2025, row_set="closed", reference="me"
    )
    rows = [
        ("testium-mined", "mining", 0, None, "statistic", "mining", "mine", None),
        ("testium-refined", "refining", 1, "testium-mined", "statistic", "refining", "mine", 0.95),
        (None, "manufacturing", 2, "testium-refined", "statistic", "demand", "metal", 1.0),
    ]
    steps = pd.DataFrame(
        rows, columns=["product", "stage", "order", "input", "basis", "statistic_stage", "series", "recovery"]
    ).assign(
        mineral="testium", feeds=None, mixed=1.0, year=2025, factor=1.0, gross_t_per_t=2.0, price_usd_t=np.nan,
        restricted=None, note=None, reference="me", confidence="low",
    )  # fmt: skip
    steps["sites"] = steps["stage"]
    references = pd.DataFrame({"reference": ["me"], "title": ["My lists"]})
    return {
        "facilities": facilities, "production": production, "demand": demand, "chain": steps,
        "references": references,
    } | changes  # fmt: skip


@pytest.fixture(scope="module")
def net():
    return build("testium", **small())


def test_a_small_world_is_closed_and_shipped(net):
    made = net.processes.groupby(net.processes["output"].map(net.products["stage"]))["activity_t"].sum()
    assert made["mining"] == pytest.approx(100)
    assert made["refining"] == pytest.approx(90)
    assert net.processes.query("role == 'use'")["activity_t"].sum() == pytest.approx(90)
    stock = net.processes.query("role == 'stock' and output != output")
    assert stock["activity_t"].sum() == pytest.approx(100 - 90 / 0.95)
    sent = net.shipments.groupby("product")["flow_t"].sum()
    assert sent["testium-mined"] == pytest.approx(100)
    assert sent["testium-refined"] == pytest.approx(90)
    assert net.meta["minerals"] == ["testium"]
    assert "port" in set(net.nodes["kind"])


def test_row_order_does_not_matter(net):
    tables = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in small().items()}
    assert build("testium", **tables).fingerprint == net.fingerprint


def test_links_pull_a_flow(net):
    links = pd.DataFrame({"supplier": ["m2"], "customer": ["r1"], "type": ["offtake"], "reference": ["me"]})
    pulled = build("testium", **small(links=links))

    def share(network):
        at = network.shipments["origin"].str.startswith("south-mine") & network.shipments["destination"].str.startswith(
            "river-refinery"
        )
        return network.shipments.loc[at, "flow_t"].sum()

    assert share(pulled) > share(net) + 1


def test_every_row_without_a_source_is_listed():
    tables = small()
    tables["facilities"].loc[[0, 2], "reference"] = None
    tables["production"].loc[1, "reference"] = "nobody"
    with pytest.raises(DataError) as caught:
        build("testium", **tables)
    told = [str(problem) for problem in caught.value.report]
    assert len(told) == 3
    assert "facilities row 1, column `reference`: is missing." in told[0]
    assert "facilities row 3" in told[1]
    assert "no source 'nobody'" in told[2]


def test_faults_in_the_lists_are_listed():
    tables = small()
    tables["facilities"].loc[1, "facility"] = "m1"
    tables["facilities"].loc[2, "lat"] = 131.0
    tables["facilities"].loc[3, "capacity_t"] = -1.0
    tables["production"].loc[0, "quantity_t"] = -5.0
    with pytest.raises(DataError) as caught:
        build("testium", **tables)
    assert len(caught.value.report) == 4
    with pytest.raises(DataError, match="column `lon` is missing"):
        build("testium", **small(facilities=small()["facilities"].drop(columns="lon")))


def test_a_chain_that_cannot_be_right_is_refused():
    steps = small()["chain"]
    with pytest.raises(DataError, match="no row makes 'nothing'"):
        build("testium", **small(chain=steps.assign(input=["nothing", "testium-mined", "testium-refined"])))
    with pytest.raises(DataError, match="no ban or quota was in force"):
        build("testium", **small(chain=steps.assign(restricted=["CHL", None, None])))
    with pytest.raises(UnknownNameError, match="Did you mean 'cobalt'"):
        chain("cobolt")


def test_restrictions_count_while_they_are_in_force():
    assert in_force("cobalt", "COD", 2025)
    assert not in_force("cobalt", "COD", 2024)
    assert not in_force("nickel", "PHL", 2025)
    assert banned("nickel", "IDN", 2025)
    assert not banned("nickel", "IDN", 2019)
    assert not banned("cobalt", "COD", 2025)


@pytest.mark.slow
def test_building_again_gives_the_bundled_bytes(tmp_path):
    write_bundled(["gallium"], tmp_path)
    bundled = facts.folder() / "networks" / "gallium"
    names = sorted(f.name for f in bundled.iterdir())
    assert sorted(f.name for f in (tmp_path / "gallium").iterdir()) == names
    for name in names:
        assert (tmp_path / "gallium" / name).read_bytes() == (bundled / name).read_bytes(), name
    assert build_bundled("gallium").network == formats.read(bundled)


def test_nothing_is_built_for_an_unknown_mineral(tmp_path):
    with pytest.raises(UnknownNameError, match="cobolt"):
        write_bundled(["gallium", "cobolt"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
