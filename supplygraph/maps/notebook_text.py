"""Markdown, code and the HTML of outputs as elements of our own: no markup of others goes through."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from supplygraph.maps.page import Tag, element, html

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Elements of text that keep their name; what gives not even its text; of all others the text stays.
_KEPT = {"p", "div", "b", "strong", "em", "i", "s", "ul", "ol", "li", "pre", "code", "span", "sub", "sup", "blockquote",
         "table", "thead", "tbody", "tfoot", "tr", "th", "td", "dl", "dt", "dd"}  # fmt: skip
_DROPPED = {"script", "style", "template", "iframe", "object", "svg", "math", "title", "noscript"}
_DEEPEST = 40
#: Kinds of code that have a colour, by the class that gives it.
_COLOURS = {"Comment": "c", "Keyword": "k", "Operator.Word": "k", "Literal.String": "s", "Literal.Number": "n"}


def scrolls(table: Tag, label: str) -> Tag:
    """Return a table in its own box, which scrolls sideways."""
    return html.div(table, class_="scroll", role="group", tabindex="0", aria_label=label)


# -- Markdown ------------------------------------------------------------------------------------------------------


def markdown(text: str, *, least: int = 2, after: int = 1) -> list[Tag | str]:
    """Return Markdown as elements; HTML in it is text.

    Parameters
    ----------
    text
        CommonMark, with tables.
    least
        Highest level of a heading: a page has one heading of level 1, and it stands elsewhere.
    after
        Level of the heading before; none is skipped.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return _Blocks(least, after).tree(parser.parse(text))


class _Blocks:
    """Turns the tokens of a text into elements."""

    def __init__(self, least: int, after: int) -> None:
        self.least, self.level = least, after

    def tree(self, tokens: Sequence[Any]) -> list[Tag | str]:
        stack: list[tuple[str, dict[str, str], list[Tag | str]]] = [("", {}, [])]
        for token in tokens:
            if token.nesting == 1:
                stack.append((*self._opens(token), []))
            elif token.nesting == -1:
                name, attributes, children = stack.pop()
                made = element(name, children, **attributes) if name else None
                made = scrolls(made, "Table") if made is not None and name == "table" else made
                stack[-1][2].extend(children if made is None else [made])
            else:
                stack[-1][2].extend(self._leaf(token))
        return stack[0][2]

    def _opens(self, token: Any) -> tuple[str, dict[str, str]]:
        """Return name and attributes of the element that a token opens; no name for one that is left out."""
        if token.type == "heading_open":
            self.level = min(max(int(token.tag[1:]), self.least), self.level + 1, 6)
            return f"h{self.level}", {}
        if token.type == "heading_close":
            return "", {}
        if token.type == "link_open":
            address = str(token.attrs.get("href", ""))
            return ("a", {"href": address}) if re.match(r"https?://|mailto:", address) else ("span", {})
        if token.hidden:
            return "", {}
        scope = {"th": {"scope": "col"}}.get(token.tag, {})
        return (token.tag if token.tag in _KEPT else "div"), scope

    def _leaf(self, token: Any) -> list[Tag | str]:
        if token.type == "inline":
            return self.tree(token.children or [])
        if token.type in {"fence", "code_block"}:
            return [html.pre(html.code(token.content.rstrip("\n")), tabindex="0")]
        if token.type == "code_inline":
            return [html.code(token.content)]
        if token.type == "hardbreak":
            return [html.br()]
        if token.type == "hr":
            return [html.hr()]
        return ["\n"] if token.type == "softbreak" else [token.content]


def heading(text: str) -> tuple[str, str]:
    r"""Split the first heading off a Markdown text.

    Examples
    --------
    >>> heading("# A first look\n\nA phone needs cobalt.")
    ('A first look', 'A phone needs cobalt.')
    >>> heading("No heading")
    ('', 'No heading')
    """
    found = re.match(r"\s*#\s+([^\n]*)\n?", text)
    return (found.group(1).strip(), text[found.end() :].lstrip("\n")) if found else ("", text)


# -- code ----------------------------------------------------------------------------------------------------------


def code(text: str) -> Tag:
    """Return Python code with light colours, by classes."""
    try:
        from pygments.lexers.python import PythonLexer
    except ImportError:
        return html.pre(html.code(text), class_="code", tabindex="0")
    parts: list[Tag | str] = []
    for kind, words in PythonLexer(ensurenl=False, stripnl=False).get_tokens(text):
        name = str(kind).removeprefix("Token.")
        colour = next((letter for start, letter in _COLOURS.items() if name.startswith(start)), None)
        parts.append(html.span(words, class_=colour) if colour else words)
    return html.pre(html.code(parts), class_="code", tabindex="0")


# -- HTML of outputs -----------------------------------------------------------------------------------------------


def tree(markup: str) -> list[Tag | str]:
    """Return the text and the tables of some HTML as elements of our own.

    Elements of text and tables are made anew, without attributes but for the cells that a cell spans. Scripts, styles,
    frames and pictures vanish; of everything else the text stays.

    Examples
    --------
    >>> print(tree("<p onclick='x()'>1 &lt; <blink>2</blink><script>x()</script></p>")[0])
    <p>1 &lt; 2</p>
    """
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader.whole()


class _Reader(HTMLParser):
    """Builds elements from HTML of any quality."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str], list[Tag | str]]] = [("", {}, [])]
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self.silent.append(tag)
        elif self.silent:
            return
        elif tag == "br":
            self.open[-1][2].append(html.br())
        elif tag in _KEPT and len(self.open) < _DEEPEST:
            self.open.append((tag, self._attributes(tag, attrs), []))

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> dict[str, str]:
        spans = {name: value for name, value in attrs if name in {"colspan", "rowspan"} and value}
        kept = {name: value for name, value in spans.items() if re.fullmatch(r"[1-9]\d{0,2}", value)}
        if tag == "th":
            kept["scope"] = "col" if any(name == "thead" for name, _, _ in self.open) else "row"
        return kept

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br" or tag not in _DROPPED:
            self.handle_starttag(tag, attrs)
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.silent:
            if tag == self.silent[-1]:
                self.silent.pop()
        elif any(name == tag for name, _, _ in self.open[1:]):
            while self._close() != tag:
                pass

    def handle_data(self, data: str) -> None:
        within = self.open[-1][0]
        if self.silent or (within in {"table", "thead", "tbody", "tfoot", "tr", "ul", "ol", "dl"} and not data.strip()):
            return
        self.open[-1][2].append(data)

    def _close(self) -> str:
        name, attributes, children = self.open.pop()
        made = element(name, children, **attributes)
        self.open[-1][2].append(scrolls(made, "Table") if name == "table" else made)
        return name

    def whole(self) -> list[Tag | str]:
        """Return what was read; what was left open is closed."""
        while len(self.open) > 1:
            self._close()
        return self.open[0][2]
