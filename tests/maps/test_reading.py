"""Reading aids: the address of a view, tables, popups with sources, search, legend, two maps at once, touch."""

from __future__ import annotations

import csv
import io
import json

import maptoys
import pytest
from readtoys import APP, CLOSED, gaps, phone, place_of

from supplygraph.maps import map_network
from supplygraph.measures.chokepoints import chokepoints

STATE = f"""() => {{
  const app = {APP};
  const {{ state, map }} = app;
  const {{ lat, lng }} = map.getCenter();
  return {{
    scenario: state.scenario, mode: state.mode, product: state.product, least: state.least, fill: state.fill,
    hidden: [...state.hidden].sort(), chosen: state.chosen && state.chosen.name,
    told: app.told && (app.told.id || app.told.iso), view: [lat.toFixed(2), lng.toFixed(2), map.getZoom().toFixed(1)],
    look: document.documentElement.getAttribute('data-mode'), legend: app.legend.element.open,
    table: app.table.element.hidden ? null : [app.table.chosen, app.table.all, app.table.sort],
  }};
}}"""
#: Addresses that tell nothing, or nothing that is there.
BROKEN = [
    "#", "#&&&=&=", "#v=1", "#v=a,b,c", "#v=1,2,", "#s=-&s=x&s=", "#m=none&c=secret&d=blue&l=2",
    "#p=gold&o=site:nowhere",
    "#o=country:__proto__&x=__proto__&__proto__=1&constructor=2", "#h=__proto__.toString", "#x=link:a|b|0|sea",
    "#f=NaN&f=Infinity", "#t=nothing,all,1e9", "#%E0%A4%A", "#p=%E0%A4%A", "#o=<img src=x onerror=window.HIT=1>",
]  # fmt: skip


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return map_network(gaps(), scenarios=[CLOSED]).save_html(tmp_path_factory.mktemp("reading") / "toy.html")


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    net = maptoys.network()
    drawn = chokepoints(net).map(beside=[chokepoints(net, by="country")])
    return drawn.save_html(tmp_path_factory.mktemp("reading") / "failing.html")


def address(view):
    return view.evaluate(f"() => {APP}.link.write()")


def go(view, hash_):
    """Change the address as a reader would."""
    view.evaluate("(hash) => { window.location.hash = hash; }", hash_)
    view.wait_for_timeout(60)


def test_an_address_restores_the_view(toy, opened):
    with opened(toy) as (view, seen):
        fresh = view.evaluate(STATE)
        assert "#" not in address(view)
        view.evaluate(f"""() => {{
          const app = {APP};
          app.state.hidden.add('port');
          app.state.hidden.delete('links');
          app.set({{ scenario: 1, mode: 'difference', product: 1, least: 12.5, fill: 'none' }});
          app.map.setView([21.5, 333.25], 4.4, {{ animate: false }});
          app.legend.element.open = false;
          document.querySelector('[role=switch][aria-label=Dark]').click();
          const node = app.data.nodes.find(({{ id }}) => id === 'ref-a');
          app.tell(app.map, app.canvas, node, [30.6, 119.9], {{ still: true }});
          app.table.open(document.body);
          app.table.show(1);
          app.table.all = true;
          app.table.sort = [0, false];
        }}""")
        wanted = view.evaluate(STATE)
        assert wanted != fresh
        told = address(view)
        assert "&p=metal" in told
        assert "o=site:ref-a" in told
        assert seen.nothing, seen
        go(view, "")
        assert view.evaluate(STATE) | {"view": 0} == fresh | {"view": 0}
        go(view, told.split("#")[1])
        assert view.evaluate(STATE) == wanted
    with opened(toy) as (view, seen):
        view.goto(told)
        view.reload()
        assert view.evaluate(STATE) == wanted
        assert view.evaluate("() => document.querySelector('.leaflet-popup h3').textContent") == "Eastern Refinery"
        assert seen.nothing, seen


def test_the_address_follows_the_reader_and_nothing_else_is_believed(toy, opened):
    with opened(toy) as (view, seen):
        view.focus("#sg-scenario")
        view.keyboard.press("ArrowRight")
        view.wait_for_function("() => window.location.hash === '#s=1'")
        go(view, "")
        fresh = view.evaluate(STATE)
        for words in BROKEN:
            go(view, words)
            now = view.evaluate(STATE)
            if words.startswith("#h="):
                assert now.pop("hidden") == []
                assert now == {name: value for name, value in fresh.items() if name != "hidden"}
            else:
                assert now == fresh, words
        go(view, "s=99&v=999,9999,99&f=1e99")
        now = view.evaluate(STATE)
        assert (now["scenario"], now["view"][2]) == (1, "10.0")
        assert now["least"] == view.evaluate(f"() => {APP}.data.largest.line")
        assert view.evaluate("() => window.HIT || ({}).constructor === 2 || 0") == 0
        assert seen.nothing, seen


def test_a_failure_has_an_address_and_a_frame_has_none(failing, tmp_path, opened):
    with opened(failing) as (view, _):
        view.locator(".sg-ranked button").nth(1).click()
        chosen = view.inner_text(".sg-told h3")
        told = address(view)
        view.evaluate(f"() => {{ {APP}.choose({APP}.data.failures.byState.get('CHN')) }}")
        country = address(view)
        assert "x=country:CHN" in country
        for place, name in ((told, chosen), (country, "China")):
            view.goto(place)
            view.reload()
            assert view.inner_text(".sg-told h3") == name
    framed = map_network(maptoys.network())._repr_html_()
    (tmp_path / "host.html").write_text(f"<!DOCTYPE html><body>{framed}</body>")
    with opened(tmp_path / "host.html") as (view, seen):
        frame = view.frames[1]
        frame.wait_for_selector(".sg-canvas")
        assert frame.get_by_role("button", name="Copy link").count() == 0
        frame.evaluate(f"() => {APP}.set({{ product: 0 }})")
        view.wait_for_timeout(350)
        assert frame.evaluate("() => window.location.hash") == ""
        assert seen.nothing, seen


def test_copy_link_uses_the_clipboard_or_shows_the_address(toy, opened):
    with opened(toy) as (view, _):
        view.evaluate("""() => {
          window.allowed = true;
          Object.defineProperty(navigator, 'clipboard', { configurable: true, value: {
            writeText: async (text) => { if (!window.allowed) throw new Error('no'); window.copied = text; } } });
        }""")
        view.select_option("#sg-product", label="Metal")
        view.get_by_role("button", name="Copy link").click()
        view.wait_for_function("() => (window.copied || '').endsWith('#p=metal')")
        assert view.inner_text("[role=status]") == "Link copied."
        field = view.get_by_role("textbox", name="Link to this view")
        assert not field.is_visible()
        view.evaluate("() => { window.allowed = false; }")
        view.get_by_role("button", name="Copy link").click()
        assert field.input_value().endswith("#p=metal")
        assert view.evaluate("() => document.activeElement.selectionEnd > 20")


def cells(view, row=0):
    return view.locator(".sg-table tbody tr").nth(row).locator("th, td").all_inner_texts()


def heads(view):
    return [" ".join(text.split()) for text in view.locator(".sg-table thead th").all_inner_texts()]


def test_tables_hold_what_the_map_shows(toy, opened):
    with opened(toy) as (view, seen):
        view.get_by_role("button", name="Table").click()
        numbers = [f"{text} t a year" for text in ("Today", "Made or used", "Low", "High", "Capacity")]
        assert heads(view)[6:] == [*numbers, "Year", "Source"]
        rows = {cells(view, i)[0]: cells(view, i) for i in range(view.locator(".sg-table tbody tr").count())}
        source = "A yearbook, A survey, 2026"
        assert rows["Eastern Refinery"][6:] == ["800", "800", "640", "960", "1\u2009000", "2025", source]
        assert rows["River Factory"][7:10] == ["not known"] * 3
        assert rows["Lower Mine"][7:] == ["300", "not known", "not known", "1\u2009000", "", source]
        assert rows["Mine du Québec"][7] == "see Activities"
        view.get_by_role("button", name="Activities").click()
        assert view.locator(".sg-table tbody tr").count() == 8
        view.evaluate(f"() => {{ {APP}.state.hidden.add('mine'); {APP}.set({{ product: 1, least: 200 }}) }}")
        view.get_by_role("button", name="Sites").click()
        left = set(view.locator(".sg-table tbody th").all_inner_texts())
        assert "Hamburg" in left
        assert not {"Mine du Québec", "Dar es Salaam"} & left
        view.get_by_role("button", name="Links").click()
        note = view.locator(".sg-table-note p")
        assert note.inner_text() == "3 rows: what the map shows now · Today · Metal · flows from 200 t"
        assert cells(view)[:7] == ["Eastern Refinery", "Island Factory", "Metal", "estimated", "550", "385", "770"]
        view.get_by_role("switch", name="Everything").click()
        assert note.inner_text() == "8 rows: everything"
        assert heads(view)[4:6] == ["Today t a year", "Suez closed t a year"]
        view.get_by_role("button", name="From country").press("Enter")
        assert view.locator("thead th[aria-sort=descending]").inner_text() == "From country"
        assert view.evaluate("() => document.activeElement.textContent") == "From country"
        with view.expect_download() as waiting:
            view.get_by_role("button", name="Download CSV").click()
        rows = list(csv.reader(io.StringIO(waiting.value.path().read_text(encoding="utf-8-sig"))))
        assert rows[0][4:8] == [f"{text} (t a year)" for text in ("Today", "Suez closed", "Low, today", "High, today")]
        assert len(rows) == 9
        assert seen.nothing, seen


def test_a_row_leads_to_its_place(toy, opened):
    with opened(toy) as (view, seen):
        opener = view.get_by_role("button", name="Table")
        opener.press("Enter")
        view.get_by_role("button", name="River Factory").press("Enter")
        assert not view.is_visible(".sg-table")
        box = view.evaluate("() => document.activeElement.closest('.leaflet-popup').getAttribute('aria-label')")
        assert box == "River Factory"
        view.keyboard.press("Escape")
        assert view.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Table"
        rows = {"Links": "Island Factory", "Straits": "Suez Canal", "Countries": "Finland"}
        for table, row in rows.items():
            opener.click()
            view.get_by_role("button", name=table, exact=True).click()
            view.locator(".sg-table tbody tr", has_text=row).first.locator("td").first.click()
            assert view.inner_text(".leaflet-popup h3") == ("Eastern Refinery" if table == "Links" else row)
        assert seen.nothing, seen


def popup(view, node):
    view.evaluate(f"(id) => {APP}.visit({APP}.data.nodes.find((node) => node.id === id))", node)
    return view.locator(".leaflet-popup-content")


def test_popups_give_year_and_source_beside_numbers(toy, opened):
    unsourced = """() => [...document.querySelectorAll('.leaflet-popup td')].map((cell) => [cell, cell.textContent])
      .filter(([cell, words]) => /\\d/.test(words) && !cell.querySelector('.sg-ref')).map(([, words]) => words)"""
    with opened(toy) as (view, seen):
        box = popup(view, "mine-a")
        assert view.evaluate(unsourced) == []
        words = " ".join(box.inner_text().split())
        assert "Activity 2025, estimated 900 t (720–1 080)1" in words
        assert "China 70 %1, 30 % not known" in words
        assert "Eastern Refinery China 650 (455–910) reported3" in words
        assert "Northern Refinery Finland 250 (175–350)1" in words
        assert box.locator("ol li").all_inner_texts() == [
            "A yearbook, A survey, 2026",
            "Added up from the shipments of 2025, estimated, 27 % of them reported",
            "Customs records",
        ]
        assert "Activity 2025, estimated not known1" in " ".join(popup(view, "fac-b").inner_text().split())
        assert "Activity year not known, estimated 300 t1" in " ".join(popup(view, "mine-b").inner_text().split())
        assert "Tonnes a year 2025, estimated 500 t2" in " ".join(popup(view, "suez").inner_text().split())
        view.evaluate(f"() => {APP}.visitCountry({APP}.data.world.find(({{ iso }}) => iso === 'CHN'))")
        assert "Share of refining 2025, estimated 67 %1" in " ".join(view.inner_text(".leaflet-popup-content").split())
        view.evaluate(f"() => {APP}.set({{ scenario: 1 }})")
        popup(view, "ref-b")
        assert "Added up from the shipments of “Suez closed”" in view.inner_text(".leaflet-popup-content ol")
        assert seen.nothing, seen


@pytest.mark.parametrize(("words", "found"), [
    ("quebec", ["Mine du Québec"]), ("QUÉBEC", ["Mine du Québec"]),
    ("FIN", ["Finland", "Kokkola", "Northern Refinery", "Eastern Refinery"]),
    ("china", ["China", "Mine du Québec"]), ("island", ["Island Factory"]), ("nowhere", []),
])  # fmt: skip
def test_search_folds_accents_and_knows_owners_and_codes(words, found, toy, opened):
    with opened(toy) as (view, _):
        view.get_by_role("combobox", name="Find a site or country").fill(words)
        assert view.locator(".sg-found span").all_inner_texts() == found
        view.get_by_role("combobox", name="Find a site or country").fill("toy co")
        assert view.locator(".sg-found span").count() == 7
        assert "Toy Co" in view.locator(".sg-found small").first.inner_text()


def test_the_legend_folds_by_key_and_names_move_away(toy, opened):
    with opened(toy) as (view, _):
        summary = view.locator(".sg-legend summary")
        before = view.locator(".sg-legend").bounding_box()["height"]
        summary.press("Enter")
        assert view.locator(".sg-legend").bounding_box()["height"] < before / 3
        view.wait_for_function("() => window.location.hash === '#l=0'")
        view.reload()
        assert not view.evaluate("() => document.querySelector('.sg-legend').open")


@pytest.mark.parametrize(("width", "height"), [(1920, 600), (1280, 800), (800, 1200), (390, 844)])
def test_two_maps_share_the_window(width, height, toy, opened):
    with opened(toy, width, height) as (view, seen):
        view.get_by_role("button", name="Side by side").click()
        first, second, panel = (view.locator(name).bounding_box() for name in ("#map-today", "#map", ".sg-panel"))
        assert (first["width"], first["height"]) == (second["width"], pytest.approx(second["height"], abs=3))
        share = first["width"] * first["height"] / (width * height)
        assert share > (0.27 if width < 700 else 0.3)
        beside = first["y"] == second["y"]
        assert beside == (width > 2 * height)
        overlaps = panel["x"] < second["x"] + second["width"] and panel["y"] < second["y"] + second["height"]
        assert not overlaps
        x, y = place_of(view, "ref-b")
        dx, dy = first["x"] - second["x"], first["y"] - second["y"]
        tips = []
        for where in ((x, y), (x + dx, y + dy)):
            view.mouse.move(*where)
            view.wait_for_function("() => document.querySelectorAll('.sg-tip').length === 1")
            tips.append(view.inner_text(".sg-tip"))
            view.mouse.move(first["x"] + 3, first["y"] + 3)
            view.wait_for_function("() => document.querySelectorAll('.sg-tip').length === 0")
        assert [f"{tonnes} t" in tip for tip, tonnes in zip(tips, (200, 250), strict=True)] == [True, True]
        view.mouse.move(first["x"] + 90, first["y"] + 90)
        view.mouse.down()
        view.mouse.move(first["x"] + 130, first["y"] + 120, steps=3)
        view.mouse.up()
        places = view.evaluate(f"""() => {APP}.maps.map((map) => map.latLngToContainerPoint([0, 100])).flatMap(
          ({{ x, y }}) => [x, y])""")
        assert places[:2] == pytest.approx(places[2:], abs=1.5)
        moved = place_of(view, "ref-b")
        assert moved[0] - x == pytest.approx(40, abs=2)
        assert seen.nothing, seen


def test_on_a_phone_fingers_reach_everything(toy, chromium):
    with phone(chromium, toy) as (view, errors):
        assert not view.evaluate("() => document.querySelector('.sg-legend').open")
        assert view.evaluate("() => document.documentElement.scrollWidth") == 390
        view.touchscreen.tap(*place_of(view, "ref-b"))
        view.wait_for_selector(".leaflet-popup")
        assert view.inner_text(".leaflet-popup h3") == "Northern Refinery"
        assert view.locator(".leaflet-popup .sg-go").first.bounding_box()["height"] >= 24
        view.locator(".leaflet-popup-close-button").tap()
        view.locator(".sg-handle").tap()
        assert view.locator(".sg-panel").bounding_box()["height"] < 60
        view.touchscreen.tap(*[place + by for place, by in zip(place_of(view, "fac-b"), (14, 10), strict=True)])
        assert view.inner_text(".leaflet-popup h3") == "River Factory"
        view.locator(".sg-handle").tap()
        assert view.get_by_role("button", name="Table").is_visible()
        small = view.evaluate("""() => {
          document.querySelector('.sg-more').open = true;
          const parts = [...document.querySelectorAll('button, select, input, summary, a[href]')];
          const box = (part) => (part.closest('label') || part).getBoundingClientRect();
          return parts.filter((part) => part.offsetParent && (box(part).height < 24 || box(part).width < 24))
            .map((part) => part.outerHTML.slice(0, 80));
        }""")
        assert small == []
        view.locator(".leaflet-popup-close-button").tap()
        before = view.evaluate(f"() => {APP}.map.getZoom()")
        pinch(view)
        assert view.evaluate(f"() => {APP}.map.getZoom()") > before + 0.5
        assert json.dumps(errors) == "[]"


def pinch(view):
    """Two fingers that move apart."""
    client = view.context.new_cdp_session(view)
    for away in (20, 40, 60, 80, 100):
        kind = "touchStart" if away == 20 else "touchMove"
        points = [{"x": 195 - away, "y": 300, "id": 0}, {"x": 195 + away, "y": 300, "id": 1}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        view.wait_for_timeout(20)
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    view.wait_for_timeout(60)
