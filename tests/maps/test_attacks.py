"""Joint failures and defences on the map: all members are marked, the panel says what the answer says."""

from __future__ import annotations

import maptoys
import pandas as pd
import pytest
import toys
from test_failures import RED

from supplygraph.maps import attacks, map_network, offline
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.interdiction import defend, interdict
from supplygraph.network.network import SupplyNetwork
from supplygraph.results import Result

KINDS = ("node", "passage", "country", "owner", "edge")
APP = "document.getElementById('map').supplyMap"
BLUE = RED.replace("data[i] > 150 && data[i + 1] < 60 && data[i + 2] < 70",
                   "data[i] < 60 && data[i + 1] < 110 && data[i + 2] > 150")  # fmt: skip
#: What a member of the set is painted: a pixel so far above the middle; the middle of a failure is its white bar.
SIGN = """([id, up]) => {
  const { canvas, hits, map } = document.getElementById('map').supplyMap.canvas;
  const open = (x, y) => document.elementFromPoint(x, y)?.closest('#map');
  const [x, y, r] = hits.find(([left, top, , node]) => node.id === id && open(left, top));
  const ratio = window.devicePixelRatio || 1;
  const copy = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const pen = copy.getContext('2d', { willReadFrequently: true });
  pen.drawImage(canvas, -Math.round(x * ratio), -Math.round((y - up) * ratio));
  return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


def members(rows, drawn):
    """Return the ids of the members on the page."""
    nodes = [row[0] for row in drawn.payload["nodes"]]
    return [(nodes[a], nodes[b]) if isinstance(what, list) else nodes[what] if isinstance(what, int) else what
            for what, *_ in rows for a, b in [what[:2] if isinstance(what, list) else (0, 0)]]  # fmt: skip


def expected(answer, table):
    if answer.params["by"] != "edge":
        return list(table.index)
    edges = answer.network.edges.loc[table.index]
    return list(zip(edges["source"], edges["target"], strict=True))


def same(shown, numbers):
    return shown == [None if pd.isna(number) else pytest.approx(number, rel=5e-3) for number in numbers]


def unproved(answer, **figures):
    """Return an answer as a time limit leaves it; searches of this size are proved at once."""
    parts = {"params": answer.params, "network": answer.network, "tables": answer.tables, "table": answer.table}
    figures = {**answer.figures, "proved": False, **figures}
    return type(answer)(title=answer.title, figures=figures, explanation=answer.explain(), **parts)


@pytest.mark.parametrize("make", [maptoys.network, toys.chain], ids=["maptoys", "chain"])
@pytest.mark.parametrize("by", KINDS)
def test_the_page_says_what_the_answer_says(by, make):
    for k in (1, 2):
        answer = interdict(make(), k=k, by=by)
        drawn = answer.map()
        shown = drawn.payload["attack"]
        assert members(shown["fails"], drawn) == expected(answer, answer.table)
        assert [row[1] for row in shown["fails"]] == answer.table["name"].tolist()
        assert same([row[3] for row in shown["fails"]], answer.table["loss_alone_t"])
        assert same([row[4] for row in shown["fails"]], answer.table["loss_without_it_t"])
        assert same([shown[name] for name in ("loss", "bound", "delivered")],
                    [answer.figures[name] for name in ("loss_t", "bound_t", "delivered_t")])  # fmt: skip
        nodes = [row[0] for row in drawn.payload["nodes"]]
        assert [nodes[row[0]] for row in shown["losers"]] == answer.losses["node"].tolist()
        assert same([row[4] for row in shown["losers"]], answer.losses["lost_t"])
        assert shown["losing"] == len(answer.losses)
        guarded = defend(make(), k=1, j=k, by=by)
        drawn = guarded.map()
        shown = drawn.payload["attack"]
        assert members(shown["protected"], drawn) == expected(guarded, guarded.table)
        assert members(shown["fails"], drawn) == expected(guarded, guarded.attack)
        assert same([shown["before"]], [guarded.figures["before_t"]])


def test_all_members_are_marked_and_the_panel_tells_the_story(tmp_path, opened):
    answer = interdict(maptoys.network(), k=2)
    map_network(maptoys.network()).save_html(tmp_path / "plain.html")
    with opened(tmp_path / "plain.html") as (view, _):
        plain = view.evaluate(RED)
    answer.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        panel = view.inner_text(".sg-attack")
        assert view.inner_text("h1") == answer.title
        assert "Together these 2 cost 1\u2009200 t of demand a year, 100 % of what is delivered." in panel
        assert "Proved: no set of at most 2 costs more." in panel
        fails, losers = (view.locator(".sg-attack table").nth(i).locator("tbody tr") for i in (1, 2))
        for number, row in enumerate(answer.table.itertuples()):
            name, alone, without = fails.nth(number).locator("th, td").all_inner_texts()
            assert name.startswith(row.name)
            assert (float(alone), float(without)) == (row.loss_alone_t, row.loss_without_it_t)
            red, green, blue = view.evaluate(SIGN, [row.Index, 4])
            assert red > 150, (red, green, blue)
            assert max(green, blue) < 70
        assert [losers.nth(i).locator("td").all_inner_texts() for i in (0, 1)] == [["700", "100 %"], ["500", "100 %"]]
        assert "more" not in panel.split("Who loses")[1]
        legend = view.inner_text(".sg-legend")
        assert "Fails" in legend
        assert "Red arc: share of its demand lost" in legend
        assert "exact, by maximum flow" in legend
        assert "Size:" not in legend
        assert view.evaluate(RED) > plain + 200
        view.locator(".sg-attack").get_by_role("button", name="Hamburg").click()
        popup = view.inner_text(".leaflet-popup-content")
        assert "Demand lost if it alone fails\t500 t" in popup
        view.locator(".sg-attack").get_by_role("button", name="Island Factory").click()
        assert "700 t (100 %)" in view.inner_text(".leaflet-popup-content")
        assert seen.nothing, seen


def test_what_is_not_proved_says_so(tmp_path, opened):
    net = maptoys.network()
    unproved(interdict(net, k=2), loss_t=1000.0, bound_t=1200.0, gap=1 / 6).save_html(tmp_path / "attack.html")
    guarded = defend(net, k=1, j=1, by="country")
    unproved(guarded, bound_t=400.0, gap=0.2).save_html(tmp_path / "defence.html")
    for name, words in (("attack", "Not proved: nothing costs more than 1\u2009200 t (gap 17 %)."),
                        ("defence", "Not proved: another choice may leave as little as 400 t (gap 20 %).")):
        with opened(tmp_path / f"{name}.html") as (view, seen):
            panel = view.inner_text(".sg-attack")
            assert words in panel
            assert "Proved:" not in panel
            assert ("cost" if name == "attack" else "costs at most 500 t") in panel
            assert seen.nothing, seen


def test_more_losers_than_fit_are_counted(tmp_path, opened):
    answer = interdict(maptoys.network(), k=2)
    row = answer.losses.iloc[[0]]
    many = pd.concat([answer.losses, *[row.assign(node="elsewhere", name=f"Small {i}", lost_t=1.0) for i in range(9)]])
    parts = {"title": answer.title, "params": answer.params, "network": answer.network, "table": answer.table}
    changed = type(answer)(tables={"losses": many}, figures=answer.figures, explanation=answer.explain(), **parts)
    changed.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        panel = view.inner_text(".sg-attack")
        assert "Small 2" in panel
        assert "Small 3" not in panel
        assert "and 6 more" in panel
        view.get_by_role("button", name="Table").click()
        assert view.locator(".sg-tabs button").all_inner_texts()[:2] == ["Set", "Who loses"]
        view.get_by_role("button", name="Who loses").click()
        assert "Small 8" in view.inner_text(".sg-table")
        assert seen.nothing, seen


@pytest.mark.parametrize("by", ["country", "edge"])
def test_a_defence_rings_what_is_protected(by, tmp_path, opened):
    answer = defend(maptoys.network(), k=1, j=1, by=by)
    interdict(maptoys.network(), k=1, by=by).save_html(tmp_path / "attack.html")
    with opened(tmp_path / "attack.html") as (view, _):
        blue = view.evaluate(BLUE)
    answer.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        panel = view.inner_text(".sg-attack")
        assert "With this one protected, the worst single failure costs 500 t of demand a year, 42 %" in panel
        assert "instead of 700 t" in panel
        assert "Proved: no choice of at most 1 leaves less." in panel
        protected, left = panel.split("The worst attack left")
        names = {"country": ("Japan", "Germany"), "edge": ("Osaka → Island Factory", "Hamburg → River Factory")}[by]
        assert names[0] in protected
        assert names[1] in left
        legend = view.inner_text(".sg-legend")
        assert "Protected" in legend
        assert {"country": "All sites in the country fail", "edge": "Link fails"}[by] in legend
        assert view.evaluate(BLUE) > blue + 60
        assert view.evaluate(RED) > 60
        view.locator(".sg-attack").get_by_role("button", name=names[0]).click()
        assert seen.nothing, seen


def test_a_protected_site_keeps_its_shape_in_a_ring(tmp_path, opened):
    answer = defend(maptoys.network(), k=1, j=2, by="passage")
    answer.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert view.evaluate(BLUE) > 60
        red, green, blue = view.evaluate(SIGN, ["good_hope", 0])
        assert red < 60, (red, green, blue)
        assert "0 t of demand a year, instead of 500 t" in view.inner_text(".sg-attack")
        assert seen.nothing, seen


def test_nothing_lost_is_no_error(tmp_path, opened):
    net = maptoys.network()
    for answer, words in ((interdict(net, k=2, by="owner"), "No 2 failures cost any demand."),
                          (defend(net, k=1, j=1, by="owner"), "nothing needs protection"),
                          (defend(net, k=1, j=1), "Nothing found to protect helps")):
        answer.save_html(tmp_path / "map.html")
        with opened(tmp_path / "map.html") as (view, seen):
            assert words in view.inner_text(".sg-attack")
            assert view.locator(".sg-attack h4").count() == ("helps" in words)
            assert seen.nothing, seen


def test_members_that_nothing_goes_through_today_are_marked(tmp_path, opened):
    straits = interdict(maptoys.network(), k=2, by="passage")
    assert "good_hope" in straits.table.index
    assert "good_hope" not in [row[0] for row in map_network(straits.network).payload["nodes"]]
    straits.map().save_html(tmp_path / "straits.html")
    interdict(maptoys.network(), k=2, kinds="mine").map(product="metal").save_html(tmp_path / "mines.html")
    for name, items in (("straits", ("good_hope", "suez")), ("mines", ("mine-a", "mine-b"))):
        with opened(tmp_path / f"{name}.html") as (view, seen):
            for item in items:
                red, green, blue = view.evaluate(SIGN, [item, 4])
                assert red > 150, (red, green, blue)
                assert max(green, blue) < 70
            assert seen.nothing, seen


def test_who_loses_may_be_unknown(tmp_path, opened):
    answer = interdict(maptoys.network(), k=1)
    parts = {"title": answer.title, "params": answer.params, "network": answer.network, "table": answer.table}
    changed = type(answer)(tables={"losses": answer.losses.iloc[:0]}, figures=answer.figures, explanation="", **parts)
    changed.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert "Who loses: not computed" in view.inner_text(".sg-attack")
        assert "Red arc" not in view.inner_text(".sg-legend")
        assert seen.nothing, seen


@pytest.mark.long
@pytest.mark.parametrize("text", ["<img src=x onerror=window.HIT=1>", "</script><script>window.HIT=1</script>",
                                  "${window.HIT=1}", "{{ 7*7 }}", "long " * 400])
def test_hostile_names_stay_text(text, tmp_path, opened):
    names = dict.fromkeys(("JPOSA", "DEHAM", "fac-a", "fac-b"), text)
    net = maptoys.network(names=names, countries={"JPN": text, "DEU": text})
    answers = [interdict(net, k=k, by=by) for k, by in ((2, "node"), (2, "edge"), (1, "country"))]
    for number, answer in enumerate([*answers, defend(net, k=1, j=1, by="country")]):
        path = answer.save_html(tmp_path / f"{number}.html")
        with opened(path) as (view, seen):
            assert text in view.locator(".sg-attack .sg-go").first.evaluate("(button) => button.textContent")
            view.get_by_role("button", name="Table").click()
            assert text in view.locator(".sg-table tbody").evaluate("(body) => body.textContent")
            assert view.evaluate("() => window.HIT || 0") == 0
            assert seen.nothing, seen


@pytest.mark.parametrize(("width", "height"), [(1200, 800), (390, 844)])
def test_it_fits_the_screen(width, height, tmp_path, opened):
    interdict(maptoys.network(), k=2, by="edge").save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html", width, height) as (view, _):
        box = view.locator(".sg-panel").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
        assert view.evaluate("() => document.querySelector('.sg-panel').scrollWidth"
                             " <= document.querySelector('.sg-panel').clientWidth")  # fmt: skip


def test_another_scenario_is_not_under_attack(tmp_path, opened):
    """What fails is shown on today's network alone; figures of the attack say nothing of other scenarios."""
    answer = interdict(maptoys.network(), k=2)
    after = {"name": "Canal closed", "shipments": maptoys.shipments(suez=False), "closed": ["suez"]}
    answer.map(scenarios=[after]).save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert "Red arc" in view.inner_text(".sg-legend")
        for mode in ("single", "difference", "split"):
            view.evaluate(f"() => {APP}.set({{ scenario: 1, mode: '{mode}' }})")
            assert "Red arc" not in view.evaluate("() => document.querySelector('.sg-legend').textContent")
        view.evaluate(f"() => {APP}.set({{ scenario: 0, mode: 'single' }})")
        assert "Red arc" in view.inner_text(".sg-legend")
        assert seen.nothing, seen


def test_a_picture_says_what_the_marks_mean(tmp_path, opened):
    interdict(maptoys.network(), k=2).save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        with view.expect_download() as download:
            view.get_by_role("button", name="Save PNG").click()
        assert download.value.suggested_filename == "supply-map.png"
        assert seen.nothing, seen


def test_same_answer_same_bytes(tmp_path):
    texts = []
    for shuffled in (False, True):
        parts = maptoys.tables()
        if shuffled:
            parts = {name: frame.sample(frac=1, random_state=1) for name, frame in parts.items()}
        texts.append(interdict(SupplyNetwork(**parts), k=2).map().save_html(tmp_path / "map.html").read_bytes())
    assert texts[0] == texts[1]


def test_other_maps_have_no_attack():
    net = maptoys.network()
    assert "attack" not in map_network(net).payload
    assert "attack" not in chokepoints(net).map().payload
    assert not attacks.tells(Result(title="", table=pd.DataFrame({"loss_alone_t": [1.0]}), params={}, explanation=""))
    assert "function readAttack" not in offline.program(failures=True)
