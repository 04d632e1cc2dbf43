"""Hostile text in every field of a network: shown as given, never run; each case is seen to work on a naive map."""

from __future__ import annotations

import copy
from functools import lru_cache

import folium
import maptoys
import pytest
from jinja2 import TemplateError

from supplygraph.maps import map_network, offline, page
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.network.network import SupplyNetwork

HIT = "window.HIT=1"
#: What harms a naive folium map: scripts, attributes, JavaScript templates, folium's own templates.
ATTACKS = {
    "script": f"<script>{HIT}</script>",
    "close script": f"</script><script>{HIT}</script>",
    "image": f"<img src=x onerror={HIT}>",
    "image, quoted": f'"><img src=x onerror="{HIT}">',
    "image, upper case": f"<IMG SRC=x ONERROR={HIT}>",
    "svg": f"<svg onload={HIT}></svg>",
    "details": f"<details open ontoggle={HIT}>x</details>",
    "input": f"<input autofocus onfocus={HIT}>",
    "video": f"<video><source onerror={HIT}></video>",
    "style animation": f"<style>@keyframes x{{}}</style><b style=animation-name:x onanimationstart={HIT}>x</b>",
    "frame": f"<iframe srcdoc='<script>parent.{HIT}</script>'></iframe>",
    "javascript template": f"${{{HIT}}}",
    "backtick": f"`+({HIT})+`",
    "escaped markup": f"\\u003cimg src=x onerror={HIT}\\u003e",
    "hex escape": f"\\x3cimg src=x onerror={HIT}\\x3e",
    "template value": "{{ 7*7 }}",
    "template text": "{{ 'PW' ~ 'NED' }}",
    "template statement": "{% for x in y %}",
    "template unknown": "{% nonsense %}",
    "template comment": "{# gone #}",
    "comment": "<!--<script>",
    "entity": f"&lt;img src=x onerror={HIT}&gt;",
    "bold": "<b>bold</b>",
}
#: Odd text that must come through unchanged.
ODD = {
    "quotes": "a\"b'c\\d",
    "line separator": "a\u2028b\u2029c",
    "bidi": "\u202egnp.exe\u202c abc",
    "arabic": "مصفاة الشرق",
    "emoji": "👩‍👩‍👧 🏭",
    "very long": "long " * 400,
    "prototype": "__proto__",
}
DESCRIBE = """() => {
  const app = document.getElementById('map').supplyMap;
  const names = [];
  for (const node of app.data.nodes) {
    app.visit(node);
    names.push(document.querySelector('.leaflet-popup-content h3').textContent);
  }
  for (const shape of app.data.world) if (app.data.countries[shape.iso]) app.visitCountry(shape);
  for (const mode of ['split', 'difference', 'single']) app.set({ mode, scenario: 1 });
  app.set({ fill: 'none', product: 0 });
  app.set({ product: -1 });
  app.table.open(document.body);
  const cells = [];
  for (let i = 0; i < 4; i += 1) {
    app.table.show(i);
    cells.push(...[...document.querySelectorAll('.sg-table td, .sg-table th')].map((cell) => cell.textContent));
  }
  app.table.close();
  return {
    names, cells, hit: window.HIT || 0, title: document.querySelector('h1').textContent, heading: document.title,
    scenario: document.querySelector('.sg-scenario').textContent,
    figures: document.querySelector('.sg-figures').textContent,
  };
}"""


def hostile_map(text):
    stored = text.translate({0x2028: " ", 0x2029: " "})  # tables take no line separators; titles do
    names = {node[0]: f"{stored} {node[0]}" for node in maptoys.SITES}
    net = maptoys.network(names=names, countries={"CHN": stored, "FIN": stored}, operator=stored, source=stored)
    after = {"name": text, "shipments": maptoys.shipments(suez=False), "kpis": {text: text}, "closed": ["suez"]}
    return map_network(net, title=text, subtitle=text, scenarios=[after]), names


#: Open every failure, rank every group, press every button that leads on, read the table.
DESCRIBE_FAILURES = """() => {
  const app = document.getElementById('map').supplyMap;
  const names = [];
  const words = [];
  for (const item of app.data.failures.items) {
    app.open(item);
    names.push(document.querySelector('.sg-told h3').textContent);
    for (const fold of document.querySelectorAll('.sg-told details')) fold.open = true;
    const cells = document.querySelectorAll('.sg-told th, .sg-told td, .sg-told p, .sg-told li');
    words.push(...[...cells].map((cell) => cell.textContent));
    const on = document.querySelector('.sg-told .sg-go');
    if (on) on.click();
  }
  app.choose(null);
  const select = document.querySelector('.sg-ranking select');
  for (const option of select.options) {
    select.value = option.value;
    select.dispatchEvent(new Event('change'));
    words.push(...[...document.querySelectorAll('.sg-ranked span')].map((cell) => cell.textContent));
  }
  app.set({ fill: 'answer' });
  app.table.open(document.body);
  words.push(...[...document.querySelectorAll('.sg-table td, .sg-table th')].map((cell) => cell.textContent));
  app.table.close();
  return { names, words, hit: window.HIT || 0, title: document.querySelector('h1').textContent };
}"""


def narrow_strait(**changes):
    """A limit shared by two products, so that the method gives a reason."""
    parts = maptoys.tables(**changes)
    parts["nodes"].loc[parts["nodes"]["node"] == "malacca", "throughput_t"] = 900.0
    return SupplyNetwork(**parts)


@lru_cache(maxsize=1)
def plain_failures():
    net = narrow_strait()
    return [chokepoints(net, by=by, engine="flow") for by in ("node", "country", "edge")]


def hostile_failures(text):
    """Draw answers on a network of the same ids with other words: a map reads words off the network alone."""
    stored = text.translate({0x2028: " ", 0x2029: " "})
    names = {node[0]: f"{stored} {node[0]}" for node in maptoys.SITES}
    net = narrow_strait(names=names, countries={"CHN": stored, "JPN": stored}, operator=stored, source=stored)
    answers = [copy.copy(answer) for answer in plain_failures()]
    for answer in answers:
        answer.__dict__["network"] = net
    return answers[0].map(title=text, subtitle=text, beside=answers[1:]), names, stored


@pytest.mark.parametrize("text", [*ATTACKS.values(), *ODD.values()], ids=[*ATTACKS, *ODD])
def test_hostile_text_in_failures_is_only_text(text, tmp_path, opened):
    drawn, names, stored = hostile_failures(text)
    drawn.save_html(tmp_path / "ours.html")
    with opened(tmp_path / "ours.html") as (view, seen):
        found = view.evaluate(DESCRIBE_FAILURES)
        view.mouse.move(500, 400)
        view.wait_for_timeout(30)
        assert seen.nothing, seen
        assert not found["hit"]
        assert not view.evaluate("() => window.HIT || 0")
    drawn_names = {name for node, name in names.items() if node != "good_hope"}  # nothing goes there
    assert drawn_names <= set(found["names"])
    assert stored in found["names"]
    assert found["title"] == text
    words = set(found["words"])
    assert drawn_names <= words | set(found["names"])
    assert f"{names['mine-a']} → {names['ref-a']} ore" in words
    assert f"{names['mine-a']} → {names['TZDAR']}" in words
    assert any(stored in word and "A survey" in word for word in words)


def naive_map(text, folder):
    """Return what folium makes of the text as a tooltip, or the error that it raises."""

    class Inlined(folium.Map):
        default_js = ()
        default_css = ()

    host = Inlined([0, 0], zoom_start=2, tiles=None)
    host.get_root().header.add_child(offline.Verbatim(f"<script>{page.leaflet()[0]}</script>"))
    folium.CircleMarker([0, 0], tooltip=folium.Tooltip(text, permanent=True)).add_to(host)
    target = folder / "naive.html"
    target.write_text(host.get_root().render(), encoding="utf-8")
    return target


@pytest.mark.parametrize("text", [*ATTACKS.values(), *ODD.values()], ids=[*ATTACKS, *ODD])
def test_hostile_text_is_only_text(text, tmp_path, opened):
    drawn, names = hostile_map(text)
    drawn.save_html(tmp_path / "ours.html")
    with opened(tmp_path / "ours.html") as (view, seen):
        found = view.evaluate(DESCRIBE)
        view.mouse.move(500, 400)
        view.wait_for_timeout(30)
        assert seen.nothing, seen
        assert not found["hit"]
        assert not view.evaluate("() => window.HIT || 0")
    assert sorted(found["names"]) == sorted(n for n in names.values() if "good_hope" not in n or n in found["names"])
    assert set(found["names"]) <= set(found["cells"]) | {text}
    assert found["title"] == text
    assert found["scenario"] == text
    assert found["figures"].count(text) == 2
    assert any(text in cell for cell in found["cells"])


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_the_same_text_harms_a_naive_map(text, tmp_path, opened):
    try:
        target = naive_map(text, tmp_path)
    except TemplateError:
        return  # the export itself breaks: folium compiled the name
    with opened(target) as (view, _):
        view.wait_for_timeout(60)
        ran = view.evaluate("() => window.HIT || 0")
        tips = view.evaluate("() => [...document.querySelectorAll('.leaflet-tooltip')].map(t => t.textContent.trim())")
    assert ran or tips != [text]


def test_a_template_never_runs_while_exporting(tmp_path):
    trace = tmp_path / "trace"
    text = "{{ cycler.__init__.__globals__.os.mkdir('" + str(trace) + "') }}"
    drawn, _ = hostile_map(text)
    drawn.save_html(tmp_path / "ours.html")
    drawn.get_root().render()
    assert not trace.exists()
    naive_map(text, tmp_path)
    assert trace.exists(), "the payload no longer works on folium: find one that does"
