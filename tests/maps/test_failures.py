"""Chokepoints on the map: what is told is what the answer says; a click or a key shows who loses."""

from __future__ import annotations

import maptoys
import pandas as pd
import pytest
import toys

from supplygraph.errors import DataError
from supplygraph.maps import failures, map_network, map_result
from supplygraph.maps.pack import unpack, unshort
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.concentration import concentration
from supplygraph.network.network import SupplyNetwork
from supplygraph.scenario.shock import Shock

#: Lists of a row, after what, group, method and figures.
LOSERS, GAINS, CUT_OFF, STOPS = 4, 5, 6, 7
KINDS = ("node", "passage", "country", "owner", "edge")
APP = "document.getElementById('map').supplyMap"
RED = """() => {
  const { canvas } = document.getElementById('map').supplyMap.canvas;
  const copy = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height });
  const pen = copy.getContext('2d');
  pen.drawImage(canvas, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) count += data[i] > 150 && data[i + 1] < 60 && data[i + 2] < 70;
  return count;
}"""
#: Where a site stands on the screen, on a copy of the world that no panel hides.
PLACE = """(id) => {
  const { canvas } = document.getElementById('map').supplyMap;
  const open = (x, y) => document.elementFromPoint(x, y)?.closest('#map');
  const [x, y] = canvas.hits.find(([left, top, , node]) => node.id === id && open(left, top));
  return [x, y];
}"""


@pytest.fixture(scope="module")
def by_node():
    return chokepoints(maptoys.network(), by="node")


@pytest.fixture(scope="module")
def page(by_node, tmp_path_factory):
    return by_node.map().save_html(tmp_path_factory.mktemp("page") / "map.html")


def narrow_strait():
    """One limit for two products in a strait: a maximum flow is only a bound."""
    parts = maptoys.tables()
    parts["nodes"].loc[parts["nodes"]["node"] == "malacca", "throughput_t"] = 900.0
    return SupplyNetwork(**parts)


def pairs(text, ids):
    count, *numbers = unpack(text)
    return count, [(ids[a], unshort(b)) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]


def told(answer, drawn):
    """Return the rows of the page by id of the item."""
    nodes = [row[0] for row in drawn.payload["nodes"]]
    net, products = answer.network, [row[0] for row in drawn.payload["products"]]
    found = {}
    for row in drawn.payload["failures"]["items"]:
        what = row[0]
        if isinstance(what, list):
            ends = (nodes[what[0]], nodes[what[1]], products[what[2]], what[3])
            edges = net.edges[["source", "target", "product", "mode"]].apply(tuple, axis=1)
            (what,) = [edge for edge, given in edges.items() if given == ends and edge in answer.table.index]
        found[nodes[what] if isinstance(what, int) else what] = row
    return found, nodes, products


def same(shown, number):
    return shown is None if pd.isna(number) else shown == pytest.approx(number, rel=5e-4, abs=1e-9)


@pytest.mark.parametrize("make", [maptoys.network, toys.chain], ids=["maptoys", "chain"])
@pytest.mark.parametrize("by", KINDS)
def test_the_page_says_what_the_answer_says(by, make):
    answer = chokepoints(make(), by=by)
    rows, nodes, products = told(answer, answer.map())
    home = answer.network.nodes
    assert set(rows) <= set(answer.table.index)
    busy = answer.table[(answer.table["loss_t"] > 0) | ((answer.table["throughput_t"] > 0) & (by != "edge"))]
    assert set(busy.index) <= set(rows)
    for item, row in rows.items():
        record = answer.table.loc[item]
        assert len(row[3]) == len(failures._FIGURES)
        assert all(same(shown, record[name]) for name, shown in zip(failures._FIGURES, row[3], strict=True)), item
        assert (row[1] == "unnamed") == record["residual"]
        for place, table, column in ((LOSERS, answer.losses, "lost_t"), (GAINS, answer.gains, "more_t"),
                                     (CUT_OFF, answer.dominated, "demand_t")):
            mine = table[table["item"] == item] if len(table) else table
            count, shown = pairs(row[place], nodes)
            assert count == len(mine)
            assert [node for node, _ in shown] == mine["node"].tolist()[: len(shown)]
            assert len(shown) == min(count, 40 if place == LOSERS else 6)
            assert [amount for _, amount in shown] == pytest.approx(mine[column].tolist()[: len(shown)], rel=6e-3)
        stops = answer.stops(item).assign(pair=lambda f: f["origin"] + ">" + f["destination"] + ":" + f["product"])
        sums = stops.groupby("pair")["flow_t"].sum().sort_values(ascending=False)
        count, *numbers = unpack(row[STOPS])
        assert count == len(sums)
        quads = list(zip(*(numbers[i::4] for i in range(4)), strict=True))
        assert len(quads) == min(count, 6)
        for a, b, product, amount in quads:
            pair = f"{home['name'][nodes[a]]}>{home['name'][nodes[b]]}:{products[product]}"
            assert unshort(amount) == pytest.approx(sums[pair], rel=6e-3)
        assert [unshort(quad[3]) for quad in quads] == pytest.approx(sums.tolist()[: len(quads)], rel=6e-3)


def test_demand_of_losers_is_written_once(by_node):
    drawn = by_node.map()
    ids = [row[0] for row in drawn.payload["nodes"]]
    asked = {ids[int(place)]: tonnes for place, tonnes in drawn.payload["failures"]["demand"].items()}
    assert asked == by_node.losses.drop_duplicates("node").set_index("node")["demand_t"].to_dict()


def test_what_was_not_asked_for_is_missing_and_says_so(tmp_path, opened):
    answer = chokepoints(maptoys.network(), lenses=("structure",))
    drawn = answer.map()
    rows, *_ = told(answer, drawn)
    loss, through = failures._FIGURES.index("loss_t"), failures._FIGURES.index("throughput_t")
    assert all(row[3][loss] is None and row[LOSERS] is None and row[GAINS] is None for row in rows.values())
    assert rows["mine-a"][3][through] == 900
    drawn.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert "Site: demand lost not computed" in view.inner_text(".sg-legend")
        first = view.locator(".sg-ranked button").first
        assert "not computed" in first.inner_text()
        first.click()
        words = view.inner_text(".sg-told")
        assert "What is lost if it fails was not computed." in words
        assert "Who loses: not computed" in words
        assert "Who steps in: not computed" in words
        view.get_by_role("button", name="← All failures").click()
        view.get_by_role("button", name="Table").click()
        assert view.locator(".sg-table tbody tr").first.inner_text().count("not computed") >= 8
        assert seen.nothing, seen


def test_a_bound_is_told_from_an_exact_loss(tmp_path, opened):
    exact, bound = (chokepoints(narrow_strait(), engine=engine) for engine in ("program", "flow"))
    assert bound.table["method"].str.contains("at least").all()
    bound.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert "A lower bound, by maximum flow, since the limit of site malacca" in opened_words(view, "mine-b")
        assert "at least 200 t" in opened_words(view, "mine-b")
        assert "at most 1\u2009000 t of 1\u2009200 t" in opened_words(view, "mine-b")
        assert "a lower bound, by maximum flow" in view.inner_text(".sg-legend")
        assert seen.nothing, seen
    exact.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, _):
        words = opened_words(view, "mine-b")
        assert "Exact, by linear programming" in words
        assert "at least" not in words


def opened_words(view, node):
    view.evaluate(f"(id) => {{ const app = {APP}; app.open(app.data.failures.items.find("
                  "(item) => (item.node ? item.node.id : item.iso) === id)); }", node)  # fmt: skip
    return view.inner_text(".sg-told")


def test_a_click_on_a_site_shows_who_loses(page, by_node, opened):
    losers = by_node.losses[by_node.losses["item"] == "mine-b"]
    with opened(page) as (view, seen):
        red = view.evaluate(RED)
        view.mouse.click(*view.evaluate(PLACE, "mine-b"))
        words = view.inner_text(".sg-told")
        assert view.inner_text(".sg-told h3") == "Lower Mine"
        assert "If it fails, 200 t of demand a year cannot be met, 17 % of what is delivered." in words
        assert "Exact, by maximum flow; after the best rerouting." in words
        assert "1\u2009000 t of 1\u2009200 t" in words
        rows = view.locator(".sg-failure table").nth(1).locator("tbody tr")
        for number, loser in enumerate(losers.itertuples()):
            name, tonnes, share = rows.nth(number).locator("th, td").all_inner_texts()
            assert name.startswith(loser.name)
            assert float(tonnes) == pytest.approx(loser.lost_t, rel=0.02)
            assert share == f"{loser.lost_t / loser.demand_t:.0%}".replace("%", " %")
        assert "Upper Mine" in view.locator(".sg-failure table").nth(2).inner_text()
        assert "Lower Mine → Other Korea" in words
        assert view.evaluate(RED) > red + 200  # the failure, arcs of those who lose, arrows of what stops
        assert "Red arc: share of its demand lost" in view.inner_text(".sg-legend")
        assert not view.is_visible(".sg-ranking")
        view.get_by_role("button", name="← All failures").click()
        assert view.is_visible(".sg-ranking")
        assert view.evaluate(RED) == red
        assert seen.nothing, seen


def test_the_map_stays_where_it_is_if_the_place_can_be_seen(page, opened):
    with opened(page) as (view, _):
        centre = f"() => {APP}.map.getCenter().lng"
        before = view.evaluate(centre)
        for site in ("suez", "malacca", "mine-b"):
            view.mouse.click(*view.evaluate(PLACE, site))
            assert view.evaluate(f"() => {APP}.state.chosen.node.id") == site
            assert view.evaluate(centre) == before


def test_the_pointer_tells_what_is_lost(page, opened):
    with opened(page) as (view, seen):
        view.mouse.move(*view.evaluate(PLACE, "mine-b"))
        tip = view.locator(".sg-tip")
        tip.wait_for()
        words = tip.inner_text()
        assert "Demand lost if it fails\t200 t (17 %)" in words
        assert "Through it, estimated\t300 t" in words
        assert "Loses most\tIsland Factory, 180 t" in words
        view.mouse.move(*view.evaluate(PLACE, "malacca"))
        view.wait_for_function("() => document.querySelector('.sg-tip').innerText.includes('Extra days')")
        assert "−3.3 d" in tip.inner_text()
        assert seen.nothing, seen


def test_a_loser_leads_to_its_own_failure(page, opened):
    with opened(page) as (view, _):
        view.mouse.click(*view.evaluate(PLACE, "mine-b"))
        view.get_by_role("button", name="Island Factory").click()
        assert view.inner_text(".sg-told h3") == "Island Factory"
        assert view.evaluate(f"() => {APP}.state.chosen.name") == "Island Factory"


def test_the_ranking_works_by_keyboard(page, by_node, opened):
    supply = by_node.table[~by_node.table["residual"] & ~by_node.table["kind"].isin(["factory", "passage"])]
    with opened(page) as (view, seen):
        buttons = view.locator(".sg-ranked button")
        assert [text.split("\n")[0] for text in buttons.all_inner_texts()] == supply["name"].tolist()[:10]
        assert "700 t · 58 %" in buttons.first.inner_text()
        buttons.first.focus()
        view.keyboard.press("ArrowDown")
        view.keyboard.press("ArrowDown")
        view.keyboard.press("ArrowUp")
        view.keyboard.press("Enter")
        assert view.inner_text(".sg-told h3") == supply["name"].iloc[1]
        assert view.evaluate("() => document.activeElement.textContent") == "← All failures"
        view.keyboard.press("Tab")
        assert view.evaluate("() => document.activeElement.textContent") == "River Factory"
        view.keyboard.press("Escape")
        assert view.evaluate("() => document.activeElement.textContent").startswith(supply["name"].iloc[1])
        assert view.is_visible(".sg-ranking")
        view.select_option(".sg-ranking select", label="Unnamed rests")
        assert "Other Korea" in view.inner_text(".sg-ranked")
        view.select_option(".sg-ranking select", label="Straits")
        assert "+0 d" not in view.inner_text(".sg-ranked")
        assert view.locator(".sg-ranked button").first.inner_text().split("\n")[1] == "0 d · 500 t"
        assert seen.nothing, seen


def test_sites_are_sized_by_loss_and_straits_by_tonnes(page, by_node, opened):
    with opened(page) as (view, _):
        radius = dict(view.evaluate(f"() => {APP}.canvas.hits.map(([, , r, node]) => [node.id, r])"))
        table = by_node.table
        assert radius["fac-a"] > radius["fac-b"] > radius["mine-b"] > radius["ref-a"]
        assert table.loc["fac-a", "loss_t"] > table.loc["fac-b", "loss_t"] > table.loc["mine-b", "loss_t"]
        assert radius["malacca"] > radius["suez"]
        assert table.loc["malacca", "throughput_t"] > table.loc["suez", "throughput_t"]
        legend = view.inner_text(".sg-legend")
        assert "Site: 500 t of demand lost" in legend
        assert "Strait: 500 t through; +d: extra days per tonne" in legend
        assert "Contained tonnes a year (2025). Losses after the best rerouting: exact, by maximum flow." in legend
        assert "Not drawn, as nothing goes there: 1." in legend
        assert "Unnamed rest of a country" in legend


@pytest.mark.parametrize("by", ["country", "owner"])
def test_countries_are_filled_by_loss(by, tmp_path, opened):
    answer = chokepoints(maptoys.network(), by=by)
    answer.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        shares = view.evaluate(f"() => {APP}.data.answer.shares")
        assert shares == pytest.approx(answer.table["loss_share"].to_dict(), rel=1e-3)
        whose = "an owner" if by == "owner" else "a country"
        assert f"Demand lost if {whose} fails: to 1, 5, 15, 30 %, more" in view.inner_text(".sg-legend")
        view.locator(".sg-ranked button").first.click()
        assert view.inner_text(".sg-told h3") == answer.network.countries["name"][answer.table.index[0]]
        assert "cannot be met" in view.inner_text(".sg-told") or by == "owner"
        assert seen.nothing, seen


def test_a_country_is_told_by_a_click_on_it(tmp_path, opened):
    chokepoints(maptoys.network(), by="country").save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, _):
        place = view.evaluate(f"""() => {{
          {APP}.map.setView([33, 100], 5, {{ animate: false }});
          return {APP}.map.latLngToContainerPoint([35, 92]);
        }}""")
        view.mouse.click(place["x"], place["y"])
        assert view.inner_text(".sg-told h3") == "China"
        assert "If it fails, all demand can still be met." in view.inner_text(".sg-told")


def test_links_stand_out_by_loss(tmp_path, opened):
    answer = chokepoints(maptoys.network(), by="edge")
    answer.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert "Link: 500 t of demand lost" in view.inner_text(".sg-legend")
        assert f"10 of {len(answer.table)}" in view.inner_text(".sg-ranking")
        view.locator(".sg-ranked button").nth(2).click()
        assert view.inner_text(".sg-told h3") == "Upper Mine → Dar es Salaam"
        x, y = view.evaluate(f"""() => {{
          const {{ frame }} = {APP}.canvas;
          const {{ points }} = {APP}.state.chosen.edge;
          const [px, py] = points[points.length >> 1];
          return [(px * frame.k) - frame.left, py * frame.k - frame.top];
        }}""")
        view.get_by_role("button", name="← All failures").click()
        view.mouse.click(x % view.evaluate(f"() => 256 * {APP}.canvas.frame.k"), y)
        assert view.inner_text(".sg-told h3") == "Upper Mine → Dar es Salaam"
        assert seen.nothing, seen


@pytest.mark.parametrize(("width", "height"), [(1200, 800), (390, 844)])
def test_it_fits_the_screen(page, width, height, opened):
    with opened(page, width, height) as (view, _):
        for chosen in (False, True):
            if chosen:
                view.locator(".sg-ranked button").nth(2).click()
            box = view.locator(".sg-panel").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
            assert view.evaluate("() => document.querySelector('.sg-panel').scrollWidth"
                                 " <= document.querySelector('.sg-panel').clientWidth")  # fmt: skip
            assert view.locator(".sg-told h3" if chosen else ".sg-ranked button").first.is_visible()
        place = view.evaluate(PLACE, view.evaluate(f"() => {APP}.state.chosen.node.id"))
        over = "([x, y]) => document.elementFromPoint(x, y).closest('.sg-panel, .sg-legend')"
        assert view.evaluate(over, place) is None


def test_straits_countries_and_sites_on_one_map(by_node, tmp_path, opened):
    net = by_node.network
    beside = [chokepoints(net, by="passage"), chokepoints(net, by="country")]
    drawn = chokepoints(net, top=4).map(beside=beside)
    groups = [row[1] for row in drawn.payload["failures"]["items"]]
    assert groups.count("strait") == 2
    assert groups.count("country") == len(beside[1].table)
    drawn.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert view.locator(".sg-ranking option").all_inner_texts() == [
            "Mines, refineries, ports", "Straits", "Users", "Countries"]  # fmt: skip
        assert view.input_value("#sg-fill") == "none"
        view.evaluate(f"() => {APP}.set({{ fill: 'answer' }})")
        assert "Demand lost if a country fails" in view.inner_text(".sg-legend")
        assert seen.nothing, seen


def test_answers_that_do_not_belong_together_are_refused(by_node):
    net = by_node.network
    with pytest.raises(DataError, match="another network"):
        map_result(by_node, beside=[chokepoints(toys.chain(), by="passage")])
    with pytest.raises(DataError, match="another demand"):
        map_result(by_node, beside=[chokepoints(net, by="passage", demand="fac-a")])
    with pytest.raises(DataError, match="not about single failures"):
        map_result(by_node, beside=[concentration(net)])
    with pytest.raises(DataError, match="by owner, another by country"):
        map_result(chokepoints(net, by="country"), beside=[chokepoints(net, by="owner")])


def test_failures_after_a_shock_show_what_is_shipped_then(tmp_path, opened):
    answer = chokepoints(maptoys.network(), shock=Shock.close(node="ref-b"), demand="JPN")
    drawn = answer.map()
    _, after = drawn.payload["scenarios"]
    assert after["name"] == f"After {answer.params['shock']}"
    rows, *_ = told(answer, drawn)
    count, *_ = unpack(rows["CNNGB"][STOPS])
    assert count == answer.stops("CNNGB").groupby(["origin", "destination", "product"]).ngroups
    drawn.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert view.inner_text(".sg-scenario") == after["name"]
        assert "demand of JPN" in opened_words(view, "JPOSA")
        assert seen.nothing, seen


def test_a_product_alone_leaves_out_the_sites_of_others(by_node):
    drawn = by_node.map(product="metal")
    rows, _, products = told(by_node, drawn)
    assert "mine-a" not in rows
    assert rows["ref-a"][STOPS]
    assert products == ["metal"]


def test_the_table_has_the_failures_first(page, by_node, opened):
    with opened(page) as (view, _):
        view.get_by_role("button", name="Table").click()
        assert view.locator(".sg-tabs button").first.inner_text() == "Failures"
        first = view.locator(".sg-table tbody tr").first.locator("th, td").all_inner_texts()
        assert first[0] in by_node.table[by_node.table["loss_t"] == by_node.table["loss_t"].max()]["name"].tolist()
        assert first[-2:] == ["58 %", "700"]


def test_same_answer_same_bytes(tmp_path):
    texts = []
    for shuffled in (False, True):
        parts = maptoys.tables()
        if shuffled:
            parts = {name: frame.sample(frac=1, random_state=1) for name, frame in parts.items()}
        texts.append(chokepoints(SupplyNetwork(**parts)).map().save_html(tmp_path / "map.html").read_bytes())
    assert texts[0] == texts[1]


def test_nothing_that_can_fail_is_no_error(tmp_path, opened):
    parts = toys.chain_tables()
    net = SupplyNetwork(**parts).select(kind=["mine", "refinery", "factory", "port"])
    answer = chokepoints(net, by="passage", lenses=("structure", "capacity"), engine="flow")
    assert answer.table.empty
    answer.save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        assert "There is no passage in this network." in view.inner_text(".sg-panel")
        assert view.locator(".sg-ranked button").count() == 0
        assert seen.nothing, seen


def test_other_maps_have_no_failures():
    assert "failures" not in map_network(maptoys.network()).payload
