"""folium layers that users add: shapes show, offline; what carries code or needs the network is named, all of it."""

from __future__ import annotations

import io
import json

import folium
import maptoys
import pandas as pd
import pytest
from folium import plugins
from PIL import Image

from supplygraph.errors import DataError
from supplygraph.maps import map_network

AREA = {"type": "FeatureCollection", "features": [{
    "type": "Feature", "id": "a", "properties": {"name": "Area"},
    "geometry": {"type": "Polygon", "coordinates": [[[80, -10], [90, -10], [90, -20], [80, -20], [80, -10]]]}}]}


def coloured(properties):
    shape = AREA["features"][0]["geometry"]
    return {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": properties(i), "geometry": shape} for i in range(2)]}


def tile():
    return folium.TileLayer("OpenStreetMap", name="Streets")


def group():
    layer = folium.FeatureGroup("My ports")
    folium.Marker([0, 0], popup="<b>x</b>").add_to(layer)
    folium.Marker([0, 1], tooltip="hi").add_to(layer)
    return layer


def choropleth():
    return folium.Choropleth(AREA, data=pd.DataFrame({"k": ["a"], "v": [1.0]}), columns=["k", "v"], key_on="feature.id",
                             name="Rates")


def code():
    return folium.GeoJson(AREA, name="Coded", on_each_feature=folium.JsCode("function () { window.HIT = 1; }"))


def odd_property():
    key = "x){} HIT = 1; switch(1"
    return folium.GeoJson(coloured(lambda i: {key: i}), style_function=lambda _: {"color": "red"}, name="Odd")


def odd_style():
    braces = "{" * 2
    return folium.GeoJson(AREA, style_function=lambda _: {"color": braces + "7*7}}"}, name="Styled")


@pytest.mark.parametrize(("make", "named"), [
    (tile, "TileLayer 'Streets': asks tile.openstreetmap.org for tiles. Name a base map with the option `tiles`"),
    (lambda: folium.WmsTileLayer("https://x.org/wms", layers="a", name="W"), "WmsTileLayer 'W': asks x.org for tiles"),
    (lambda: folium.Marker([0, 0], popup="<b>x</b>"), "layer Marker: carries HTML or code"),
    (group, "layer FeatureGroup 'My ports' > Marker (2 of them): carries HTML"),
    (lambda: plugins.MarkerCluster([[0, 0]], name="C"), "MarkerCluster 'C': needs the network: code from cdnjs."),
    (lambda: plugins.HeatMap([[0, 0]], name="Heat"), "HeatMap 'Heat': needs the network: code from"),
    (lambda: folium.GeoJson(AREA, tooltip=folium.GeoJsonTooltip(["name"]), name="A"), "'A' > GeoJsonTooltip: carries"),
    (lambda: folium.GeoJson(AREA, marker=folium.Marker(icon=folium.Icon()), name="A"), "GeoJson 'A' > Marker: carries"),
    (lambda: folium.GeoJson(AREA, marker=folium.CircleMarker(popup="x"), name="A"), "CircleMarker > Popup: carries"),
    (choropleth, "Choropleth 'Rates': carries HTML or code"),
    (code, "GeoJson 'Coded': carries code"),
    (odd_property, "GeoJson 'Odd': holds text that folium would read as code"),
    (odd_style, "GeoJson 'Styled': holds text that folium would read as code"),
    (folium.LayerControl, "layer LayerControl: carries"),
], ids=lambda value: getattr(value, "__name__", "") if callable(value) else "")
def test_unfit_layers_are_named_with_the_reason(make, named):
    drawn = map_network(maptoys.network())
    make().add_to(drawn)
    with pytest.raises(DataError) as caught:
        drawn.to_html()
    assert named in str(caught.value)
    assert " macro_element_" not in str(caught.value)
    assert "Content-Security-Policy" in drawn.to_html(allow_layers=True)


def test_data_that_the_page_would_read_later_is_refused(tmp_path):
    (tmp_path / "area.geojson").write_text(json.dumps(AREA))
    drawn = map_network(maptoys.network())
    folium.GeoJson(str(tmp_path / "area.geojson"), embed=False, name="Later").add_to(drawn)
    with pytest.raises(DataError, match="GeoJson 'Later': reads its data from a file or the network"):
        drawn.to_html()


def test_all_problems_are_told_at_once_and_what_stands_beside_the_map_too():
    drawn = map_network(maptoys.network())
    for layer in (tile(), folium.PolyLine([[0, 0], [1, 1]]), group(), choropleth()):
        layer.add_to(drawn)
    drawn.get_root().html.add_child(folium.Element("<b>My own legend</b>"))
    with pytest.raises(DataError) as caught:
        drawn.to_html()
    assert len(caught.value.report) == 4
    assert "added to the html of the figure" in str(caught.value)
    assert "<b>My own legend</b>" in drawn.to_html(allow_layers=True)


def test_code_in_a_property_name_would_have_run(tmp_path, opened):
    """The refused layer, let in on purpose: what it is refused for happens."""
    drawn = map_network(maptoys.network())
    odd_property().add_to(drawn)
    drawn.save_html(tmp_path / "map.html", allow_layers=True)
    with opened(tmp_path / "map.html") as (view, _):
        assert view.evaluate("() => window.HIT") == 1


def test_plugins_that_are_let_in_are_loaded(tmp_path, opened):
    drawn = map_network(maptoys.network())
    plugins.MarkerCluster([[0, 0]]).add_to(drawn)
    folium.Marker([0, 0], popup="words").add_to(drawn)
    drawn.save_html(tmp_path / "map.html", allow_layers=True)
    with opened(tmp_path / "map.html") as (_, seen):
        assert any("markercluster" in url for url in seen.requests)
        assert any("jquery" in url for url in seen.requests)
        assert not any("leaflet@" in url for url in seen.requests), seen.requests


def test_shapes_show_on_the_map_and_ask_for_nothing(tmp_path, opened):
    drawn = map_network(maptoys.network())
    layer = folium.FeatureGroup("Mine").add_to(drawn)
    look = {"weight": 1, "opacity": 1, "fill": True, "fill_opacity": 1}
    shapes = {
        "#ff0000": folium.Circle([-30, 80], radius=700_000, color="#ff0000", **look),
        "#00ff00": folium.CircleMarker([-30, 100], radius=14, color="#00ff00", **look),
        "#0000ff": folium.PolyLine([[-40, 60], [-40, 110]], color="#0000ff", weight=9, opacity=1),
        "#ff00ff": folium.Rectangle([[-20, 60], [-10, 75]], color="#ff00ff", **look),
    }
    for shape in shapes.values():
        shape.add_to(layer)
    folium.GeoJson(AREA, name="Area", style_function=lambda _: {
        "color": "#ffff00", "fillOpacity": 1, "opacity": 1}).add_to(drawn)
    drawn.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        view.evaluate("() => { document.getElementById('map').leafletMap.setView([-20, 90], 2.6); }")
        with Image.open(io.BytesIO(view.screenshot())) as shot:
            count = {}
            for number, pixel in shot.convert("RGB").getcolors(2**24):
                count["#{:02x}{:02x}{:02x}".format(*pixel)] = number
        for colour in [*shapes, "#ffff00"]:
            assert count.get(colour, 0) > 80, (colour, count.get(colour))
        assert seen.nothing, seen
