"""Size and speed of maps in Chromium: ours beside folium's lines, one GeoJSON layer, and geopandas ``explore()``.

``python tests/bench/bench_maps.py`` draws the same links and sites with each, at 500 nodes and 3 000 shipments, then at
5 000 and 50 000 (``--sizes small`` leaves that out), opens each file with the network blocked, and prints sizes and
times.
Every run has a process of its own; one that takes longer than ``--limit`` seconds is given up, and the row says so.

*Ours* carries more: lanes over sea by product and direction, eight scenarios (two at the larger size), panel, tables;
*with links* also shows every link as a curve of its own, as the others do. The others draw links as great circles with
a point every six degrees, width by tonnes, a tooltip each; ports and straits are left out. Leaflet is written into
every file. A step is a pan or zoom and all of its drawing: the time until two frames later, so at least 33 ms; a drag
step is one of the many moves under a held button. Medians, and the 95th percentile behind the slash.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "maps"))

SIDES = ("ours", "ours, with links", "PolyLine, SVG", "PolyLine, canvas", "GeoJson, SVG", "GeoJson, canvas", "explore")
_LINE = "{:<6} {:<17} {:>9} {:>9} {:>9} {:>9} {:>14} {:>14} {:>14} {:>8} {:>9}"
_STEPS = """async (links) => {
  const own = document.getElementById('map');
  const map = own ? own.leafletMap : window[Object.keys(window).find((name) => name.startsWith('map_'))];
  const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  if (links) { own.supplyMap.state.hidden.delete('links'); own.supplyMap.redraw(); }
  const times = async (count, step) => {
    const found = [];
    for (let i = 0; i < count; i += 1) {
      const from = performance.now();
      step(i);
      await frames();
      found.push(performance.now() - from);
    }
    return found;
  };
  const still = { animate: false };
  map.setView([20, 100], 2, still);
  await frames();
  const pan = await times(24, (i) => map.panBy([i % 2 ? 60 : -60, 20 * (i % 3 - 1)], still));
  map.fire('movestart').fire('dragstart');
  const drag = await times(24, (i) => {
    map._rawPanBy(L.point(i % 8 < 4 ? 12 : -12, 4));
    map.fire('move').fire('drag');
  });
  map.fire('dragend').fire('moveend');
  await frames();
  const zoom = await times(24, (i) => map.setZoom(2 + i % 6, still));
  return { pan, drag, zoom, heap: performance.memory.usedJSHeapSize / 1e6 };
}"""


def prepared(size: str):
    """Return the network of a size, its scenarios, and its links as great circles."""
    from bigtoys import LARGE, SMALL, Big

    from supplygraph.maps import lanes

    net, scenarios = Big(**(LARGE if size == "large" else SMALL)).build()
    at = net.processes["node"]
    place = net.nodes[["lon", "lat"]]
    pairs = net.shipments.assign(a=net.shipments["origin"].map(at), b=net.shipments["destination"].map(at))
    flows = pairs.groupby(["a", "b", "product"])["flow_t"].sum()
    links = []
    for (a, b, product), flow in flows.items():
        line = lanes.unwrap(lanes.great_circle(tuple(place.loc[a]), tuple(place.loc[b]), step=6.0)) / lanes.SCALE
        links.append((line, f"{net.nodes['name'][a]} to {net.nodes['name'][b]}: {flow:,.0f} t of {product}", flow))
    sites = net.nodes.loc[net.nodes["kind"].isin(["mine", "refinery", "factory"])]
    return net, scenarios, links, sites


def ours(net, scenarios, _links, _sites) -> str:
    from supplygraph.maps import map_network

    return map_network(net, scenarios=scenarios).to_html()


def empty(*, canvas: bool):
    """Return a folium map without anything from the network, Leaflet inside."""
    import folium

    from supplygraph.maps.offline import Verbatim
    from supplygraph.maps.page import leaflet

    class Inlined(folium.Map):
        default_js: list = []  # noqa: RUF012 - as folium writes it
        default_css: list = []  # noqa: RUF012

    script, style = leaflet()
    drawn = Inlined(location=[20, 100], zoom_start=2, tiles=None, prefer_canvas=canvas)
    head = drawn.get_root().header
    head.add_child(Verbatim(f"<style>{style} html, body {{height: 100%; margin: 0}}</style><script>{script}</script>"))
    return drawn


def circles(drawn, sites) -> None:
    import folium

    for name, lon, lat in sites[["name", "lon", "lat"]].itertuples(index=False):
        folium.CircleMarker([lat, lon + 360 * (lon < -30)], radius=3, tooltip=name).add_to(drawn)


def poly_lines(links, sites, *, canvas: bool) -> str:
    import folium

    drawn = empty(canvas=canvas)
    largest = max(flow for _, _, flow in links)
    for line, words, flow in links:
        width = 0.7 + 9 * (flow / largest) ** 0.5
        folium.PolyLine(line[:, ::-1].tolist(), weight=width, color="#0b6a78", tooltip=words).add_to(drawn)
    circles(drawn, sites)
    return drawn.get_root().render()


def geo_json(links, sites, *, canvas: bool) -> str:
    import folium

    drawn = empty(canvas=canvas)
    largest = max(flow for _, _, flow in links)
    features = [
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": line.tolist()},
         "properties": {"words": words, "width": round(0.7 + 9 * (flow / largest) ** 0.5, 1)}}
        for line, words, flow in links
    ]  # fmt: skip
    folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        style_function=lambda feature: {"weight": feature["properties"]["width"], "color": "#0b6a78"},
        tooltip=folium.GeoJsonTooltip(["words"]),
    ).add_to(drawn)
    circles(drawn, sites)
    return drawn.get_root().render()


def explored(links, sites) -> str:
    import geopandas as gpd
    from shapely import LineString, points

    if importlib.util.find_spec("mapclassify") is None:
        # explore() imports it always and uses it for classes only, of which there are none here.
        sys.modules["mapclassify"] = types.SimpleNamespace(classify=None)  # type: ignore[assignment]
    drawn = empty(canvas=True)
    largest = max(flow for _, _, flow in links)
    width = [round(0.7 + 9 * (flow / largest) ** 0.5, 1) for _, _, flow in links]
    lines = gpd.GeoDataFrame({"words": [words for _, words, _ in links], "width": width},
                             geometry=[LineString(line) for line, _, _ in links], crs="EPSG:4326")  # fmt: skip
    style = {"style_function": lambda feature: {"weight": feature["properties"]["width"]}}
    lines.explore(m=drawn, tooltip=["words"], style_kwds=style, tiles=None)
    east = sites["lon"].where(sites["lon"] >= -30, sites["lon"] + 360)
    spots = gpd.GeoDataFrame({"name": sites["name"]}, geometry=points(east, sites["lat"]), crs="EPSG:4326")
    spots.explore(m=drawn, tooltip=["name"], tiles=None)
    return drawn.get_root().render()


def write(size: str, side: str) -> tuple[str, float]:
    """Return the page of one side, and the seconds it took to make."""
    given = prepared(size)
    _, _, links, sites = given
    began = time.perf_counter()
    if side.startswith("ours"):
        text = ours(*given)
    elif side == "explore":
        text = explored(links, sites)
    else:
        draw = poly_lines if side.startswith("PolyLine") else geo_json
        text = draw(links, sites, canvas=side.endswith("canvas"))
    return text, time.perf_counter() - began


def run(size: str, side: str, repeats: int) -> dict[str, object]:
    """Make one page and open it several times."""
    from playwright.sync_api import sync_playwright

    text, made = write(size, side)
    row = {"made": made, "bytes": len(text.encode()), "packed": len(gzip.compress(text.encode(), 9))}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "map.html"
        path.write_text(text, encoding="utf-8")
        found = [measured(driver, path, links=side.endswith("links")) for _ in range(repeats)]
    steps = {name: [value for one in found for value in one[name]] for name in ("pan", "drag", "zoom")}
    two = {name: [statistics.median(values), statistics.quantiles(values, n=20)[-1]] for name, values in steps.items()}
    return row | two | {name: statistics.median(one[name] for one in found) for name in ("ready", "heap")}


def measured(driver, path: Path, *, links: bool) -> dict[str, object]:
    """Open a page offline in a browser of its own."""
    browser = driver.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-precise-memory-info"],
    )
    asked: list[str] = []
    view = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True).new_page()
    view.on("request", lambda request: asked.append(request.url) if request.url.startswith("http") else None)
    view.goto(path.as_uri())
    frames = "requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())))"
    ready = view.evaluate(f"() => new Promise((done) => {frames})")
    found = view.evaluate(_STEPS, links)
    browser.close()
    if asked:
        raise RuntimeError(f"the page asked for {asked[0]}")
    return found | {"ready": ready}


def show(size: str, side: str, row: dict | None, first: dict | None, reason: str) -> None:
    """Print one row, and how many times ours it is."""
    if row is None:
        print(f"{size:<6} {side:<17} {reason}", flush=True)  # noqa: T201
        return
    two = [f"{row[name][0]:.0f}/{row[name][1]:.0f} ms" for name in ("pan", "drag", "zoom")]
    sizes = [f"{row[name] / 1e6:.2f} MB" for name in ("bytes", "packed")]
    print(_LINE.format(size, side, *sizes, f"{row['made']:.1f} s", f"{row['ready'] / 1000:.2f} s", *two,  # noqa: T201
                       f"{row['heap']:.0f} MB", ""), flush=True)  # fmt: skip
    if first is not None and first is not row:
        times = {name: row[name] / first[name] for name in ("bytes", "packed", "made", "ready", "heap")}
        times |= {name: row[name][0] / first[name][0] for name in ("pan", "drag", "zoom")}
        cells = [f"x{times[name]:.1f}" for name in ("bytes", "packed", "made", "ready", "pan", "drag", "zoom", "heap")]
        print(_LINE.format("", "  times ours", *cells, ""), flush=True)  # noqa: T201


def main() -> None:
    """Print one row per size and side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=("small", "large"), choices=("small", "large"))
    parser.add_argument("--sides", nargs="+", default=SIDES, choices=SIDES)
    parser.add_argument("--repeats", type=int, default=3, help="times that each page is opened; large ones once")
    parser.add_argument("--limit", type=float, default=240.0, help="seconds for each row")
    parser.add_argument("--one", nargs=2, metavar=("SIZE", "SIDE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(run(*given.one, given.repeats)))  # noqa: T201
        return
    heads = ("size", "", "file", "gzip", "made in", "ready", "pan", "drag", "zoom", "heap", "")
    print(_LINE.format(*heads), flush=True)  # noqa: T201
    for size in given.sizes:
        first = None
        for side in given.sides:
            repeats = str(given.repeats if size == "small" else 1)
            command = [sys.executable, __file__, "--one", size, side, "--repeats", repeats]
            row, reason = None, ""
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=given.limit, check=False)
                row = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
                reason = "" if row else f"failed: {(done.stderr.strip().splitlines() or ['no words'])[-1]}"
            except subprocess.TimeoutExpired:
                reason = f"given up after {given.limit:.0f} s"
            first = first or (row if side == "ours" else None)
            show(size, side, row, first, reason)


if __name__ == "__main__":
    main()
