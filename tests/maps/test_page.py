from __future__ import annotations

import json
import re

import pytest

from supplygraph.errors import DataError
from supplygraph.maps import page
from supplygraph.maps.page import html


def test_text_is_escaped_once():
    text = "a < b & \"c\" 'd' {{ e }} </p>"
    made = str(html.p(text, title=text))
    assert made.count("&lt;") == 4
    assert "&amp;amp;" not in made
    assert made.endswith("</p>")
    assert made.count("</p>") == 1


def test_children_may_be_nested_lists_and_numbers():
    assert str(html.ul([html.li(n) for n in (1, 2)], None)) == "<ul><li>1</li><li>2</li></ul>"


@pytest.mark.parametrize("name", ["script", "style", "iframe", "base", "x y", "p onclick=1", "object"])
def test_elements_that_run_or_load_are_refused(name):
    with pytest.raises(DataError, match="element"):
        page.element(name)


@pytest.mark.parametrize("attribute", ["onclick", "ONLOAD", "style", "srcdoc", "formaction", "x y"])
def test_attributes_that_run_are_refused(attribute):
    with pytest.raises(DataError, match="attribute"):
        html.p("x", **{attribute: "alert(1)"})


@pytest.mark.parametrize("address", ["javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x",
                                     "//example.org", "vbscript:x", "\tjavascript:x", "\\\\host"])
def test_addresses_that_run_or_hide_are_refused(address):
    with pytest.raises(DataError, match="address"):
        html.a("x", href=address)


@pytest.mark.parametrize("address", ["#top", "cobalt/map.html", "https://example.org/a", "mailto:a@example.org"])
def test_plain_addresses_stay(address):
    assert f'href="{address}"' in str(html.a("x", href=address))


def test_pictures_come_from_the_page_itself():
    assert "src=" in str(html.img(src="data:image/png;base64,AAAA", alt="x"))
    with pytest.raises(DataError, match="address"):
        html.img(src="https://example.org/a.png")


def test_json_survives_markup_templates_and_halves_of_pairs():
    value = {"</script>": ["{{x}}", "{%", "{#", "\u2028", "&", "<!--", "\ud800", {"a": {}}]}
    text = page.safe_json(value)
    assert json.loads(text) == value
    assert not re.search(r"[<>&\u2028]|\{\{|\{%|\{#", text)
    text.encode()


def test_policy_admits_the_blocks_of_the_page_alone():
    text = page.document(title="x", body=html.p("y"), style="p{}", scripts=["1;"], data={"d": [1]})
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2


@pytest.mark.parametrize("code", ["x</script>y", "x</STYLE>", "<!--"])
def test_code_that_ends_its_block_is_refused(code):
    with pytest.raises(DataError, match="script"):
        page.document(title="x", body=html.p("y"), scripts=[code])


def test_policy_stops_what_is_not_ours(tmp_path, opened):
    target = tmp_path / "page.html"
    text = page.document(title="x", body=html.p("y"), scripts=["document.title = 'ran';"])
    target.write_text(text.replace("<p>", "<p><img src='https://example.org/a.png'><script>window.BAD = 1</script>"))
    with opened(target) as (view, seen):
        assert view.title() == "ran"
        assert view.evaluate("() => window.BAD") is None
        assert any("CSP img-src" in error for error in seen.errors)


def test_leaflet_is_whole_and_asks_for_nothing():
    script, style = page.leaflet()
    assert "Leaflet 1.9" in script
    assert "sourceMappingURL" not in script
    assert "url(data:image/png;base64," in style
    assert not re.search(r"url\((?!data:|#)", style)
