"""Land legs: the right ports, the real corridors, no way over water or over a closed border."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from supplygraph import facts
from supplygraph.errors import DataError
from supplygraph.world import coast, freight, land

PLACES = pd.DataFrame(
    [
        ("kolwezi", "COD", 25.5, -10.7),
        ("kansanshi", "ZMB", 26.4, -12.1),
        ("oyu-tolgoi", "MNG", 106.85, 43.0),
        ("balkhash", "KAZ", 74.98, 46.85),
        ("la-paz", "BOL", -68.1, -16.6),
        ("norilsk", "RUS", 88.2, 69.35),
        ("monchegorsk", "RUS", 32.9, 67.93),
        ("obi", "IDN", 127.4, -1.5),
        ("weda-bay", "IDN", 127.9, 0.45),
        ("ramu", "PNG", 145.9, -5.55),
        ("voiseys-bay", "CAN", -62.1, 56.33),
        ("harjavalta", "FIN", 22.15, 61.3),
        ("kokkola", "FIN", 23.1, 63.85),
        ("hoboken", "BEL", 4.35, 51.16),
        ("duisburg", "DEU", 6.76, 51.43),
        ("clydach", "GBR", -3.9, 51.7),
        ("quzhou", "CHN", 118.9, 28.9),
        ("jinchang", "CHN", 102.2, 38.5),
        ("niihama", "JPN", 133.3, 33.95),
        ("osaka", "JPN", 135.45, 34.65),
        ("world", None, 4.5, 51.5),
    ],
    columns=["node", "country", "lon", "lat"],
).set_index("node")


@pytest.fixture(scope="module")
def ways():
    return land.gateways(PLACES)


@pytest.fixture(scope="module")
def legs():
    return land.overland(PLACES, PLACES).set_index(["source", "target"])


def ports(ways, node):
    return set(ways.loc[ways["node"] == node, "port"])


def test_every_site_has_a_gateway_with_numbers_and_a_known_reference(ways):
    known = set(facts.read("geo/references.csv")["reference"]) | set(facts.read("facts/references.csv")["reference"])
    assert set(ways["node"]) == set(PLACES.index)
    assert not ways.duplicated(["node", "port"]).any()
    assert set(ways["mode"]) <= {"road", "rail"}
    assert (ways[["distance_km", "days", "usd_t_gross"]] > 0).all(axis=None)
    assert set(ways["reference"]) <= known
    codes = {f"port-{code}" for code in facts.read("geo/ports.csv")["port"]}
    assert all(port in codes or port == f"jetty-{node}" for node, port in zip(ways["node"], ways["port"], strict=True))


@pytest.mark.parametrize("site", ["kolwezi", "kansanshi"])
def test_the_copper_belt_has_its_five_corridors_and_not_the_congo(ways, site):
    assert ports(ways, site) == {f"port-{code}" for code in ("AOLOB", "MZBEW", "NAWVB", "TZDAR", "ZADUR")}
    rows = ways[ways["node"] == site]
    assert (rows["reference"] != freight.LAND_REFERENCE).all()
    assert rows["distance_km"].between(1500, 3600).all()


def test_landlocked_sites_leave_over_the_border_corridors(ways):
    assert ports(ways, "oyu-tolgoi") >= {"port-CNTXG"}
    assert ports(ways, "balkhash") >= {"port-GEPTI", "port-CNTXG"}
    assert ports(ways, "la-paz") >= {"port-CLARI"}
    landlocked = ways[ways["node"].isin(["oyu-tolgoi", "balkhash"])]
    assert (landlocked["reference"] != freight.LAND_REFERENCE).all()


def test_a_corridor_keeps_its_own_length_and_days(ways):
    table = facts.read("facts/corridors.csv").set_index("corridor")
    row = ways[(ways["node"] == "kolwezi") & (ways["port"] == "port-AOLOB")].iloc[0]
    lobito = table.loc["CR-01"]
    assert row["distance_km"] == pytest.approx(lobito["distance_km"], rel=0.02)
    assert row["days"] == pytest.approx(lobito["days"], rel=0.05)
    assert row["reference"] == lobito["reference"]


def test_coastal_sites_far_from_any_port_have_a_jetty(ways):
    for site in ("obi", "weda-bay", "voiseys-bay"):
        assert f"jetty-{site}" in ports(ways, site)
    assert not {p for p in ways["port"] if p.startswith("jetty-")} & {"jetty-kokkola", "jetty-quzhou", "jetty-hoboken"}


def test_places_that_no_road_leaves_use_their_own_port_only(ways, legs):
    assert ports(ways, "norilsk") == {"port-RUDUD"}
    assert "port-RUDUD" not in set(ways.loc[ways["node"] != "norilsk", "port"])
    assert not {end for pair in legs.index for end in pair} & {"norilsk", "voiseys-bay"}


def test_a_site_just_off_the_coarse_coast_still_has_its_land(ways):
    assert "port-RUMMK" in ports(ways, "monchegorsk")
    number, _ = coast.landmass([20.0, 23.1, 0.0], [69.75, 63.87, -40.0])  # fjord, Kokkola's quay, mid-Atlantic
    assert number[0] == number[1] >= 0
    assert number[2] == -1
    assert coast.off_land_km([23.1, 0.0], [63.87, -40.0])[1] > 1000


def test_ports_abroad_need_a_shared_market(ways):
    code = facts.read("geo/ports.csv").set_index("port")["country"]
    away = ways[ways["port"].str.startswith("port-") & (ways["node"] != "world")]
    for node, port in zip(away["node"], away["port"].str.removeprefix("port-"), strict=True):
        home = PLACES.loc[node, "country"]
        assert code[port] == home or land.passable(home, code[port], ports=True) or node in {"oyu-tolgoi", "balkhash"}
    assert "port-NLRTM" in ports(ways, "duisburg")
    assert all(code[p.removeprefix("port-")] == "CHN" for p in ports(ways, "quzhou"))
    assert all(code[p.removeprefix("port-")] == "GBR" for p in ports(ways, "clydach"))


def test_sites_reach_each_other_over_land_where_cargo_does(legs):
    assert ("jinchang", "quzhou") in legs.index
    assert ("hoboken", "duisburg") in legs.index
    assert ("oyu-tolgoi", "quzhou") in legs.index
    assert ("niihama", "osaka") in legs.index  # over the bridges to Shikoku
    assert ("monchegorsk", "harjavalta") in legs.index
    for pair in [("quzhou", "niihama"), ("kolwezi", "hoboken"), ("harjavalta", "quzhou"), ("obi", "weda-bay")]:
        assert pair not in legs.index
    assert not any("world" in pair for pair in legs.index if "hoboken" not in pair)
    assert (legs["distance_km"] <= land.OVERLAND_KM).all()


def test_overland_legs_are_longer_than_the_straight_line_and_alike_both_ways(legs):
    for (a, b), leg in legs.iterrows():
        one, two = PLACES.loc[a], PLACES.loc[b]
        straight = float(coast.haversine(one["lon"], one["lat"], two["lon"], two["lat"]))
        assert leg["mode"] == "onsite" or leg["distance_km"] >= straight
        assert (b, a) in legs.index
        assert legs.loc[(b, a), "distance_km"] == pytest.approx(leg["distance_km"], rel=0.01)


def test_roads_go_around_gulfs():
    helsinki, tallinn, turku = (24.9, 60.2), (24.7, 59.4), (22.3, 60.45)
    assert coast.road_km(*helsinki, *tallinn) > 2 * coast.haversine(*helsinki, *tallinn)
    assert coast.road_km(*helsinki, *turku) < 1.5 * coast.haversine(*helsinki, *turku)
    assert coast.road_km(179.0, 67.0, -179.0, 67.0) < 400  # over the date line, not around the globe


def test_neighbours_within_30_km_are_one_place():
    two = pd.DataFrame({"country": ["FIN", None], "lon": [23.1, 23.2], "lat": [63.85, 63.9]}, index=["a", "b"])
    found = land.overland(two, two)
    assert set(found["mode"]) == {"onsite"}
    assert len(found) == 2


def test_unknown_countries_cross_no_border():
    assert not land.passable(np.nan, np.nan)
    assert not land.passable(None, "DEU")
    assert land.passable("NAM", "ZAF")
    assert land.passable("POL", "POL")


def test_freight_comes_from_the_table_and_a_missing_row_is_an_error(monkeypatch):
    table = facts.read("facts/freight.csv")
    usa = table[(table["mode"] == "road") & (table["cargo"] == "dry bulk")]
    assert freight.land_rate("road", africa=False).usd_t_km == usa["usd_per_t_km"].item()
    assert freight.sea_rate().usd_t_km == freight.SEA_USD_T_KM
    freight.land_rate.cache_clear()
    monkeypatch.setattr(facts, "read", lambda _: table[table["mode"] != "rail"])
    with pytest.raises(DataError, match="rail"):
        freight.land_rate("rail", africa=False)
    freight.land_rate.cache_clear()


def test_rail_wins_far_and_road_wins_near():
    assert land.haul(50, "DEU").mode == "road"
    assert land.haul(1000, "DEU").mode == "rail"
    assert land.haul(1000, "DEU").usd_t_gross < 1000 * freight.land_rate("road", africa=False).usd_t_km


def test_order_of_sites_does_not_matter(ways):
    other = land.gateways(PLACES.iloc[::-1])
    keys = ["node", "port"]
    pd.testing.assert_frame_equal(
        ways.sort_values(keys, ignore_index=True), other.sort_values(keys, ignore_index=True), check_exact=True
    )


def test_every_bundled_facility_has_a_gateway_of_its_own_land():
    sites = facts.read("facts/facilities.csv").dropna(subset=["lon"]).set_index("facility")
    ways = land.gateways(sites)
    assert set(ways["node"]) == set(sites.index)
    code = facts.read("geo/ports.csv").set_index("port")[["lon", "lat"]]
    number, _ = coast.landmass(code["lon"].to_numpy(), code["lat"].to_numpy())
    of_port = dict(zip("port-" + code.index, number, strict=True))
    own, _ = coast.landmass(sites["lon"].to_numpy(), sites["lat"].to_numpy())
    of_site = dict(zip(sites.index, own, strict=True))
    astray = {n for n, p in zip(ways["node"], ways["port"], strict=True) if p in of_port and of_port[p] != of_site[n]}
    assert astray == set()
