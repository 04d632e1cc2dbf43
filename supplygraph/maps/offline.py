"""A ``folium.Map`` whose page is whole, inert and offline.

folium compiles text a second time as a template, so nothing of ours goes through it: the map is one page
built by :mod:`supplygraph.maps.page`. folium's own layers can be added; they are rendered by folium and
run inside the same page, after they have been checked.
"""

from __future__ import annotations

import os
import tempfile
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import folium

from supplygraph.errors import DataError
from supplygraph.maps import layers, page, theme
from supplygraph.maps.added import Verbatim, problems, rendered
from supplygraph.maps.squeeze import squeezed, squeezed_style

if TYPE_CHECKING:
    from supplygraph.maps.tiles import Tiles

SCRIPTS = (
    "mode.js", "vector.js", "data.js", "draw.js", "lines.js", "sites.js", "labels.js", "sources.js", "popup.js",
    "table.js", "tables.js", "search.js", "tools.js", "permalink.js", "keys.js", "answers.js", "zones.js",
    "timeline.js", "panel.js", "legend.js", "picture.js",
)
STYLES = ("map.css", "answers.css")
#: What tells single failures, and draws their marks for joint ones too.
FAILURES = ("failures.js", "failure-marks.js", "failure-panel.js")


class OfflineMap(folium.Map):  # type: ignore[misc]
    """A map in one file that asks for nothing; still a ``folium.Map``, so layers can be added.

    Parameters
    ----------
    payload
        Data of the page, from :class:`supplygraph.maps.layers.Payload`.
    title
        Title of the page.
    tiles
        A base map from the network, see :func:`supplygraph.maps.tiles.named`; without one nothing is asked for.
    """

    default_js: ClassVar[list[tuple[str, str]]] = []
    default_css: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, payload: dict[str, Any], *, title: str, tiles: Tiles | None = None) -> None:
        super().__init__(location=[20, 120], zoom_start=2, tiles=None)
        self.payload = payload if tiles is None else {**payload, "tiles": tiles.for_page()}
        self.title = title
        self.tiles = tiles

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
        refused = problems(added, self._parent)
        if refused and not allow_layers:
            raise DataError("layers added to the map cannot go into an offline page", refused)
        leaflet_script, leaflet_style = page.leaflet()
        data = {**self.payload, "title": self.title, "theme": theme.for_script()}
        html = page.html
        extra, around = rendered(self, added, loose=bool(refused)) if added or refused else ("", "")
        parts = {"failures", "attack", "tiles"} & set(self.payload)
        code = program(failures="failures" in parts, attack="attack" in parts, tiles="tiles" in parts)
        return page.document(
            title=self.title,
            style=[squeezed_style(leaflet_style), squeezed_style(theme.variables() + "".join(map(page.asset, STYLES)))],
            scripts=[leaflet_script, code, extra],
            data={"map-data": data, "map-world": layers.world()},
            body=[
                html.main(html.div(id="map"), id="page"),
                html.noscript(html.p("This map needs JavaScript, which this viewer does not run.")),
            ],
            loose=bool(refused),
            around=around,
            pictures=self.tiles.hosts if self.tiles else (),
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


@lru_cache(maxsize=8)
def program(*, failures: bool, attack: bool = False, tiles: bool = False) -> str:
    """Return our own script: the asset files, in order, inside one function, without comments and blanks.

    What tells single and joint failures, and what asks for tiles, comes along only where there are some.
    """
    names = [*SCRIPTS, *(FAILURES if failures or attack else []), *(["attacks.js"] if attack else []),
             *(["tiles.js"] if tiles else []), "main.js"]
    lines = [line.strip() for name in names for line in page.asset(name).splitlines()]
    code = [line for line in lines if line and not line.startswith(("//", "/*", "*"))]
    return "(function () {\n'use strict';\n" + squeezed("\n".join(code)) + "\n}());\n"
