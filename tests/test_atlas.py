"""The atlas is whole, offline, and the same every time."""

import json
import re

import pytest

import supplygraph as sg
from supplygraph.atlas import write_atlas


@pytest.fixture(scope="module")
def atlas(tmp_path_factory):
    return write_atlas(["gallium", "germanium"], tmp_path_factory.mktemp("out") / "deep" / "atlas").parent


def test_what_is_written(atlas):
    assert json.loads((atlas / "atlas.json").read_text())["minerals"] == ["gallium", "germanium"]
    for mineral in ("gallium", "germanium"):
        assert (atlas / mineral / "map.html").stat().st_size > 100_000
        assert sg.read(atlas / mineral / f"{mineral}.gpkg") == sg.load(mineral)
        tables = {path.stem for path in (atlas / mineral / "tables").glob("*.csv")}
        assert {"refining", "centrality", "chokepoints_sites", "reroute_unmet", "reroute_coverage"} <= tables


def test_every_link_leads_somewhere(atlas):
    page = (atlas / "index.html").read_text(encoding="utf-8")
    targets = re.findall(r'href="([^"#][^"]*)"', page)
    assert len(targets) > 40
    assert [target for target in targets if not (atlas / target).is_file()] == []


def test_the_page_says_what_the_measures_say(atlas):
    page = (atlas / "index.html").read_text(encoding="utf-8")
    for mineral in ("gallium", "germanium"):
        answer = sg.concentration(sg.load(mineral), stage="refining")
        assert f"HHI {answer.hhi:.3f}" in page
        assert f"{answer.top1:.0%}".replace("%", " %") in page


@pytest.mark.parametrize("name", ["index.html", "gallium/map.html", "germanium/map.html"])
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
