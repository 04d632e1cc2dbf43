"""Layers that users add to a map with folium: what may go into an offline, inert page, and how it gets there.

folium writes scripts from templates, and compiles text a second time as one. So only shapes go in as they are, and
only where none of their text could be read as code; everything else is named.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import folium
from branca.element import Element, Figure
from folium.utilities import JsCode

from supplygraph.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

#: folium layers that draw shapes and carry no HTML.
_PLAIN = {"FeatureGroup", "PolyLine", "Polygon", "Rectangle", "Circle", "CircleMarker", "GeoJson"}
_MARKUP = re.compile(r"[<&`]|\$\{|\{\{|\{%|\{#|\\\\u")
#: What folium compares features by, written into the script as it is; a property of odd name would be code there.
_IDENTIFIER = re.compile(r"feature(\.[A-Za-z_][A-Za-z0-9_]*)+\Z")
_MADE_UP = re.compile(r"[a-z_]+_[0-9a-f]{32}\Z")
#: What is written into scripts: text, data and functions of a layer, but not its place in the tree.
_SKIPPED = {"parent_map", "style_function", "highlight_function"}
_ALLOW = "Leave it out, or save with allow_layers=True."


class Verbatim(Element):  # type: ignore[misc]
    """An element whose text is written as it is and never read as a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.text = text

    def render(self, **_: Any) -> str:
        """Return the text."""
        return self.text


def problems(added: list[Any], figure: Any) -> list[Problem]:
    """Name everything that makes added layers unfit for an offline, inert page, each layer by its name."""
    found: list[tuple[str, str, str]] = []
    for layer in added:
        found += _of_layer(layer, "layer ")
    for part in ("header", "html", "script"):
        where = f"what was added to the {part} of the figure"
        found += [(where, "is no layer of the map, and carries HTML or code", _ALLOW) for _ in beside(figure, part)]
    return [Problem(where if count == 1 else f"{where} ({count} of them)", what, remedy)
            for (where, what, remedy), count in Counter(found).items()]


def beside(figure: Any, part: str) -> list[Any]:
    """Return what was put on the page around the map; folium's examples add legends and titles so."""
    children = getattr(figure, part)._children if isinstance(figure, Figure) else {}  # noqa: SLF001
    return [child for name, child in children.items() if name != "meta_http" and not isinstance(child, Verbatim)]


def _of_layer(layer: Any, prefix: str) -> list[tuple[str, str, str]]:
    kind = type(layer).__name__
    where = f"{prefix}{kind}{_name(layer)}"
    if kind not in _PLAIN or not type(layer).__module__.startswith("folium."):
        return [(where, *_reason(layer))]
    found = []
    if getattr(layer, "embed", True) is False:
        found.append((where, "reads its data from a file or the network when the page opens",
                      "Give it the data, with embed=True."))
    values = {key: value for key, value in layer.__dict__.items() if not key.startswith("_") and key not in _SKIPPED}
    if any(isinstance(value, JsCode) for value in values.values()) or any(
        isinstance(value, JsCode) for value in (getattr(layer, "options", None) or {}).values()
    ):
        found.append((where, "carries code", _ALLOW))
    elif _coded(layer, values):
        found.append((where, "holds text that folium would read as code or markup",
                      "Use plain text, or save with allow_layers=True."))
    inside = [value for value in values.values() if isinstance(value, Element)]
    for child in [*inside, *layer._children.values()]:  # noqa: SLF001
        found += _of_layer(child, f"{where} > ")
    return found


def _reason(layer: Any) -> tuple[str, str]:
    """Return why a layer is no plain shape, and what to do."""
    kind = type(layer).__name__
    if "Tile" in kind:
        host = urlsplit(str(getattr(layer, "tiles", getattr(layer, "url", "")))).netloc
        remedy = f"Name a base map with the option `tiles` of the map instead. {_ALLOW}"
        return f"asks {host.replace('{s}', '*') or 'the network'} for tiles", remedy
    links = [*getattr(layer, "default_js", []), *getattr(layer, "default_css", [])]
    hosts = sorted({urlsplit(str(link)).netloc for _, link in links} - {""})
    return (f"needs the network: code from {', '.join(hosts)}" if hosts else "carries HTML or code"), _ALLOW


def _name(layer: Any) -> str:
    """Return the name that the user gave; folium makes one up where there is none."""
    name = str(getattr(layer, "layer_name", None) or "")
    return "" if not name or _MADE_UP.match(name) else f" {name!r}"


def _coded(layer: Any, values: dict[str, Any]) -> bool:
    """Whether any text of a layer could be read as code or markup where folium writes it."""
    features = (getattr(layer, "data", None) or {}).get("features", [])
    functions = [getattr(layer, name, None) for name in ("style_function", "highlight_function")]
    styles = [function(feature) for function in functions if function for feature in features]
    plain = {key: value for key, value in values.items() if not isinstance(value, Element)}
    text = json.dumps([plain, styles], ensure_ascii=False, default=repr, skipkeys=True)
    return bool(_MARKUP.search(text)) or not _IDENTIFIER.match(str(values.get("feature_identifier", "feature.id")))


def walk(element: Any) -> Iterator[Any]:
    """Go through an element and all below it."""
    yield element
    for child in element._children.values():  # noqa: SLF001 - branca has no public name for it
        yield from walk(child)


@contextmanager
def _numbered(parts: list[Any]) -> Iterator[None]:
    """Give elements ids by position while rendering: the same map gives the same bytes."""
    before = [part._id for part in parts]  # noqa: SLF001
    try:
        for number, part in enumerate(parts):
            part._id = f"{number:032x}"  # noqa: SLF001
        yield
    finally:
        for part, identifier in zip(parts, before, strict=True):
            part._id = identifier  # noqa: SLF001


def rendered(host: folium.Map, added: list[Any], *, loose: bool) -> tuple[str, str]:
    """Let folium write the layers for the map on our page.

    Returns
    -------
    tuple
        The script of the layers; and, only for a loose page, the markup of what they load and of what was added
        around the map.
    """
    parts = [host, *(part for child in added for part in walk(child))]
    parent, figure = host._parent, Figure()  # noqa: SLF001
    with _numbered(parts):
        try:
            host._parent = figure  # noqa: SLF001
            for child in added:
                child.render()
            text = figure.script.render()
            name = host.get_name()
            around = _around(figure, parent) if loose else ""
            text += "\n".join(part.render() for part in beside(parent, "script")) if loose else ""
        finally:
            host._parent = parent  # noqa: SLF001
    return f"var {name} = document.getElementById('map').leafletMap;\n{text}\n", around


def _around(figure: Figure, parent: Any) -> str:
    """Return links to what popups, icons and plugins load, and HTML that was added around the map."""
    own = [f'<script src="{link}"></script>' for name, link in folium.Map.default_js if name != "leaflet"]
    own += [f'<link rel="stylesheet" href="{link}">' for name, link in folium.Map.default_css if name != "leaflet_css"]
    held = [child for part in ("header", "html") for where in (figure, parent) for child in beside(where, part)]
    return "\n".join([*own, *(child.render() for child in held)])
