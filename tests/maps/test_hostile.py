"""Hostile text in every field of a network, over every map: shown as given, never run; each seen to run naively."""

from __future__ import annotations

import hostile
import pytest

from supplygraph.maps import map_network, offline, page


@pytest.mark.parametrize("text", hostile.marked(hostile.RUNS))
def test_text_that_runs_on_a_naive_map_is_only_text_on_ours(text, tmp_path, opened):
    hostile.check(text, tmp_path, opened, hostile.KINDS)


@pytest.mark.long
@pytest.mark.parametrize("text", hostile.RUNS.values(), ids=hostile.RUNS)
def test_text_that_runs_on_a_naive_map_is_only_text_on_every_other_kind_of_map(text, tmp_path, opened):
    hostile.check(text, tmp_path, opened, hostile.OTHERS)


def test_a_map_that_reads_text_as_markup_fails_the_same_tour(tmp_path, opened, monkeypatch):
    """The tour can fail: with ``innerHTML`` in place of text the policy still stops what it brings, and reports it."""
    given = page.asset
    as_markup = ("node.textContent = value", "node.innerHTML = value")
    monkeypatch.setattr(page, "asset", lambda name: given(name).replace(*as_markup))
    monkeypatch.setattr(offline, "program", offline.program.__wrapped__)  # a script kept from another map is as it was
    net = hostile.network(hostile.RUNS["image"])
    map_network(net).save_html(tmp_path / "map.html")
    with opened(tmp_path / "map.html") as (view, seen):
        view.evaluate(hostile.TOUR)
        view.wait_for_timeout(100)
        assert any("CSP" in error or "Content Security Policy" in error for error in seen.errors)


def test_a_template_never_runs_while_exporting(tmp_path):
    trace = tmp_path / "trace"
    text = "{{ cycler.__init__.__globals__.os.mkdir('" + str(trace) + "') }}"
    for one in hostile.drawn(text).values():
        one.save_html(tmp_path / "ours.html")
        one.get_root().render()
    assert not trace.exists()
    hostile.naive_map(text, tmp_path)
    assert trace.exists(), "the payload no longer works on folium: find one that does"
