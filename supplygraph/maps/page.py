"""Pages that are whole, inert and offline: text is data until it is escaped once, here.

No template engine ever sees the text of a user. A page is put together from a tree of elements
(:data:`html`), style sheets and scripts of our own, and one block of JSON; its content security
policy admits exactly those blocks by their hash and nothing from any network.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib import metadata, resources
from pathlib import Path

from supplygraph.errors import DataError, MissingDependencyError

#: Characters that could end the block, start markup or open a template, as JSON escapes.
_UNSAFE = {
    "&": "\\u0026",
    "<": "\\u003c",
    ">": "\\u003e",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
    "{{": "{\\u007b",
    "{%": "{\\u0025",
    "{#": "{\\u0023",
}
_VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
#: Where a link may lead: a place on this page, a file beside it, or a page to which the reader may choose to
#: go. Pictures are held inside the page. Anything else (scripts above all) is refused.
_LINK = re.compile(r"(#|https?://|mailto:|(?![A-Za-z][A-Za-z0-9+.-]*:|//)[^\s\\])")
_PICTURE = re.compile(r"data:image/(png|jpeg|svg\+xml);base64,[A-Za-z0-9+/=]*\Z")
_ADDRESSES = {"href": _LINK, "src": _PICTURE}
_REFUSED = {"style", "srcdoc", "action", "formaction", "ping", "background"}


@dataclass(frozen=True)
class Tag:
    """One element: a name, attributes and children, all plain data until rendered."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    children: tuple[Tag | str, ...]

    def __str__(self) -> str:
        """Render; text and attribute values are escaped here and nowhere else."""
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in self.attributes)
        if self.name in _VOID:
            return f"<{self.name}{attributes}>"
        inside = "".join(str(c) if isinstance(c, Tag) else escape(c, quote=False) for c in self.children)
        return f"<{self.name}{attributes}>{inside}</{self.name}>"


class _Elements:
    """Build elements by name: ``html.p("text", class_="note")``."""

    def __getattr__(self, name: str) -> Callable[..., Tag]:
        def build(*children: object, **attributes: object) -> Tag:
            return element(name, *children, **attributes)

        return build


#: The builder of element trees. Children are text, elements or lists of them; ``None`` is left out.
html = _Elements()


def element(name: str, *children: object, **attributes: object) -> Tag:
    """Build one element.

    Parameters
    ----------
    name
        Element name; scripts, styles and frames are refused (see :func:`document`).
    *children
        Text (escaped once), elements, numbers, or iterables of them; ``None`` is left out.
    **attributes
        Underscores stand for hyphens and a trailing one is dropped (``class_``, ``aria_label``).
        ``None`` and ``False`` leave the attribute out, ``True`` writes it empty.

    Raises
    ------
    DataError
        If the element or attribute could run code or reach out: ``script``, ``on...``, ``style``,
        a link that is not a place, a relative file or a web page, a picture from elsewhere.

    Examples
    --------
    >>> print(element("p", "a < b & c", class_="note"))
    <p class="note">a &lt; b &amp; c</p>
    """
    if not _NAME.match(name) or name.lower() in {"script", "style", "iframe", "object", "embed", "base", "link"}:
        raise DataError(f"no element {name!r} on a page: give scripts and styles to document()")
    pairs = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        text = "" if value is True else str(value)
        _check_attribute(attribute, text)
        pairs.append((attribute, text))
    return Tag(name, tuple(pairs), tuple(_flat(children)))


def _check_attribute(name: str, value: str) -> None:
    if not _NAME.match(name) or name.lower().startswith("on") or name.lower() in _REFUSED:
        raise DataError(f"no attribute {name!r} on a page: use a class and the style sheet")
    allowed = _ADDRESSES.get(name.lower())
    if allowed is not None and not allowed.match(value):
        raise DataError(f"address {value!r} refused: expected #place, a relative file or https:// in `href`, "
                        "data:image/... in `src`")


def _flat(children: Iterable[object]) -> Iterable[Tag | str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Tag | str):
            yield child
        elif isinstance(child, Iterable):
            yield from _flat(child)
        else:
            yield str(child)


def safe_json(value: object) -> str:
    r"""Return compact JSON that may stand inside any HTML element and that no template engine reads.

    Examples
    --------
    >>> safe_json({"name": "</script>{{7*7}}"})
    '{"name":"\\u003c/script\\u003e{\\u007b7*7}}"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Compact JSON holds "{{", "{%" and "{#" inside strings only, where an escape means the same.
    for character, code in _UNSAFE.items():
        text = text.replace(character, code)
    # A lone half of a surrogate pair cannot be written as UTF-8; as an escape it stays what it is.
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half.group()):04x}", text)


def document(
    *,
    title: str,
    body: Tag | Iterable[Tag | str],
    style: str | Iterable[str] = "",
    scripts: Iterable[str] = (),
    data: Mapping[str, object] | None = None,
    language: str = "en",
    loose: bool = False,
    pictures: Iterable[str] = (),
    around: str = "",
) -> str:
    """Return one self-contained page that asks for nothing.

    Parameters
    ----------
    title
        Title of the page.
    body
        Element tree, see :data:`html`; text in it is escaped once.
    style, scripts
        Style sheets and scripts *of our own*; they are admitted by their SHA-256 alone.
    data
        Values by element id, written as ``<script type="application/json">`` for the scripts.
    language
        BCP 47 code.
    loose
        Admit inline code and pictures, styles, fonts and scripts from ``https:``, for layers that a user
        brought on purpose. Never set for pages of our own.
    pictures
        Hosts, as ``https://host``, that the page may ask for pictures; for base maps that were asked for by name.
    around
        With ``loose`` alone: markup that those layers need, written as it is before the last script.

    Raises
    ------
    DataError
        If a script or style sheet holds the text that would end its block.

    Examples
    --------
    >>> page = document(title="A & B", body=html.p("1 < 2"))
    >>> "<title>A &amp; B</title>" in page, "default-src 'none'" in page
    (True, True)
    """
    styles = [text for text in ([style] if isinstance(style, str) else style) if text]
    code = [text for text in scripts if text]
    for text in [*styles, *code]:
        if re.search(r"</(script|style)|<!--", text, re.IGNORECASE):
            raise DataError("a script or style sheet holds '</script', '</style' or '<!--': write it with a \\x3c")
    blocks = [
        f'<script type="application/json" id="{escape(key)}">{safe_json(value)}</script>'
        for key, value in (data or {}).items()
    ]
    tree = [body] if isinstance(body, Tag | str) else list(body)
    inside = "".join(str(part) if isinstance(part, Tag) else escape(part, quote=False) for part in tree)
    admitted = policy(styles, code, loose=loose, pictures=pictures)
    page = "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{escape(language)}">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{admitted}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{escape(title, quote=False)}</title>",
            *(f"<style>{text}</style>" for text in styles),
            "</head>",
            f"<body>{inside}",
            *blocks,
            *(f"<script>{text}</script>" for text in code[:-1]),
            around if loose else "",
            *(f"<script>{text}</script>" for text in code[-1:]),
            "</body>",
            "</html>",
            "",
        ],
    )
    # Half of a surrogate pair in a text cannot be written as UTF-8.
    return re.sub("[\ud800-\udfff]", "\ufffd", page)


def policy(
    styles: Iterable[str], scripts: Iterable[str], *, loose: bool = False, pictures: Iterable[str] = (),
) -> str:
    """Return the content security policy that admits exactly these blocks, and pictures from these hosts.

    Leaflet moves its panes through the object model, which no policy forbids, so not even inline
    style attributes are needed.
    """
    if loose:
        return (
            "default-src 'none'; img-src https: data: blob:; style-src https: 'unsafe-inline'; "
            "font-src https: data:; connect-src https:; script-src https: 'unsafe-inline' 'unsafe-eval'; "
            "base-uri 'none'; form-action 'none'"
        )
    style = " ".join(_hash(text) for text in styles) or "'none'"
    script = " ".join(_hash(text) for text in scripts) or "'none'"
    images = " ".join(["data:", "blob:", *pictures])
    return (
        f"default-src 'none'; img-src {images}; style-src {style}; script-src {script}; "
        "connect-src 'none'; font-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def asset(name: str) -> str:
    """Return the text of one of our own scripts or style sheets under ``maps/assets``."""
    return resources.files("supplygraph.maps").joinpath("assets", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def leaflet() -> tuple[str, str]:
    """Return Leaflet's script and style sheet, its pictures as ``data:`` addresses.

    They come from the files of the installed XStatic-Leaflet distribution; its own module is not
    imported, as that needs ``pkg_resources``.

    Raises
    ------
    MissingDependencyError
        If XStatic-Leaflet is not installed.
    """
    try:
        listed = metadata.distribution("XStatic-Leaflet").files or []
    except metadata.PackageNotFoundError:
        listed = []
    found = {file.name: Path(str(file.locate())) for file in listed if "leaflet/data/" in file.as_posix()}
    if not {"leaflet.js", "leaflet.css"} <= set(found):
        raise MissingDependencyError("maps need Leaflet. Install it with: pip install 'XStatic-Leaflet>=1.9.3.0'")

    def picture(match: re.Match[str]) -> str:
        data = base64.b64encode(found[match.group(1)].read_bytes()).decode()
        return f"url(data:image/png;base64,{data})"

    script = re.sub(r"//# sourceMappingURL=\S*", "", found["leaflet.js"].read_text(encoding="utf-8"))
    style = re.sub(r"url\(images/([^)]+)\)", picture, found["leaflet.css"].read_text(encoding="utf-8"))
    return script.strip() + "\n", re.sub(r"behavior:\s*url\(#default#VML\);", "", style)
