"""The written pages of an atlas, from plain values: linked, readable in every mode and size, on paper, only text."""

from __future__ import annotations

import re

import atlastoys
import hostile
import pytest

from supplygraph.maps import atlas_page, country_page, evidence_page, gallery_page, policy_page, tables_page
from supplygraph.maps.sheet import Site

#: Every text against what is behind it: the least contrast on the page, and where.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const even = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, part, k) => sum + part * even(rgb[k] / 255), 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let worst = [99, ''];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, `${element.tagName}.${element.className} ${node.data.slice(0, 40)}`];
  }
  return worst;
}"""
#: What a screen reader needs.
STRUCTURE = """() => ({
  main: document.querySelectorAll('main').length,
  heads: [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((h) => Number(h.tagName[1])),
  nav: [...document.querySelectorAll('nav')].map((n) => n.getAttribute('aria-label')),
  skip: document.getElementById(document.querySelector('a.skip').getAttribute('href').slice(1)) !== null,
  tables: [...document.querySelectorAll('table')].filter((t) => !t.caption && !t.closest('[aria-label]')).length,
  heads_without_scope: document.querySelectorAll('th:not([scope])').length,
  doubles: [...document.querySelectorAll('[id]')].map((e) => e.id).filter((id, k, all) => all.indexOf(id) !== k),
  links: [...document.querySelectorAll('a')].filter((a) => !a.textContent.trim()).length,
  boxes: [...document.querySelectorAll('.scroll')].filter((b) => b.tabIndex || !b.ariaLabel).length,
  scripts: document.scripts.length, styled: document.querySelectorAll('[style]').length,
  lang: document.documentElement.lang,
})"""
#: Every kind of page, and how often a text that stands in every field is on it at least.
PAGES = {
    "index.html": 30,
    "countries.html": 20,
    "policy.html": 8,
    "evidence.html": 8,
    "toyium/tables.html": 20,
    "gallery/index.html": 1,
    "gallery/01-toy.html": 3,
}
SIZES = ((390, 844), (1280, 800), (1920, 1080))


def write(folder, text="", minerals=None):
    """Write every kind of page of a small atlas and return their paths by kind."""
    told = minerals or [
        atlastoys.mineral("toyium", text=text),
        atlastoys.mineral("othium", text=text, top=0.4, unmet=90.0),
    ]
    site = Site(tuple((m["mineral"], m["title"]) for m in told), gallery=True)
    book = atlastoys.notebook(text)
    books = [gallery_page.summary(book)]
    (folder / "toyium").mkdir(parents=True)
    (folder / "gallery").mkdir()
    pages = {
        "index.html": atlas_page.index(told, version="1", as_of="2026-07-01", gallery=books),
        "policy.html": policy_page.policy(
            told, atlastoys.stock(text), version="1", as_of="1 July 2026", site=site
        ),
        "countries.html": country_page.countries(
            [atlastoys.country(text)], version="1", as_of="1 July 2026", site=site
        ),
        "evidence.html": evidence_page.evidence([m["evidence"] for m in told], version="1", site=site),
        "toyium/tables.html": tables_page.tables(told[0], version="1", site=site, names=told[0]["names"]),
        "gallery/index.html": gallery_page.gallery(books, version="1", site=site),
        "gallery/01-toy.html": gallery_page.notebook(book, version="1", site=site),
    }
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")
    return {name: folder / name for name in pages}


def test_each_number_leads_to_its_row_on_the_page_of_tables(tmp_path):
    paths = write(tmp_path)
    index, tables = (paths[name].read_text() for name in ("index.html", "toyium/tables.html"))
    ids = set(re.findall(r'id="([^"]*)"', tables))
    places = re.findall(r'href="toyium/tables\.html#([^"]*)"', index)
    assert len(places) > 20
    assert set(places) <= ids
    assert {"refining-1", "refining-2", "chokepoints_countries-1", "key_figures-6", "reroute_unmet"} <= set(places)
    assert "reroute_unmet-11" not in ids
    assert "Shown: 10 of 500 rows" in tables


def test_the_minerals_are_compared_worst_first_and_findings_say_the_extremes(tmp_path, opened):
    with opened(write(tmp_path)["index.html"]) as (page, seen):
        rows = page.locator(".compare tbody tr")
        assert rows.locator("th").all_inner_texts() == ["Othium", "Toyium"]
        cells = rows.nth(1).locator("td").all_inner_texts()
        assert cells[0] == "China"
        assert cells[2].split("\n") == ["75 %", "70 to 78 %"]
        assert cells[3].split("\n") == ["0.56", "0.51 to 0.60"]
        assert cells[5] == "74 %"
        assert cells[7:] == ["30 %", "10 %"]
        ends = rows.nth(1).locator("svg").first.locator(".doubt")
        assert [float(ends.nth(k).get_attribute("x1")) for k in (1, 2)] == [63.0, 70.2]  # 70 and 78 % of 90
        told = page.locator(".findings").inner_text()
        assert "China is the largest refiner of all 2 minerals, from 40 % of othium to 75 % of toyium." in told
        assert "for 1 of 2 minerals" in told
        assert "Of 4 published figures 2 agree" in told
        lead = page.locator(".lead").inner_text()
        assert "on 1 July 2026" in lead
        assert len(re.findall(r"[.](?:\s|$)", lead)) == 3
        assert seen.nothing, seen


def test_a_single_mineral_and_one_without_figures_have_sentences_too():
    one = atlastoys.mineral()
    text = atlas_page.index([one], version="1", as_of="2026-07-01", no_gallery="No notebooks.")
    assert "China refines most: " in text
    assert "No notebooks." in text
    one["shares"]["refining"]["rows"] = one["failures"]["countries"]["rows"] = one["evidence"]["rows"] = []
    one["forge"] |= {"zone_demand_t": 0.0, "cut_t": 0.0, "zone_unmet_t": 0.0}
    assert "<li></li>" not in atlas_page.index([one], version="1", as_of="2026-07-01")


def test_missing_figures_stay_missing_and_intervals_stand_beside_theirs(tmp_path, opened):
    with opened(write(tmp_path)["toyium/tables.html"]) as (page, seen):
        assert page.locator("#refining-1 td").all_inner_texts() == ["180", "75.6 %", "72.3 to 77.4 %"]
        assert page.locator("#refining-2 td").all_inner_texts() == ["20", "8.5 %", ""]
        assert page.locator("#quality-1 td").all_inner_texts() == ["2025", "–", "Kokkola"]
        assert page.locator("#refining-1 th").inner_text() == "China CHN"
        caption = page.locator("#refining caption").inner_text()
        assert caption == (
            "Published figures and estimates. Unit: tonnes of contained metal a year; shares, in the file from 0 to 1. "
            "Year: 2025. Source: A yearbook."
        )
        assert page.locator("#refining a").get_attribute("href") == "tables/refining.csv"
        assert "the first 14 of 21 columns" in page.locator("#exposure .note").inner_text()
        assert page.locator("#reroute_cut").inner_text() == "Why no more can be served"
        assert seen.nothing, seen


@pytest.mark.parametrize("name", PAGES)
def test_pages_read_well_in_every_mode_and_size(name, tmp_path, opened):
    with opened(write(tmp_path)[name]) as (page, seen):
        found = page.evaluate(STRUCTURE)
        assert found["main"] == 1
        assert found["heads"].count(1) == 1
        assert all(after - before <= 1 for before, after in zip([0, *found["heads"]], found["heads"], strict=False))
        assert "Atlas" in found["nav"]
        assert found["skip"]
        empty = ("tables", "heads_without_scope", "links", "boxes", "scripts", "styled")
        assert [found[key] for key in empty] == [0] * len(empty)
        assert found["doubles"] == []
        assert found["lang"] == "en"
        grounds = set()
        for mode in ("light", "dark"):
            page.emulate_media(color_scheme=mode)
            ratio, where = page.evaluate(CONTRAST)
            assert ratio >= 4.5, (mode, where)
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(grounds) == 2
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.locator(".skip").bounding_box()["x"] >= 0
        assert seen.nothing, seen


def test_on_paper_a_chapter_begins_a_page_and_nothing_is_wider_than_it(tmp_path, opened):
    paths = write(tmp_path)
    for name, path in paths.items():
        with opened(path, width=680) as (page, _):  # A4 between the margins, in pixels
            page.emulate_media(media="print", color_scheme="dark")
            assert page.evaluate("document.documentElement.scrollWidth") <= 680, name
            assert page.locator("nav.site").is_hidden()
            assert page.locator(".skip").is_hidden()
            assert page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 42, 51)"
            if name == "index.html":
                breaks = page.locator(".mineral").evaluate_all("all => all.map((e) => getComputedStyle(e).breakBefore)")
                assert breaks == ["page", "page"]
                pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True)))
                assert 4 <= pages <= 7


@pytest.mark.parametrize("text", hostile.marked(hostile.ALL))
def test_text_is_only_text_on_every_page_and_harms_a_naive_map(text, tmp_path, opened):
    paths = write(tmp_path, text)
    with opened(paths["index.html"], width=390) as (page, seen):
        for name, path in paths.items():
            page.goto(path.as_uri())
            shown = page.locator("body").evaluate("e => e.textContent")
            assert seen.nothing, (name, seen)
            assert not page.evaluate("window.HIT || document.querySelectorAll('img[src=x], body script').length")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
            if not name.startswith("gallery"):  # Markdown reads some of it as Markdown
                assert shown.count(text) >= PAGES[name], name
    if text not in hostile.ODD.values():
        with opened(paths["index.html"]) as (page, _):
            assert hostile.harms(page, text, tmp_path)


def test_the_policy_page_says_what_is_missing_and_leads_to_the_tables():
    told = [atlastoys.mineral("toyium"), atlastoys.mineral("othium")]
    told[1]["policy"] = {"missing": {"floor": "no price is known", "build": "no project"}}
    page = policy_page.policy(told, None, version="1", as_of="1 July 2026")
    assert page.count("Not answered: no price is known.") == 1
    assert page.count("Not answered: no project.") == 1
    assert "Project Vault: what to hold" not in page
    tables = tables_page.tables(told[0], version="1", site=Site(), names={})
    ids = set(re.findall(r'id="([^"]*)"', tables))
    places = set(re.findall(r'href="toyium/tables\.html#([^"]*)"', page))
    assert {"floors", "floors-1", "build", "build-1"} <= places <= ids


def test_the_same_values_give_the_same_pages(tmp_path):
    one, two = write(tmp_path / "a"), write(tmp_path / "b")
    assert [path.read_bytes() for path in one.values()] == [path.read_bytes() for path in two.values()]
