"""500 nodes, 3 000 shipments over the real lane network, 8 scenarios: one small file; 5 000 and 50 000: one usable."""

from __future__ import annotations

import pytest
from bigtoys import LARGE, SMALL, Big

from supplygraph.maps import map_network

LANES = "() => document.getElementById('map').supplyMap.data.lanes.length"


@pytest.mark.slow
def test_a_large_network_stays_a_small_file(tmp_path, opened):
    net, scenarios = Big(**SMALL).build()
    target = map_network(net, scenarios=scenarios).save_html(tmp_path / "map.html")
    assert len(net.nodes) >= 500
    assert target.stat().st_size <= 600_000
    with opened(target) as (view, seen):
        assert view.inner_text("h1").startswith("Toyium")
        assert view.evaluate(LANES) > 1000
        assert seen.nothing, seen


@pytest.mark.long
def test_a_very_large_network_opens(tmp_path, opened):
    net, scenarios = Big(**LARGE).build()
    target = map_network(net, scenarios=scenarios).save_html(tmp_path / "map.html")
    assert len(net.nodes) >= 5000
    assert len(net.shipments) >= 45_000
    assert target.stat().st_size <= 6_000_000
    with opened(target) as (view, seen):
        assert view.evaluate(LANES) > 2000
        view.get_by_role("combobox", name="Find a site").fill("refinery number 12")
        view.keyboard.press("Enter")
        assert "Refinery number 12" in view.inner_text(".leaflet-popup h3")
        assert seen.nothing, seen
