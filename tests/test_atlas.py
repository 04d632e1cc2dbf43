"""The atlas is whole, offline, and the same every time."""

import csv
import json
import re
import sys
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import supplygraph as sg
from supplygraph.atlas import _cut_off, _Parts, _together, write_atlas
from supplygraph.maps.atlas_page import percent, tonnes
from supplygraph.maps.tables_about import TABLES

sys.path.append(str(Path(__file__).parent / "maps"))
import atlastoys

ROOT = str(Path(__file__).parent.parent)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "01-toy.ipynb"
    cells = [new_markdown_cell("# A toy"), new_code_cell("import supplygraph as sg\nsg.map(sg.load('gallium'))")]
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def atlas(tmp_path_factory, notebook):
    target = tmp_path_factory.mktemp("out") / "deep" / "atlas"
    return write_atlas(["antimony", "gallium"], target, notebooks=[notebook]).parent


def test_what_is_written(atlas):
    assert json.loads((atlas / "atlas.json").read_text())["minerals"] == ["antimony", "gallium"]
    for mineral in ("antimony", "gallium"):
        for name in ("map.html", "chokepoints.html"):
            assert 100_000 < (atlas / mineral / name).stat().st_size < 600_000
        assert sg.read(atlas / mineral / f"{mineral}.gpkg") == sg.load(mineral)
        tables = {path.stem for path in (atlas / mineral / "tables").glob("*.csv")}
        assert {name.removesuffix("_missing") for name in tables} <= set(TABLES)  # each is explained
        assert {"refining", "centrality", "chokepoints_sites", "reroute_unmet", "reroute_coverage"} <= tables


def test_every_link_leads_somewhere(atlas):
    counts = {}
    pages = [atlas / f"{name}.html" for name in ("index", "policy", "countries")]
    for path in [*pages, *atlas.glob("*/tables.html"), *atlas.glob("gallery/*[a-z].html")]:
        page = path.read_text(encoding="utf-8")
        targets = re.findall(r'href="([^"]*)"', page)
        counts[str(path.relative_to(atlas))] = len(targets)
        for target in targets:
            name, _, place = target.partition("#")
            there = (path.parent / unquote(name)) if name else path
            assert there.is_file(), target
            assert there.resolve().is_relative_to(atlas.resolve()), target
            # What stands in an address of a map is a view, no place.
            assert not place or "=" in place or f' id="{place}"' in there.read_text(encoding="utf-8"), target
        assert ROOT not in page, path
    assert counts["index.html"] > 80
    assert counts["policy.html"] > 20
    assert counts["gallium/tables.html"] > 60


def written(name, row, demand):
    """Return how the index page may write the figure of a row."""
    if name == "refining":
        return {percent(float(row["share"]))}
    if name.startswith("chokepoints"):
        return {percent(float(row["loss_share"])), tonnes(float(row["loss_t"]))}
    value = float(row["value"])
    if row["unit"] == "t a year":
        return {tonnes(value), percent(value / demand)}
    return {f"{value:.3f}", f"{value:.2f}", percent(value), f"{value:+,.0f} USD".replace("-", "−")}


def test_each_number_is_that_of_its_row(atlas):
    page = (atlas / "index.html").read_text(encoding="utf-8")
    for name in ("antimony", "gallium"):
        tables = {path.stem: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
                  for path in (atlas / name / "tables").glob("*.csv")}  # fmt: skip
        demand = next(float(row["value"]) for row in tables["key_figures"] if row["figure"] == "Demand in the zone")
        found = re.findall(rf'href="{name}/tables\.html#(\w+?)-(\d+)"[^>]*>([^<]*)<', page)
        checked = [(table, words) for table, row, words in found
                   if table in {"refining", "chokepoints_countries", "chokepoints_sites", "key_figures"}
                   and words in written(table, tables[table][int(row) - 1], demand)]  # fmt: skip
        told = [(table, words) for table, _, words in found
                if table in {"refining", "chokepoints_countries", "chokepoints_sites", "key_figures"}]  # fmt: skip
        assert checked == told
        assert len(checked) > 25


def test_the_gallery_shows_the_notebook_and_its_map(atlas, opened):
    with opened(atlas / "index.html") as (page, seen):
        page.get_by_role("link", name="A toy").click()
        assert page.inner_text("h1") == "A toy"
        page.get_by_role("link", name="Open the map").click()
        page.wait_for_selector(".sg-panel, .leaflet-container")
        assert seen.nothing, seen


def test_without_its_modules_the_page_says_how_to_get_the_gallery(tmp_path, monkeypatch, notebook):
    monkeypatch.setattr("supplygraph.gallery.NEEDS", ("no_such_module",))
    toy = atlastoys.mineral()

    def write_parts(_minerals, books, work, **_):
        (work / "toyium").mkdir()
        return _Parts([toy], list(books), None)

    monkeypatch.setattr("supplygraph.atlas._write_parts", write_parts)
    page = write_atlas(["gallium"], tmp_path / "atlas", notebooks=[notebook]).read_text(encoding="utf-8")
    assert page.count("run pip install '.[gallery]'") == 1
    assert "Notebooks</a>" not in page
    page = write_atlas(["gallium"], tmp_path / "atlas", notebooks=()).read_text(encoding="utf-8")
    assert "Notebooks" not in page


def test_the_evidence_is_linked_and_told(atlas, opened):
    page = (atlas / "index.html").read_text(encoding="utf-8")
    rows = sg.evidence(sg.load("gallium"), draws=100).table
    compared = rows[rows["verdict"] != "not ours to say"]
    agree = (compared["verdict"] == "agrees").sum()
    assert f"Of {len(compared)} published figures {agree} agree with ours" in page
    with opened(atlas / "evidence.html") as (shown, seen):
        red = shown.locator("#gallium tr.red")
        assert red.count() == len(compared) - agree
        assert shown.locator("nav a", has_text="Atlas").get_attribute("href") == "index.html"
        assert seen.nothing, seen


def test_the_page_says_what_the_measures_say(atlas):
    page = (atlas / "index.html").read_text(encoding="utf-8")
    for mineral in ("antimony", "gallium"):
        answer = sg.concentration(sg.load(mineral), stage="refining")
        assert f">{answer.hhi:.3f}</a>" in page
        assert f"{answer.top1:.0%}".replace("%", " %") in page


def test_the_page_tells_the_worst_failures(atlas, opened):
    worst = {}
    for by in ("node", "country"):
        table = sg.chokepoints(sg.load("gallium"), by=by, top=30).table
        worst[by] = table[~table["residual"] & (table["kind"] != "factory")].iloc[0]
    with opened(atlas / "index.html") as (page, _):
        cards = page.locator("#gallium .card")
        for by, title in (("country", "The five worst countries to lose"), ("node", "The five worst sites to lose")):
            card = cards.filter(has_text=title)
            cells = card.locator("tbody tr").first.locator("th, td").all_inner_texts()
            assert cells[0].startswith(worst[by]["name"])
            shown = (worst[by][column] for column in ("loss_t", "loss_short_t", "zone_loss_t"))
            assert [cells[1], *cells[3:]] == [tonnes(value) for value in shown]
            assert cells[2] == percent(worst[by]["loss_share"])
            assert "First year" in card.inner_text()
        link = page.locator("#gallium a", has_text="What hurts most")
        assert link.get_attribute("href") == "gallium/chokepoints.html"


def test_the_chokepoint_map_has_sites_straits_and_countries(atlas, opened):
    with opened(atlas / "gallium" / "chokepoints.html") as (page, seen):
        kinds = page.locator(".sg-ranking option").all_inner_texts()
        assert {"Mines, refineries, ports", "Straits", "Countries"} <= set(kinds)
        assert "Only the 30 that cost most are told" in page.inner_text(".sg-legend")
        page.select_option(".sg-ranking select", label="Countries")
        assert page.locator(".sg-ranked button").first.inner_text().startswith("China")
        page.locator(".sg-ranked button").first.click()
        assert "cannot be met" in page.inner_text(".sg-told")
        assert page.locator(".sg-failure .sg-go").count() > 2
        assert seen.nothing, seen


def test_what_nobody_can_go_around_is_told():
    table = pd.DataFrame({"name": ["A", "B", "C", "D", "E"], "dominates": [1, 0, 2, 1, 1],
                          "dominates_t": [5.0, 0.0, 3000.0, 1.0, 7.0]})  # fmt: skip
    assert _cut_off(table) == [
        "Others have no route at all without: C (3,000 t of 2 users); E (7 t of 1 user); A (5 t of 1 user)."
    ]
    assert _cut_off(table[table["dominates"] == 0]) == []


def test_the_worst_set_is_told_with_its_proof_or_its_bound():
    class Worst:
        table = pd.DataFrame({"name": ["A", "B"], "loss_alone_t": [0.0, 5.0]})
        figures: ClassVar = {"loss_t": 30.0, "bound_t": 30.0, "delivered_t": 100.0, "proved": True}

    assert _together(Worst) == [
        (
            "Worst together: A and B, 30 t (30%); one by one they add up to 5 t. "
            "Proved: no other set of that size costs more."
        )
    ]
    Worst.figures = Worst.figures | {"proved": False, "bound_t": 41.0}
    assert "Not proved: no set of that size costs more than 41 t" in _together(Worst)[0]
    Worst.table = Worst.table.head(1)
    assert _together(Worst) == []


@pytest.mark.parametrize("name", ["index.html", "gallium/map.html", "gallium/chokepoints.html", "antimony/map.html"])
def test_pages_open_offline_without_a_request_or_an_error(atlas, opened, name):
    with opened(atlas / name) as (page, seen):
        page.wait_for_timeout(500)
        assert page.title()
        assert seen.nothing, seen


@pytest.mark.long
def test_the_same_atlas_twice(atlas, notebook, tmp_path):
    again = write_atlas(["antimony", "gallium"], tmp_path / "again", notebooks=[notebook]).parent
    files = [path for path in sorted(atlas.rglob("*")) if path.suffix in {".html", ".csv", ".json"}]
    assert len(files) > 30
    for path in files:
        assert path.read_bytes() == (again / path.relative_to(atlas)).read_bytes(), path.name


@pytest.mark.long
def test_an_earlier_atlas_is_replaced(tmp_path):
    target = tmp_path / "atlas"
    target.mkdir()
    (target / "atlas.json").write_text("{}")
    (target / "old.html").write_text("old")
    write_atlas(["gallium"], target, notebooks=())
    assert not (target / "old.html").exists()
    assert (target / "index.html").is_file()
