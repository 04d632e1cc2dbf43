"""Scripts and style sheets lose blanks, and nothing else."""

from __future__ import annotations

import re

import pytest

from supplygraph.maps import offline, page
from supplygraph.maps.squeeze import squeezed, squeezed_style


@pytest.mark.parametrize(("given", "left"), [
    ("const a = b + +c - -d;", "const a=b + +c - -d;"),
    ("f('a , b', \"c : d\", `e ; ${g( h )} , ${ { i: 1 }.i } ; k`);",
     "f('a , b',\"c : d\",`e ; ${g(h)} , ${{i:1}.i} ; k`);"),
    ("`a ${b ? `( ${c} )` : ` ; ${d} ; `} e` + f", "`a ${b?`( ${c} )`:` ; ${d} ; `} e` + f"),
    ('return /[" , ]/.test(a) ? b / c : d / e;', 'return /[" , ]/.test(a)?b / c:d / e;'),
    ("a.replace(/ ( , ) /g, '')", "a.replace(/ ( , ) /g,'')"),
    ("const f = () => {\n  g();\n}\nh(a,\n  b)\n  .then(i);\nj++\nk", "const f=()=>{g();}\nh(a,b).then(i);j++\nk"),
    ("'it\\'s , so' , x", "'it\\'s , so',x"),
])  # fmt: skip
def test_scripts_keep_their_strings_templates_and_patterns(given, left):
    lines = "\n".join(line.strip() for line in given.splitlines())
    assert squeezed(lines) == left


def test_a_template_without_end_is_no_script():
    with pytest.raises(ValueError, match="template"):
        squeezed("a = `b ${c}")


@pytest.mark.parametrize(("given", "left"), [
    ("a :hover , b > c { margin : 0 ; }", "a :hover,b > c{margin :0;}"),
    ("@media (max-width: 700px) { a { top: calc(50% - 1px) !important } }",
     "@media (max-width:700px){a{top:calc(50% - 1px) !important}}"),
    ("a { background: url(data:image/png;base64, AA==) } /* b */ c::before { content: '; x' }",
     "a{background:url(data:image/png;base64, AA==)}c::before{content:'; x'}"),
])  # fmt: skip
def test_style_sheets_keep_their_strings_and_addresses(given, left):
    assert squeezed_style(given) == left


def test_our_own_lose_blanks_alone():
    bare = re.compile(r"\s")
    lines = [line.strip() for line in page.asset("main.js").splitlines()]
    whole = "\n".join(line for line in lines if not line.startswith(("//", "/*", "*")))
    assert bare.sub("", squeezed(whole)) == bare.sub("", whole)
    assert len(squeezed(whole)) < 0.93 * len(whole)
    assert "Math.round(" in offline.program(failures=True)
    assert "'← All failures'" in offline.program(failures=True)
