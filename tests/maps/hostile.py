"""Hostile and odd text, networks that carry it in every field, and the naive map that it harms."""

from __future__ import annotations

import folium
import maptoys
import pandas as pd
import pytest
from jinja2 import TemplateError

from supplygraph.maps import map_network, offline, page
from supplygraph.measures.centrality import refining_centrality
from supplygraph.measures.chokepoints import chokepoints
from supplygraph.measures.concentration import concentration
from supplygraph.measures.exposure import exposure
from supplygraph.measures.interdiction import interdict
from supplygraph.network.network import SupplyNetwork
from supplygraph.response.reroute import reroute
from supplygraph.response.timeline import timeline
from supplygraph.scenario.shock import Shock

HIT = "window.HIT=1"
_IMAGE = f"<img src=x onerror={HIT}>"
#: What runs in a naive folium map: markup with handlers, scripts, JavaScript templates.
RUNS = {
    "script closed first": f"</script><script>{HIT}</script>",
    "script closed first, upper case": f"</SCRIPT ><script>{HIT}</script>",
    "image": _IMAGE,
    "image, quoted": f'"><img src=x onerror="{HIT}">',
    "image, single quotes": f"'><img src='x' onerror='{HIT}'>",
    "image, upper case": f"<IMG SRC=x ONERROR={HIT}>",
    "image, slashes": f'<img/src="x"/onerror={HIT}>',
    "image, encoded handler": "<img src=x onerror=window&#46;HIT=1>",
    "image after a broken tag": f"<<b>{_IMAGE}",
    "image in a table": f"<table><td>{_IMAGE}",
    "image in a picture": f"<picture>{_IMAGE}</picture>",
    "image in mathematics": f"<math><mtext>{_IMAGE}</mtext></math>",
    "input image": f"<input type=image src=x onerror={HIT}>",
    "audio": f"<audio src=x onerror={HIT}></audio>",
    "video": f"<video src=x onerror={HIT}></video>",
    "video source": f"<video><source onerror={HIT}></video>",
    "style sheet": f"<link rel=stylesheet href=x onerror={HIT}>",
    "svg": f"<svg onload={HIT}></svg>",
    "svg, slash": f"<svg/onload={HIT}>",
    "svg, animation": f"<svg><animate onbegin={HIT} attributeName=x dur=1s>",
    "svg, set": f"<svg><set onbegin={HIT} attributeName=x>",
    "svg, image": f"<svg><image href=x onerror={HIT}>",
    "details": f"<details open ontoggle={HIT}>x</details>",
    "input": f"<input autofocus onfocus={HIT}>",
    "select": f"<select autofocus onfocus={HIT}></select>",
    "text area": f"<textarea autofocus onfocus={HIT}></textarea>",
    "button": f"<button autofocus onfocus={HIT}>x</button>",
    "focus on anything": f"<b tabindex=1 autofocus onfocus={HIT}>x</b>",
    "style animation": f"<style>@keyframes x{{}}</style><b style=animation-name:x onanimationstart={HIT}>x</b>",
    "style, loaded": f"<style onload={HIT}></style>",
    "frame, address": f"<iframe src='javascript:parent.{HIT}'></iframe>",
    "frame, loaded": f"<iframe onload={HIT}></iframe>",
    "javascript template": f"${{{HIT}}}",
    "javascript template, function": f"${{(()=>{{{HIT}}})()}}",
    "javascript template, nested": f"${{`${{{HIT}}}`}}",
    "backtick": f"`+({HIT})+`",
    "backtick, comma": f"`,({HIT}),`",
    "escaped markup": f"\\u003cimg src=x onerror={HIT}\\u003e",
    "escaped markup, braces": f"\\u{{3c}}img src=x onerror={HIT}\\u{{3e}}",
    "hex escape": f"\\x3cimg src=x onerror={HIT}\\x3e",
}
#: What a naive map reads as something else, so that the text is lost, changed, or breaks the export.
CHANGES = {
    "script": f"<script>{HIT}</script>",
    "frame": f"<iframe srcdoc='<script>parent.{HIT}</script>'></iframe>",
    "template value": "{{ 7*7 }}",
    "template text": "{{ 'PW' ~ 'NED' }}",
    "template statement": "{% for x in y %}",
    "template unknown": "{% nonsense %}",
    "template comment": "{# gone #}",
    "comment": "<!--<script>",
    "entity": f"&lt;img src=x onerror={HIT}&gt;",
    "entity, number": f"&#60;img src=x onerror={HIT}&#62;",
    "bold": "<b>bold</b>",
    "link": f"<a href=javascript:{HIT}>x</a>",
}
#: Odd text that must come through unchanged.
ODD = {
    "quotes": "a\"b'c\\d",
    "line separator": "a\u2028b\u2029c",
    "bidi": "\u202egnp.exe\u202c abc",
    "arabic": "مصفاة الشرق",
    "emoji": "👩‍👩‍👧 🏭",
    "very long": "long " * 400,
    "very long word": "word" * 400,
    "prototype": "__proto__",
    "formula": "=HYPERLINK(1)",
    "dollars": "$x$ 100 % \\frac{1}{2}",
}
ALL = {**RUNS, **CHANGES, **ODD}


def marked(texts, every=4):
    """One text in ``every`` by default, the others with the checks that take minutes, as parameters of a test."""
    return [pytest.param(text, id=name, marks=[pytest.mark.long] if i % every else [])
            for i, (name, text) in enumerate(texts.items())]  # fmt: skip


def stored(text: str) -> str:
    """Return the text as tables take it: without line separators."""
    return text.translate({0x2028: " ", 0x2029: " "})


def tables(text: str) -> dict[str, pd.DataFrame]:
    """Return the toy network's tables with the text in every field that takes free text, ids too."""
    text = stored(text)
    names = {node[0]: f"{text} {node[0]}" for node in maptoys.SITES}
    countries = {code: f"{text} {code}" for code in maptoys.COUNTRIES}
    parts = maptoys.tables(names=names, countries=countries, operator=text, source=text)
    parts["references"] = parts["references"].assign(publisher=text, date=text, url=text, licence=text)
    parts["countries"]["region"] = text
    for name in ("products", "processes"):
        parts[name]["mineral"] = text
    parts["products"]["stage"] = [f"{text} mining", "refining"]
    # Ids are stricter: lists of them are parted by semicolons, none begins like a formula, all of them can be seen.
    visible = text.isprintable() and text == text.strip()
    return _with_ids(parts, text) if visible and ";" not in text and not text.startswith("=") else parts


def network(text: str) -> SupplyNetwork:
    """Return the toy network with the text in every field."""
    return SupplyNetwork(**tables(text))


#: Columns of ids: those of their own, those that refer, and lists of them.
_IDS = {
    "process": ("processes",), "product": ("products", "edges", "shipments"), "shipment": ("shipments",),
    "edge": ("edges",), "reference": ("references", "nodes", "edges", "processes", "products", "countries",
                                      "shipments", "owners"),
    "origin": ("shipments",), "destination": ("shipments",), "input": ("processes",), "output": ("processes",),
}  # fmt: skip


def _with_ids(parts: dict[str, pd.DataFrame], text: str) -> dict[str, pd.DataFrame]:
    for column, names in _IDS.items():
        for name in names:
            if column in parts[name].columns:
                parts[name][column] = parts[name][column].map(lambda value: f"{value} {text}", na_action="ignore")
    routes = parts["shipments"]["route"].str.split(";")
    parts["shipments"]["route"] = [";".join(f"{edge} {text}" for edge in route) for route in routes]
    return parts


class _Inlined(folium.Map):
    default_js = ()
    default_css = ()


def naive_map(text: str, folder) -> object:
    """Return what folium makes of the text as a tooltip, or None where the export itself breaks."""
    host = _Inlined([0, 0], zoom_start=2, tiles=None)
    host.get_root().header.add_child(offline.Verbatim(f"<script>{page.leaflet()[0]}</script>"))
    folium.CircleMarker([0, 0], tooltip=folium.Tooltip(text, permanent=True)).add_to(host)
    target = folder / "naive.html"
    try:
        target.write_text(host.get_root().render(), encoding="utf-8")
    except TemplateError:
        return None
    return target


#: Go wherever a reader can go, and gather all words that show.
TOUR = """() => {
  const app = document.getElementById('map').supplyMap;
  const words = new Set();
  const read = (selector) => document.querySelectorAll(selector).forEach((one) => words.add(one.textContent));
  const press = (selector) => { const one = document.querySelector(selector); if (one) one.click(); };
  for (const node of app.data.nodes) {
    app.visit(node);
    read('.leaflet-popup-content *, .sg-told *');
  }
  for (const shape of app.data.world) if (app.data.countries[shape.iso]) app.visitCountry(shape);
  read('.leaflet-popup-content *');
  for (const failure of (app.data.failures || { items: [] }).items) {
    app.open(failure);
    document.querySelectorAll('.sg-told details').forEach((fold) => { fold.open = true; });
    read('.sg-told *');
    press('.sg-told .sg-go');
  }
  app.choose(null);
  for (const select of document.querySelectorAll('.sg-panel select')) {
    for (const option of select.options) {
      select.value = option.value;
      select.dispatchEvent(new Event('change'));
      read('.sg-panel *');
    }
  }
  for (let scenario = 0; scenario < app.data.scenarios.length; scenario += 1) {
    for (const mode of ['split', 'difference', 'single']) app.set({ mode, scenario });
    read('.sg-panel *, .sg-legend *, .sg-caption');
  }
  press('.sg-bar-row');
  app.table.open(document.body);
  for (let i = 0; i < document.querySelectorAll('.sg-tabs button').length; i += 1) {
    app.table.show(i);
    read('.sg-table td, .sg-table th');
  }
  app.table.close();
  return { words: [...words], title: document.querySelector('h1').textContent, heading: document.title };
}"""


#: Kinds of map: the one that every run opens, and the others.
KINDS = ("network",)
OTHERS = ("failures", "upstream", "joint failures", "shares", "sites", "links", "rerouting", "over time")


def drawn(text, kinds=(*KINDS, *OTHERS)):
    """Return maps of a network that carries the text in every field, by kind."""
    net = network(text)
    title = {"title": text, "subtitle": text}
    after = {"name": text, "shipments": net.shipments.iloc[::-1], "kpis": {text: text}, "closed": ["suez"]}
    duties = pd.DataFrame({"exporter": ["CHN"], "importer": ["JPN"], "duty_share": [0.1],
                           "product": [net.products.index[0]]})
    shock = Shock.close(passage="suez")
    makers = {
        "network": lambda: map_network(net, scenarios=[after], zone=["JPN"], duties=duties, **title),
        "failures": lambda: _failures(net, title),
        "joint failures": lambda: interdict(net, k=2).map(**title),
        "shares": lambda: concentration(net).map(**title),
        "sites": lambda: refining_centrality(net).map(**title),
        "links": lambda: refining_centrality(net, of="edges").map(**title),
        "upstream": lambda: exposure(net).map(**title),
        "rerouting": lambda: reroute(net, shock).map(scenarios=[after], **title),
        "over time": lambda: timeline(net, {"2026-01-01": shock, "2026-02-01": None}).map(**title),
    }
    return {kind: makers[kind]() for kind in kinds}


def _failures(net, title):
    lenses = ("structure", "capacity")
    failures = [chokepoints(net, by=by, engine="flow", lenses=lenses) for by in ("node", "country", "edge")]
    return failures[0].map(beside=failures[1:], **title)


def harms(view, text, folder):
    """Return whether the text runs, or shows as something else, on a naive folium map."""
    target = naive_map(text, folder)
    if target is None:
        return "export"
    view.goto(target.as_uri())
    if text in RUNS.values():
        view.wait_for_function("() => window.HIT", timeout=5000)
        return "runs"
    read = "() => [...document.querySelectorAll('.leaflet-tooltip')].map((one) => one.textContent.trim())"
    tips = view.evaluate(read)
    return "" if tips == [text] else "changes"


def check(text, folder, opened, kinds):
    """Tour maps of a hostile network, then see the text harm a naive map."""
    kinds = drawn(text, kinds)
    for kind, one in kinds.items():
        one.save_html(folder / f"{kind}.html")
    shown = f"{stored(text)} "
    with opened(folder / f"{next(iter(kinds))}.html") as (view, seen):
        for kind in kinds:
            view.goto((folder / f"{kind}.html").as_uri())
            told = view.evaluate(TOUR)
            view.mouse.move(500, 400)
            assert seen.nothing, (kind, seen)
            assert not view.evaluate("() => window.HIT || 0"), kind
            assert told["title"] == text, kind
            words = set(told["words"])
            assert {shown + node for node in ("mine-a", "ref-a", "fac-a", "fac-b")} <= words, kind
            assert any(f"{shown}CHN" in word for word in words), kind
    if text not in ODD.values():
        with opened(folder / f"{next(iter(kinds))}.html") as (view, _):
            assert harms(view, text, folder)
