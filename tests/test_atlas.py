"""The atlas is whole, offline, and the same every time."""

import json
import re
from typing import ClassVar

import pandas as pd
import pytest

import supplygraph as sg
from supplygraph.atlas import _cut_off, _together, write_atlas
from supplygraph.maps.atlas_page import percent, tonnes


@pytest.fixture(scope="module")
def atlas(tmp_path_factory):
    return write_atlas(["gallium", "germanium"], tmp_path_factory.mktemp("out") / "deep" / "atlas").parent


def test_what_is_written(atlas):
    assert json.loads((atlas / "atlas.json").read_text())["minerals"] == ["gallium", "germanium"]
    for mineral in ("gallium", "germanium"):
        for name in ("map.html", "chokepoints.html"):
            assert 100_000 < (atlas / mineral / name).stat().st_size < 600_000
        assert sg.read(atlas / mineral / f"{mineral}.gpkg") == sg.load(mineral)
        tables = {path.stem for path in (atlas / mineral / "tables").glob("*.csv")}
        assert {"refining", "centrality", "chokepoints_sites", "reroute_unmet", "reroute_coverage"} <= tables


def test_every_link_leads_somewhere(atlas):
    page = (atlas / "index.html").read_text(encoding="utf-8")
    targets = re.findall(r'href="([^"#][^"]*)"', page)
    assert len(targets) > 40
    assert [target for target in targets if not (atlas / target.partition("#")[0]).is_file()] == []


def test_the_evidence_is_linked_and_told(atlas, opened):
    page = (atlas / "index.html").read_text(encoding="utf-8")
    rows = sg.evidence(sg.load("gallium"), draws=100).table
    compared = rows[rows["verdict"] != "not ours to say"]
    agree = (compared["verdict"] == "agrees").sum()
    assert f"Of {len(compared)} published figures {agree} agree with ours" in page
    with opened(atlas / "evidence.html") as (shown, seen):
        red = shown.locator("#gallium tr.red")
        assert red.count() == len(compared) - agree
        assert shown.locator("a", has_text="supplygraph atlas").get_attribute("href") == "index.html"
        assert seen.nothing, seen


def test_the_page_says_what_the_measures_say(atlas):
    page = (atlas / "index.html").read_text(encoding="utf-8")
    for mineral in ("gallium", "germanium"):
        answer = sg.concentration(sg.load(mineral), stage="refining")
        assert f"HHI {answer.hhi:.3f}" in page
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
        assert page.locator("#gallium a", has_text="Open the chokepoint map").get_attribute("href") == (
            "gallium/chokepoints.html"
        )


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


@pytest.mark.parametrize("name", ["index.html", "gallium/map.html", "gallium/chokepoints.html", "germanium/map.html"])
def test_pages_open_offline_without_a_request_or_an_error(atlas, opened, name):
    with opened(atlas / name) as (page, seen):
        page.wait_for_timeout(500)
        assert page.title()
        assert seen.nothing, seen


@pytest.mark.slow
def test_the_same_atlas_twice(atlas, tmp_path):
    again = write_atlas(["gallium", "germanium"], tmp_path / "again").parent
    files = [path for path in sorted(atlas.rglob("*")) if path.suffix in {".html", ".csv", ".json"}]
    assert len(files) > 30
    for path in files:
        assert path.read_bytes() == (again / path.relative_to(atlas)).read_bytes(), path.name


def test_an_earlier_atlas_is_replaced(tmp_path):
    target = tmp_path / "atlas"
    target.mkdir()
    (target / "atlas.json").write_text("{}")
    (target / "old.html").write_text("old")
    write_atlas(["gallium"], target)
    assert not (target / "old.html").exists()
    assert (target / "index.html").is_file()
