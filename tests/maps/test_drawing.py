"""What is drawn: strands, arrows, names, piles, and the same picture wherever one has panned to."""

from __future__ import annotations

import itertools

import maptoys
import pytest

from supplygraph.maps import map_network

CLOSED = {"name": "Suez closed", "shipments": maptoys.shipments(suez=False), "closed": ["suez"]}
#: Strands of every lane and leg as they are drawn at the zoom of now, with what the line carries.
STRANDS = """(name) => {
  const { canvas, data } = document.getElementById('map').supplyMap;
  canvas.draw();
  const ways = [['back', false], ['there', true]];
  const drawn = canvas.loads.lists.get(data[name]).filter(({ zoom }) => zoom === canvas.frame.zoom);
  return drawn.map(({ item, breadth, strands }) => ({
    breadth, dotted: Boolean(item.dotted),
    carried: item.flow.flatMap(({ product, ...part }) => ways.map(([way, forward]) => (
      { product, forward, value: part[way][0] }))).filter(({ value }) => value > 0),
    strands: strands.map(({ product, forward, width, offset }) => ({ product, forward, width, offset })),
  }));
}"""


LOOK = """([lat, lon, zoom]) => {
  document.getElementById('map').supplyMap.map.setView([lat, lon], zoom, { animate: false });
}"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    path = tmp_path_factory.mktemp("drawing") / "toy.html"
    map_network(maptoys.network(), scenarios=[CLOSED]).save_html(path)
    return path


def check_strands(line):
    """The whole is as wide as its tonnes say, whatever it is made of; strands touch and are centred."""
    strands, carried, breadth = line["strands"], line["carried"], line["breadth"]
    total = sum(part["value"] for part in carried)
    assert sum(s["width"] for s in strands) == pytest.approx(breadth)
    edges = sorted((s["offset"] - s["width"] / 2, s["offset"] + s["width"] / 2) for s in strands)
    if len(strands) > 1:
        assert (edges[0][0], edges[-1][1]) == pytest.approx((-breadth / 2, breadth / 2))
        assert all(a[1] == pytest.approx(b[0]) for a, b in itertools.pairwise(edges))
    shares = {(p["product"], p["forward"]): breadth * p["value"] / total for p in carried}
    wide = {key for key, width in shares.items() if width >= 1}
    drawn = [(s["product"], s["forward"]) for s in strands]
    assert len(set(drawn)) == len(drawn) <= max(1, len(wide))
    assert set(drawn) >= wide if not line["dotted"] else len(drawn) == 1
    if len(drawn) == len(shares):
        assert {key: s["width"] for key, s in zip(drawn, strands, strict=True)} == pytest.approx(shares)
    # Who goes along the line lies to its right, who comes towards us to its left.
    sides = [s["forward"] for s in sorted(strands, key=lambda s: s["offset"])]
    assert sides == sorted(sides)


def test_strands_are_what_lines_carry(toy, opened):
    several = []
    with opened(toy) as (view, seen):
        for zoom in (0.6, 2.5, 3.4):
            view.evaluate(LOOK, [25, 75, zoom])
            lines = [line for name in ("lanes", "legs") for line in view.evaluate(STRANDS, name)]
            assert len(lines) > 15
            for line in lines:
                check_strands(line)
            several.append(sum(len(line["strands"]) > 1 for line in lines))
        # Next to much of one product a little of another is less than a pixel wide: it joins the wide strand.
        view.evaluate("""() => {
          const { canvas, data } = document.getElementById('map').supplyMap;
          const few = data.legs.filter(({ flow }) => flow.length > 1);
          for (const { flow: [{ there, back }] } of few) for (const way of [there, back]) way[0] *= 0.01;
          delete canvas.loads;
        }""")
        lines = view.evaluate(STRANDS, "legs")
        for line in lines:
            check_strands(line)
        assert any(len(line["strands"]) < len(line["carried"]) for line in lines)
        assert seen.nothing, seen
    assert min(several) >= 4


def test_one_colour_or_one_product_still_tells_the_directions(toy, opened):
    with opened(toy) as (view, _):
        view.evaluate(LOOK, [25, 75, 3.4])
        counts = {}
        for state in ("{ strands: 'product' }", "{ strands: 'one' }", "{ product: 1 }"):
            view.evaluate(f"() => document.getElementById('map').supplyMap.set({state})")
            counts[state] = sum(len(line["strands"]) for line in view.evaluate(STRANDS, "legs"))
            legend = view.inner_text(".sg-legend")
            assert ("Ore" in legend and "Metal" in legend) is ("'product'" in state)
        by_product, one, alone = counts.values()
        assert by_product >= one > alone > 0
        ways = view.evaluate("""() => {
          const { canvas, data } = document.getElementById('map').supplyMap;
          canvas.state.product = -1;
          canvas.draw();
          const drawn = canvas.loads.lists.get(data.legs).filter(({ strands }) => strands);
          return drawn.map(({ strands }) => new Set(strands.map(({ forward }) => forward)).size);
        }""")
        assert set(ways) == {1, 2}  # ore comes in and metal goes out through Ningbo and Kokkola


def test_pointing_at_a_line_tells_products_ways_and_outer_bounds(toy, opened):
    point = """(scenario) => {
      const app = document.getElementById('map').supplyMap;
      app.set({ scenario });
      const leg = app.data.legs.find(({ a, b }) => [a.id, b.id].sort().join() === 'FIKOK,ref-b');
      app.map.setView([leg.a.lat, leg.a.lon], 9, { animate: false });
      const [x, y] = leg.points[3];
      const { left, top, k } = app.canvas.frame;
      return [x * k - left, y * k - top];
    }"""
    with opened(toy) as (view, seen):
        for scenario in (0, 1):
            view.mouse.move(5, 400)
            view.mouse.move(*view.evaluate(point, scenario))
            tip = view.locator(".sg-tip")
            tip.wait_for()
            words = tip.inner_text()
            assert "Ore, to Northern Refinery" in words
            assert "Metal, to Kokkola" in words
            assert ("Between (outer bounds)" in words) is (scenario == 0)
            assert ("350 and 700 t" in words) is (scenario == 0)
            assert "estimated" in words
        assert seen.nothing, seen


def test_lines_are_whole_and_the_world_repeats(toy, opened):
    with opened(toy) as (view, _):
        longest = view.evaluate("""() => {
          const { data, canvas } = document.getElementById('map').supplyMap;
          canvas.draw();
          const step = (points) => points.slice(1).map(([x, y], i) => Math.hypot(x - points[i][0], y - points[i][1]));
          const loads = ['lanes', 'legs'].flatMap((name) => canvas.loads.lists.get(data[name]));
          const strands = loads.flatMap((load) => load.strands || []);
          return [Math.max(...strands.flatMap(({ points }) => step(points))), strands.length];
        }""")
        assert longest[0] < 20
        assert longest[1] > 15
        pictures = view.evaluate("""() => {
          const { map, canvas } = document.getElementById('map').supplyMap;
          return [[30, 175], [30, 175 + 720], [30, 175 - 360], [30, 176]].map((place) => {
            map.setView(place, 3, { animate: false });
            return canvas.canvas.toDataURL();
          });
        }""")
        assert pictures[0] == pictures[1] == pictures[2]
        assert pictures[0] != pictures[3]


def test_dragging_paints_what_comes_into_view(toy, opened):
    """After a drag in small steps, what lies on the screen but the names is what a whole drawing puts there."""
    with opened(toy, 700, 500) as (view, seen):
        shares = view.evaluate("""async () => {
          const { map, canvas, state } = document.getElementById('map').supplyMap;
          state.hidden.add('names').add('passage').add('countries');
          for (const kind of ['mine', 'refinery', 'factory', 'port']) state.hidden.add(kind);
          map.setView([25, 110], 3, { animate: false });
          canvas.draw();
          const { width, height } = canvas.canvas;
          const sheet = Object.assign(document.createElement('canvas'), { width, height });
          const copy = sheet.getContext('2d', { willReadFrequently: true });
          const pixels = () => {
            copy.drawImage(canvas.canvas, 0, 0);
            return copy.getImageData(0, 0, width, height).data;
          };
          const apart = (p, q) => p.reduce((sum, value, i) => sum + (Math.abs(value - q[i]) > 40), 0) / p.length;
          const start = pixels();
          for (const step of [[37, 0], [0, -23], [-61, 48], [15, 11]]) {
            map._rawPanBy(L.point(step));
            map.fire('move');
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          }
          const scrolled = canvas.scrolled;
          const dragged = pixels();
          canvas.draw();
          return [scrolled, apart(dragged, pixels()), apart(start, pixels())];
        }""")
        scrolled, dragged, moved = shares
        assert scrolled is True
        assert dragged < 0.002
        assert moved > 0.01
        assert seen.nothing, seen


BOXES = """() => {
  const { canvas } = document.getElementById('map').supplyMap;
  canvas.draw();
  const panels = document.querySelectorAll('.sg-panel, .sg-legend, .sg-caption, .sg-credit, .leaflet-control');
  const boxes = [...panels].map((part) => part.getBoundingClientRect()).filter(({ width }) => width);
  return [canvas.placed.map(({ box }) => box), boxes.map((r) => [r.left, r.top, r.right, r.bottom]),
    canvas.placed.map(({ text }) => text)];
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844), (1920, 1080)])
def test_names_hit_neither_each_other_nor_panels_nor_the_edge(width, height, toy, opened):
    def hit(a, b):
        return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]

    with opened(toy, width, height) as (view, _):
        found = 0
        for lat, zoom, scenario in ((25, 0.8, 0), (25, 2.2, 1), (35, 3.5, 0)):
            view.evaluate("(scenario) => document.getElementById('map').supplyMap.set({ scenario })", scenario)
            view.evaluate(LOOK, [lat, 100, zoom])
            names, panels, texts = view.evaluate(BOXES)
            found += len(names)
            assert len(panels) >= 3
            for i, name in enumerate(names):
                assert 0 <= name[0] < name[2] <= width
                assert 0 <= name[1] < name[3] <= height
                assert not any(hit(name, panel) for panel in panels), texts[i]
                assert not any(hit(name, other) for other in names[:i]), texts[i]
            assert "Suez Canal – closed" not in texts or scenario == 1
        assert found >= (12 if width > 600 else 6)


def test_each_site_of_a_pile_can_be_reached(tmp_path, opened):
    tables = maptoys.tables()
    nodes = tables["nodes"].set_index("node")
    nodes.loc[["fac-b", "ref-b", "mine-b"], ["lon", "lat"]] = [9.9, 53.5]  # where the port of Hamburg is
    net = type(maptoys.network())(**tables | {"nodes": nodes.reset_index()})
    map_network(net).save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        place = view.evaluate("""() => {
          const { map } = document.getElementById('map').supplyMap;
          map.setView([53.5, 9.9], 6, { animate: false });
          return map.latLngToContainerPoint([53.5, 9.9]);
        }""")
        for name in ("River Factory", "Northern Refinery", "Lower Mine", "Hamburg"):
            view.mouse.click(place["x"], place["y"])
            assert view.inner_text(".leaflet-popup h3") == "4 sites here"
            view.locator(".leaflet-popup").get_by_role("button", name=name).click()
            assert view.inner_text(".leaflet-popup h3") == name
            view.keyboard.press("Escape")
            view.evaluate(LOOK, [53.5, 9.9, 6])
        assert seen.nothing, seen


def test_a_site_with_its_port_is_the_site_and_names_the_port(toy, opened):
    with opened(toy) as (view, _):
        place = view.evaluate("""() => {
          const { map } = document.getElementById('map').supplyMap;
          map.setView([63.8, 23.1], 3, { animate: false });
          return map.latLngToContainerPoint([63.8, 23.1]);
        }""")
        view.mouse.click(place["x"], place["y"])
        assert view.inner_text(".leaflet-popup h3") == "Northern Refinery"
        view.locator(".leaflet-popup").get_by_role("button", name="Kokkola").click()
        assert view.inner_text(".leaflet-popup h3") == "Kokkola"
