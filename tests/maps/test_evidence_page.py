"""The evidence page in a browser: offline, and red where figures disagree."""

from __future__ import annotations

import math

from supplygraph.maps import evidence_page

HOSTILE = '</script><img src=x onerror="alert(1)">{{7*7}}${1}'


def row(**cells):
    return {
        "stage": "refining", "figure": "share", "about": "China in refining", "ours": 0.6, "ours_low": 0.55,
        "ours_high": 0.65, "published": 0.75, "published_low": 0.745, "published_high": 0.755, "difference": -0.15,
        "verdict": "disagrees", "year": 2024, "our_year": 2024, "independent": True, "note": "", "source": "A report",
        **cells,
    }  # fmt: skip


def minerals():
    silent = {"ours": math.nan, "ours_low": math.nan, "ours_high": math.nan, "difference": math.nan}
    rows = [
        row(),
        row(verdict="agrees", published=0.6, published_low=0.595, published_high=0.605, difference=0.0,
            independent=False),
        row(figure="world_t", about="world refining, t", ours=1e5, ours_low=9e4, ours_high=1.1e5, published=1.05e5,
            published_low=1e5, published_high=1.1e5, difference=-5e3, verdict="agrees", year=2019),
        row(**silent, verdict="not ours to say", source=HOSTILE, note=HOSTILE),
    ]  # fmt: skip
    return [{"mineral": "cobalt", "title": "Cobalt", "words": HOSTILE, "draws": 50, "rows": rows}]


def test_the_page_is_offline_inert_and_red_where_it_must(tmp_path, opened):
    path = tmp_path / "evidence.html"
    path.write_text(evidence_page.evidence(minerals(), version="1"), encoding="utf-8")
    with opened(path) as (page, seen):
        lines = page.locator(".evidence tbody tr:not(:first-child)")
        assert lines.count() == 4
        cells = lines.nth(0).locator("td").all_inner_texts()
        assert cells[:3] == ["60 %", "55 % – 65 %", "75 %"]
        assert cells[4] == "−15.0 points"
        red, plain = (lines.nth(k).locator("th").evaluate("e => getComputedStyle(e).color") for k in (0, 1))
        assert red != plain
        assert "input" in lines.nth(1).inner_text()
        assert lines.nth(2).locator("td").nth(0).inner_text() == "100 kt"
        assert lines.nth(3).locator("svg").count() == 0
        assert HOSTILE in lines.nth(3).locator(".source").inner_text()
        assert HOSTILE in page.inner_text(".words")
        counted = page.locator("section[aria-label='How many agree'] td").all_inner_texts()
        assert counted == ["2 of 3", "1 of 2", "0 of 1"]
        mark, diamond = (lines.nth(0).locator(f"svg {name}").bounding_box() for name in (".mark", "path"))
        assert mark["x"] < diamond["x"]
        assert seen.nothing, seen


def test_the_same_figures_give_the_same_page():
    assert evidence_page.evidence(minerals(), version="1") == evidence_page.evidence(minerals(), version="1")
