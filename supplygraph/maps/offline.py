"""A ``folium.Map`` whose page is whole, inert and offline.

folium compiles text a second time as a template, so nothing of ours goes through it: the map is one page
built by :mod:`supplygraph.maps.page`. folium's own layers can be added; they are rendered by folium and
run inside the same page, after they have been checked.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import folium
from branca.element import Element, Figure

from supplygraph.errors import DataError, Problem
from supplygraph.maps import layers, page, theme

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = (
    "mode.js", "data.js", "draw.js", "sites.js", "popup.js", "table.js", "panel.js", "legend.js", "picture.js",
)
#: What tells single failures, and draws their marks for joint ones too.
FAILURES = ("failures.js", "failure-marks.js", "failure-panel.js")
#: folium layers that draw shapes and carry no HTML.
_PLAIN = {
    "FeatureGroup", "PolyLine", "Polygon", "Rectangle", "Circle", "CircleMarker", "PolyMarker", "GeoJson",
}
_MARKUP = re.compile(r"[<&`]|\$\{|\{\{|\{%|\{#|\\u")


class Verbatim(Element):  # type: ignore[misc]
    """An element whose text is written as it is and never read as a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.text = text

    def render(self, **_: Any) -> str:
        """Return the text."""
        return self.text


class OfflineMap(folium.Map):  # type: ignore[misc]
    """A map in one file that asks for nothing; still a ``folium.Map``, so layers can be added.

    Parameters
    ----------
    payload
        Data of the page, from :class:`supplygraph.maps.layers.Payload`.
    title
        Title of the page.
    """

    default_js: ClassVar[list[tuple[str, str]]] = []
    default_css: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, payload: dict[str, Any], *, title: str) -> None:
        super().__init__(location=[20, 120], zoom_start=2, tiles=None)
        self.payload = payload
        self.title = title

    def to_html(self, *, allow_layers: bool = False) -> str:
        """Return the page.

        Parameters
        ----------
        allow_layers
            Admit folium layers that carry HTML or load code, with a looser policy: the page may then ask
            the network for what those layers need.

        Raises
        ------
        DataError
            If a layer added by the user carries HTML or needs the network; every such layer is named.
        """
        added = [child for child in self._children.values() if not isinstance(child, Verbatim)]
        problems = [problem for child in added for problem in _problems(child)]
        if problems and not allow_layers:
            raise DataError("layers added to the map cannot go into an offline page", problems)
        leaflet_script, leaflet_style = page.leaflet()
        data = {**self.payload, "title": self.title, "theme": theme.for_script()}
        html = page.html
        extra = _script(self, added) if added else ""
        code = program(failures="failures" in self.payload, attack="attack" in self.payload)
        return page.document(
            title=self.title,
            style=[leaflet_style, theme.variables() + page.asset("map.css")],
            scripts=[leaflet_script, code, extra],
            data={"map-data": data, "map-world": layers.world()},
            body=[
                html.main(html.div(id="map"), id="page"),
                html.noscript(html.p("This map needs JavaScript, which this viewer does not run.")),
            ],
            loose=bool(problems),
        )

    def save_html(self, path: str | os.PathLike[str], *, allow_layers: bool = False) -> Path:
        """Write the page as one self-contained file and return its path; nothing is left half-written.

        Raises
        ------
        DataError
            As :meth:`to_html`.
        """
        target = Path(path)
        text = self.to_html(allow_layers=allow_layers)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
            os.chmod(name, 0o644)  # noqa: PTH101 - mkstemp makes it private
            os.replace(name, target)  # noqa: PTH105
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return target

    def save(self, outfile: Any, **_: Any) -> None:
        """Write the page, as :meth:`save_html` does."""
        if isinstance(outfile, str | os.PathLike):
            self.save_html(outfile)
        else:
            outfile.write(self.to_html().encode())

    def render(self, **_: Any) -> None:
        """Put the page, framed, into the folium figure that holds this map."""
        self.get_root().html.add_child(Verbatim(self._frame()), name="map")

    def _frame(self) -> str:
        return (
            '<iframe sandbox="allow-scripts allow-downloads" title="' + escape(self.title) + '" '
            'style="width:100%;height:620px;border:1px solid #d5dce1;border-radius:8px" '
            'srcdoc="' + escape(self.to_html()) + '"></iframe>'
        )

    def _repr_html_(self, **_: Any) -> str:
        """Show inline in a notebook, offline too."""
        return self._frame()


def program(*, failures: bool, attack: bool = False) -> str:
    """Return our own script: the asset files, in order, inside one function, without comments and indents.

    What tells single and joint failures comes along only where there are some.
    """
    names = [*SCRIPTS, *(FAILURES if failures or attack else []), *(["attacks.js"] if attack else []), "main.js"]
    lines = [line.strip() for name in names for line in page.asset(name).splitlines()]
    code = [line for line in lines if line and not line.startswith(("//", "/*", "*"))]
    return "(function () {\n'use strict';\n" + "\n".join(code) + "\n}());\n"


def _walk(element: Any) -> Iterator[Any]:
    yield element
    for child in element._children.values():  # noqa: SLF001 - branca has no public name for it
        yield from _walk(child)


def _problems(layer: Any) -> list[Problem]:
    """Name what makes a layer unfit for an offline, inert page."""
    found = []
    for part in _walk(layer):
        kind = type(part).__name__
        where = f"layer {kind}"
        if kind not in _PLAIN or not type(part).__module__.startswith("folium."):
            loads = getattr(part, "default_js", None) or getattr(part, "default_css", None) or "Tile" in kind
            what = "needs the network" if loads else "carries HTML or code"
            found.append(Problem(where, what, "Leave it out, or save with allow_layers=True."))
        elif _MARKUP.search(repr([part.__dict__.get(k) for k in ("data", "options", "layer_name", "locations")])):
            found.append(Problem(where, "holds text that folium would read as code or markup",
                                 "Use plain text, or save with allow_layers=True."))
    return found


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


def _script(host: OfflineMap, added: list[Any]) -> str:
    """Let folium write the scripts of the layers that the user added, for the map on our page."""
    parts = [host, *(part for child in added for part in _walk(child))]
    parent, figure = host._parent, Figure()  # noqa: SLF001
    with _numbered(parts):
        try:
            host._parent = figure  # noqa: SLF001
            for child in added:
                child.render()
            text = figure.script.render()
            name = host.get_name()
        finally:
            host._parent = parent  # noqa: SLF001
    return f"var {name} = document.getElementById('map').leafletMap;\n{text}\n"
