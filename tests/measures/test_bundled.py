"""The bundled statistics and networks: published concentrations come out, and the identities hold."""

import math

import pandas as pd
import pytest

from supplygraph import facts
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.concentration import concentration
from supplygraph.measures.exposure import exposure
from supplygraph.world.datasets import load

MINERALS = ("rare_earths", "magnet_rare_earths", "lithium", "cobalt", "nickel", "graphite", "copper", "gallium",
            "germanium", "tungsten", "antimony")

#: From the rows of facts/production.csv: HHI without and with the unnamed rest as one place, share of the
#: largest and of the three largest.
PUBLISHED = [
    ("rare_earths", "mining", 2025, "usgs", 0.5072, 0.5072, 0.694, 0.899),
    ("rare_earths", "separation", 2024, "", 0.8774, 0.8774, 0.936, 0.987),
    ("magnet_rare_earths", "mining", 2024, "", 0.3844, 0.5288, 0.62, 0.62),
    ("magnet_rare_earths", "separation", 2024, "", 0.8325, 0.8326, 0.91, 0.990),
    ("lithium", "mining", 2025, "usgs", 0.2047, 0.2047, 0.319, 0.728),
    ("lithium", "refining", 2025, "iea", 0.5726, 0.5729, 0.737, 0.949),
    ("cobalt", "mining", 2025, "iea", 0.4545, 0.4688, 0.656, 0.831),
    ("cobalt", "mining", 2025, "usgs", 0.5554, 0.5562, 0.731, 0.895),
    ("cobalt", "refining", 2025, "iea", 0.5809, 0.5858, 0.756, 0.868),
    ("nickel", "refining", 2025, "iea", 0.3040, 0.3174, 0.451, 0.796),
    ("graphite", "mining", 2025, "usgs", 0.6447, 0.6447, 0.799, 0.887),
    ("graphite", "refining", 2025, "iea", 0.8923, 0.8923, 0.944, 0.988),
    ("copper", "mining", 2025, "usgs", 0.1036, 0.1206, 0.230, 0.487),
    ("copper", "refining", 2025, "usgs", 0.2532, 0.2585, 0.483, 0.638),
    ("gallium", "refining", 2024, "usgs", 0.9789, 0.9789, 0.989, 1.0),
    ("gallium", "refining", 2025, "usgs", 0.9804, 0.9804, 0.990, 1.0),
    ("germanium", "refining", 2023, "", 0.3876, 0.3910, 0.592, 0.842),
    ("tungsten", "mining", 2025, "usgs", 0.6234, 0.6242, 0.787, 0.850),
    ("antimony", "mining", 2025, "usgs", 0.2582, 0.2582, 0.361, 0.849),
]


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: "-".join(map(str, case[:4])))
def test_the_statistics_own_concentration(case):
    mineral, stage, year, series, low, high, top1, top3 = case
    rows = facts.read("facts/production.csv")
    rows = rows[(rows["mineral"] == mineral) & (rows["stage"] == stage) & (rows["year"] == year)]
    rows = rows[rows["series"].str.startswith(series) & (rows["country"] != "WLD") & rows["quantity_t"].notna()]
    told = concentration(pd.Series(rows["quantity_t"].to_numpy(), index=rows["country"]))
    assert math.isclose(told.hhi, low, abs_tol=6e-5)
    assert math.isclose(told.hhi_high, high, abs_tol=6e-5)
    assert math.isclose(told.top1, top1, abs_tol=6e-4)
    assert math.isclose(told.top3, top3, abs_tol=6e-4)


@pytest.fixture(scope="module", params=MINERALS)
def net(request):
    return load(request.param)


def test_centrality_sums_to_the_hhi(net):
    told = refining_centrality(net)
    assert abs(told.table["centrality"].sum() - concentration(net, stage="refining").hhi) < 1e-9
    assert abs(told.hhi - concentration(net, weight="demand").hhi) < 1e-9
    assert abs(told.table["marginal"].sum()) < 1e-9


def test_exposure_adds_up(net):
    told = exposure(net)
    assert abs(told.table.drop(columns="demand_t").sum(axis=1) - 1).max() < 1e-9
    use = net.processes["role"] == "use"
    assert math.isclose(told.table["demand_t"].sum(), net.processes.loc[use, "activity_t"].sum(), rel_tol=1e-6)


def test_no_demand_avoids_refining(net):
    avoids = exposure(net).table["none"]
    if "processing" in set(net.products["stage"]):  # industrial graphite is processed, battery graphite refined
        avoids = avoids + exposure(net, stage="processing").table["none"] - 1.0
    assert avoids.abs().max() < 1e-9


def test_sanity_facts_on_cobalt():
    net = load("cobalt")
    marginal = refining_centrality(net).table["marginal"]
    assert marginal[marginal.index.str.contains("kokkola")].lt(0).all()  # growing Kokkola lowers the HHI
    huayou = marginal[marginal.index.str.contains("huayou")]
    assert len(huayou)
    assert huayou.gt(0).all()  # growing Huayou raises it
    shares = exposure(net, rows="country").table["CHN"]
    assert shares["CHN"] > shares["KOR"] > max(shares["JPN"], shares["USA"])
