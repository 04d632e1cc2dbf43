"""Our own scripts and style sheets without the blanks that only people need.

Nothing is renamed; lines are joined only where no statement can end, so that a program reads the same to the browser.
"""

from __future__ import annotations

import re

_STRING = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\""""
#: A pattern begins where a value may; after a name or a bracket the same sign divides.
_PATTERN = r"(?:(?<=[(,=:!&|?])[ ]?|(?<=return ))/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*"
_TOKEN = re.compile(rf"(?P<kept>{_STRING}|{_PATTERN})|(?P<sign>[`{{}}])|[^'\"`{{}}/]+|.", re.DOTALL)
_TEXT = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?P<end>`|\$\{)", re.DOTALL)
#: Blanks beside a sign that needs none. Signs of arithmetic may meet their like (``a + +b``): those keep theirs.
_BLANKS = re.compile(r"[ \t]*([(){}\[\],;:?=<>!&|*%])[ \t]*")

#: Line ends where a statement is ended by its own sign, or cannot end.
_OPEN = re.compile(r"(?<=[;{,(\[?:&|=])\n|\n(?=[)\]?:&|.,])")


def squeezed(code: str) -> str:
    """Return a script without blanks around its signs; strings, templates and patterns are left alone.

    Examples
    --------
    >>> squeezed("const f = (a, b) => (a ? 'x , y' : `${b ? ` , ${b}` : ''} : `);")
    "const f=(a,b)=>(a?'x , y':`${b?` , ${b}`:''} : `);"
    """
    parts: list[tuple[bool, str]] = []
    braces: list[bool] = []  # open ones; whether each leads back into the text of a template
    at = 0
    while at < len(code):
        found = _TOKEN.match(code, at)
        assert found is not None  # noqa: S101 - any character matches
        at = found.end()
        parts.append((found["kept"] is not None, found.group()))
        into_text = found["sign"] == "`"
        if found["sign"] == "{":
            braces.append(False)
        elif found["sign"] == "}":
            into_text = bool(braces) and braces.pop()
        if into_text:
            text = _TEXT.match(code, at)
            if text is None:
                raise ValueError(f"a template without end at character {at}")
            at = text.end()
            if text["end"] == "${":
                braces.append(True)
            parts.append((True, text.group()))
    return _joined(parts)


def _joined(parts: list[tuple[bool, str]]) -> str:
    """Squeeze what lies between the pieces that are kept."""
    out, code = [], ""
    for kept, text in parts:
        if not kept:
            code += text
            continue
        out += [_tight(code), text.lstrip(" ") if text.lstrip(" ").startswith("/") else text]
        code = ""
    return "".join([*out, _tight(code)])


def _tight(code: str) -> str:
    return _OPEN.sub("", _BLANKS.sub(r"\1", code))


_STYLE = re.compile(rf"(?P<kept>{_STRING}|url\([^)]*\))|(?P<gone>/\*.*?\*/|\s+)|[^'\"/\su]+|.", re.DOTALL)


def squeezed_style(style: str) -> str:
    """Return a style sheet without comments and needless blanks; strings and addresses are left alone.

    Examples
    --------
    >>> squeezed_style('a :hover, b { /* why */ margin: 0 calc(1px + 2%);  content: "x ; y"; }')
    'a :hover,b{margin:0 calc(1px + 2%);content:"x ; y";}'
    """
    parts = [(found["kept"] is not None, " " if found["gone"] else found.group()) for found in _STYLE.finditer(style)]
    out, code = [], ""
    for kept, text in [*parts, (True, "")]:
        if not kept:
            code += text
            continue
        code = re.sub(r" ?([{};,]) ?", r"\1", re.sub(r" +", " ", code))
        out += [re.sub(r": ", ":", code), text]
        code = ""
    return "".join(out).strip()
