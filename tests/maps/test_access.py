"""Access: the accessibility tree, contrast as computed, the keyboard, stillness, names that strain the layout."""

from __future__ import annotations

import maptoys
import pytest
from readtoys import APP, CLOSED, phone, strange

from supplygraph.maps import map_network
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.exposure import exposure
from supplygraph.response.timeline import timeline
from supplygraph.scenario.shock import Shock

#: Roles that a reader acts on.
ACTED_ON = {
    "button", "link", "checkbox", "switch", "radio", "combobox", "listbox", "option", "searchbox", "slider", "textbox",
    "menuitem", "tab", "DisclosureTriangle", "application", "dialog", "region",
}  # fmt: skip
#: Text whose colour is too near to what lies behind it.
FAINT = """() => {
  const channel = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const read = (words) => words.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = read(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  let seen = 0;
  const test = (node, colour, words) => {
    const [a, b] = [light(read(colour)), light(behind(node))].sort((x, y) => y - x);
    seen += 1;
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push([words.slice(0, 40), colour, behind(node).join()]);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !node.getClientRects().length || node.closest('script, noscript')) continue;
    test(node, getComputedStyle(node).color, walk.currentNode.data.trim());
  }
  for (const field of document.querySelectorAll('input[placeholder]')) {
    test(field, getComputedStyle(field, '::placeholder').color, field.placeholder);
  }
  return [seen, faint];
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("access")
    net = maptoys.network()
    short = {"name": "Plant stands still", "shipments": maptoys.shipments(suez=False)}
    return {
        "network": map_network(net).save_html(folder / "network.html"),
        "failure": chokepoints(net).map(beside=[chokepoints(net, by="passage")]).save_html(folder / "failure.html"),
        "rerouting": map_network(net, scenarios=[CLOSED, short]).save_html(folder / "rerouting.html"),
        "upstream": exposure(net).map(zone=["JPN"]).save_html(folder / "upstream.html"),
        "over time": timeline(net, {"2026-01-01": Shock.close(node="ref-a") + Shock.close(node="ref-b"),
                                    "2026-02-01": None}).save_html(folder / "time.html"),
    }


def open_all(view):
    """Open whatever tells something, one over the other."""
    view.evaluate(f"""() => {{
      const app = {APP};
      for (const fold of document.querySelectorAll('details')) fold.open = true;
      app.visit(app.data.nodes.find((node) => node.id === 'ref-a'));
      if (app.data.failures) for (const fold of document.querySelectorAll('.sg-told details')) fold.open = true;
      if (app.data.scenarios.length > 1) app.set({{ scenario: 1, mode: 'split' }});
      app.panel.tools.linkBox.hidden = false;
    }}""")


def tree(view):
    client = view.context.new_cdp_session(view)
    nodes = [node for node in client.send("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    return [(node["role"]["value"], node.get("name", {}).get("value", "").strip(),
             {part["name"]: part["value"].get("value") for part in node.get("properties", [])}) for node in nodes]


def nameless(nodes):
    acted = [(role, name, more) for role, name, more in nodes if role in ACTED_ON or more.get("focusable")]
    empty = {"generic", "none", "unknown"}
    return len(acted), [(role, more) for role, name, more in acted if not name or role in empty]


@pytest.mark.parametrize("which", ["network", "failure", "rerouting", "upstream", "over time"])
def test_every_control_has_a_role_and_a_name_and_text_can_be_read(which, pages, opened):
    with opened(pages[which]) as (view, seen):
        open_all(view)
        nodes = tree(view)
        count, without = nameless(nodes)
        assert count > 15
        assert without == []
        roles = [role for role, _, _ in nodes]
        first = [name for role, name, more in nodes if role == "heading" and more.get("level") == 1]
        assert first == [view.inner_text("h1")]
        assert roles.count("main") == 1
        assert "switch" in roles
        assert sum(bool(more.get("live")) for _, _, more in nodes) >= 2
        for mode in ("light", "dark"):
            view.evaluate(f"() => {{ if ((document.documentElement.getAttribute('data-mode') || 'light') !== '{mode}') "
                          "document.querySelector('[role=switch][aria-label=Dark]').click(); }")  # fmt: skip
            number, faint = view.evaluate(FAINT)
            assert number > 60
            assert faint == []
            view.get_by_role("button", name="Help").click()
            assert view.evaluate(FAINT)[1] == []
            assert nameless(tree(view))[1] == []
            view.keyboard.press("Escape")
        view.get_by_role("button", name="Table").click()
        nodes = tree(view)
        assert nameless(nodes)[1] == []
        assert ("dialog", "Figures on the map") in [node[:2] for node in nodes]
        assert "columnheader" in [role for role, _, _ in nodes]
        assert view.evaluate(FAINT)[1] == []
        ids = view.evaluate("() => [...document.querySelectorAll('[id]')].map((node) => node.id)")
        assert len(ids) == len(set(ids))
        assert seen.nothing, seen


def test_the_checks_see_what_is_wrong(pages, opened):
    with opened(pages["network"]) as (view, _):
        view.evaluate("""() => {
          const bad = document.createElement('button');
          bad.style.cssText = 'position:fixed;color:#999;background:#fff';
          document.querySelector('.sg-panel').append(bad);
          const pale = document.createElement('p');
          pale.textContent = 'pale';
          pale.style.color = '#999999';
          document.querySelector('.sg-panel').append(pale);
        }""")
        assert [role for role, _ in nameless(tree(view))[1]] == ["button"]
        assert [words for words, *_ in view.evaluate(FAINT)[1]] == ["pale"]


FOCUS = """() => {
  const at = document.activeElement;
  const look = getComputedStyle(at);
  const name = at.id || at.getAttribute('aria-label') || at.textContent.trim().slice(0, 30) || at.type;
  return [name, look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 1, at.tagName];
}"""


def test_tab_reaches_everything_in_order_and_shows_where_it_is(pages, opened):
    with opened(pages["rerouting"]) as (view, _):
        found = []
        for _ in range(60):
            view.keyboard.press("Tab")
            name, visible, tag = view.evaluate(FOCUS)
            if tag == "BODY" or (found and name == found[0]):
                break
            assert visible, name
            found.append(name)
        assert found[0] == "map"
        wanted = [
            "Zoom in", "Zoom out", "Legend", "Table", "Save PNG", "Save SVG", "Copy link", "Dark", "Help", "sg-find",
            "sg-scenario", "Scenario", "Side by side", "Difference", "Filters and layers", "sg-product", "sg-fill",
            "sg-least",
        ]  # fmt: skip
        assert [name for name in found if name in wanted] == wanted
        assert found.count("checkbox") == 10


def test_the_map_is_walked_by_key(pages, opened):
    with opened(pages["rerouting"]) as (view, seen):
        said = "() => document.querySelector('[role=status]').textContent"
        view.focus("#map")
        view.keyboard.press("n")
        first = view.evaluate(said)
        assert first.startswith("1 of 9: ")
        assert ", 900 t a year, estimated. Enter tells more." in first
        assert view.locator(".sg-tip").count() == 1
        view.keyboard.press("n")
        assert view.evaluate(said).startswith("2 of 9: ")
        view.keyboard.press("p")
        view.keyboard.press("p")
        assert view.evaluate(said).startswith("9 of 9: ")
        view.keyboard.press("n")
        view.keyboard.press("Enter")
        inside = "() => Boolean(document.activeElement.closest('.leaflet-popup'))"
        assert view.evaluate(inside)
        name = view.inner_text(".leaflet-popup h3")
        assert name in first
        view.keyboard.press("Escape")
        assert view.locator(".leaflet-popup").count() == 0
        assert view.evaluate("() => document.activeElement.id") == "map"
        view.keyboard.press("0")
        view.keyboard.press("/")
        assert view.evaluate("() => document.activeElement.id") == "sg-find"
        view.keyboard.type("river")
        view.keyboard.press("Enter")
        assert view.evaluate(inside)
        view.keyboard.press("Escape")
        assert view.evaluate("() => document.activeElement.id") == "sg-find"
        view.focus("#map")
        view.keyboard.press("?")
        assert view.evaluate("() => document.querySelector('.sg-help').open")
        view.keyboard.press("Escape")
        assert view.evaluate("() => document.activeElement.id") == "map"
        view.get_by_role("button", name="Table").press("Enter")
        view.keyboard.press("Escape")
        assert view.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Table"
        assert not view.is_visible(".sg-table")
        assert seen.nothing, seen


def test_a_failure_opens_by_key_and_gives_the_focus_back(pages, opened):
    with opened(pages["failure"]) as (view, _):
        view.focus("#map")
        view.keyboard.press("n")
        assert "demand lost if it fails" in view.evaluate("() => document.querySelector('[role=status]').textContent")
        view.keyboard.press("Enter")
        assert view.evaluate("() => document.activeElement.textContent") == "← All failures"
        view.keyboard.press("Escape")
        assert view.evaluate("() => Boolean(document.activeElement.closest('.sg-ranking'))")


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_the_map_glides_unless_stillness_is_asked_for(wish, pages, chromium):
    context = chromium.new_context(viewport={"width": 900, "height": 700}, offline=True, reduced_motion=wish)
    view = context.new_page()
    view.goto(pages["network"].as_uri())
    left = view.evaluate(f"""() => new Promise((done) => {{
      const {{ map }} = {APP};
      map.panBy([200, 0]);
      requestAnimationFrame(() => done(Math.abs(map.getCenter().lng - map.containerPointToLatLng([450, 350]).lng)
        + (map._panAnim && map._panAnim._inProgress ? 1 : 0)));
    }})""")
    context.close()
    assert (left < 0.5) == (wish == "reduce")


#: Boxes whose content is wider than they are.
WIDE = """() => [...document.querySelectorAll('h1, h2, h3, h4, .sg-panel, .sg-panel *, .sg-legend, '
  + '.leaflet-popup-content, .leaflet-popup-content *, .sg-table, .sg-table header, .sg-table-note *, '
  + '.sg-table td, .sg-table th, .sg-help')]
  .filter((box) => !['SELECT', 'OPTION', 'INPUT'].includes(box.tagName) && box.getClientRects().length
    && getComputedStyle(box).display !== 'inline' && box.clientWidth && box.scrollWidth > box.clientWidth + 1)
  .map((box) => [box.tagName, box.className, box.scrollWidth, box.clientWidth])"""


def strained(view):
    """Boxes that names break, with everything open in turn."""
    found = []
    for node in ("mine-a", "ref-a", "suez", "fac-a"):
        view.evaluate(f"(id) => {APP}.visit({APP}.data.nodes.find((one) => one.id === id))", node)
        found += view.evaluate(WIDE)
    view.evaluate(f"() => {APP}.set({{ scenario: 1 }})")
    view.evaluate(f"() => {{ const {{ search }} = {APP}.panel; search.input.value = 'g'; search.find(); }}")
    found += view.evaluate(WIDE)
    view.evaluate(f"() => {APP}.table.open(document.body)")
    for position in range(5):
        view.evaluate(f"(i) => {APP}.table.show(i)", position)
        found += view.evaluate(WIDE)
    return found


def test_long_names_and_names_from_right_to_left_keep_the_layout(tmp_path, opened, chromium):
    path = strange().save_html(tmp_path / "strange.html")
    with opened(path, 1280, 800) as (view, seen):
        assert strained(view)[:10] == []
        assert view.evaluate("() => getComputedStyle(document.querySelector('h1')).direction") == "rtl"
        assert view.evaluate("() => getComputedStyle(document.querySelector('.sg-label')).direction") == "ltr"
        assert seen.nothing, seen
    with phone(chromium, path) as (view, errors):
        assert strained(view) == []
        assert view.evaluate("() => document.documentElement.scrollWidth") == 390
        assert errors == []
