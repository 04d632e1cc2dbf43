"""A preferential zone and duties at its border."""

from __future__ import annotations

import maptoys
import pandas as pd
import pytest

from supplygraph.errors import DataError
from supplygraph.maps import map_network, map_result
from supplygraph.measures.concentration import concentration

DUTIES = pd.DataFrame({
    "exporter": ["CHN", "CHN"], "importer": ["JPN", "DEU"], "product": [None, "metal"], "duty_share": [0.25, None],
    "duty_usd_t": [None, 1200.0],
})


def test_duties_and_members_reach_the_page():
    drawn = map_network(maptoys.network(), zone=["JPN", "DEU", "FIN"], duties=DUTIES)
    assert drawn.payload["zone"] == ["DEU", "FIN", "JPN"]
    assert drawn.payload["duties"] == [["CHN", "JPN", -1, None, 0.25], ["CHN", "DEU", 1, 1200.0, None]]
    assert map_result(concentration(maptoys.network()), zone=["JPN"]).payload["zone"] == ["JPN"]
    assert "zone" not in map_network(maptoys.network()).payload


def test_every_fault_is_named():
    wrong = DUTIES.assign(exporter=["China", "CHN"], duty_share=[-1, None], product=[None, "gold"])
    with pytest.raises(DataError) as caught:
        map_network(maptoys.network(), zone=["JPN", "Germany"], duties=wrong)
    assert len(caught.value.report) == 4
    with pytest.raises(DataError, match="no members"):
        map_network(maptoys.network(), zone=[])
    with pytest.raises(DataError, match="lacks the column importer"):
        map_network(maptoys.network(), duties=DUTIES.drop(columns="importer"))
    with pytest.raises(DataError, match="unknown column 'rate'"):
        map_network(maptoys.network(), duties=DUTIES.assign(rate=1))


def test_duties_show_on_the_page(tmp_path, opened):
    drawn = map_network(maptoys.network(), zone=["JPN", "DEU"], duties=DUTIES)
    drawn.save_html(tmp_path / "map.html")
    plain = map_network(maptoys.network()).save_html(tmp_path / "plain.html")
    with opened(tmp_path / "map.html") as (view, seen):
        legend = view.inner_text(".sg-legend")
        assert "Preferential zone" in legend
        assert "Duty, from exporter to importer" in legend
        view.evaluate("""() => { const app = document.getElementById('map').supplyMap;
          app.visitCountry(app.data.world.find((shape) => shape.iso === 'DEU')); }""")
        popup = view.inner_text(".leaflet-popup-content")
        assert "inside" in popup
        assert "Duty on imports from China, metal" in popup
        assert "1\u2009200 USD/t" in popup
        with_duties = view.locator(".sg-canvas").screenshot()
        assert seen.nothing, seen
    with opened(plain) as (view, _):
        assert "Duty" not in view.inner_text(".sg-legend")
        assert view.locator(".sg-canvas").screenshot() != with_duties
