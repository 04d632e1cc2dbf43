"""Answers: every question returns a frozen table that tells where it comes from and draws itself."""

from __future__ import annotations

import html
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from supplygraph import facts
from supplygraph.errors import DataError, Problem

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    import geopandas
    import pandas as pd

    from supplygraph.network.network import SupplyNetwork

#: Index names that stand for a place on the map, by how they are joined to it.
_SITES = ("node", "passage")
_STATES = ("country", "owner")
_ROWS_SHOWN = 10
#: Characters of a cell shown in a terminal.
_CELL = 60


class Result:
    """A frozen answer: a tidy table, its parameters, its provenance, and words.

    Subclasses add their named figures as properties. Figures and further tables given by name are
    read as attributes: ``Result(..., tables={"unmet": frame}).unmet``.

    Parameters
    ----------
    title
        What the answer is, in one line.
    table
        The tidy main table with its id as a named index (``node``, ``country``, ...).
    params
        The options that gave it.
    network
        The network asked about; missing for answers about plain quantities.
    explanation
        The answer in plain words, returned by :meth:`explain`.
    tables
        Further tables by name.
    figures
        Named numbers by name, for example ``{"hhi": 0.58}``.
    references
        Ids of the references used; by default all those of the network.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"share": [0.75, 0.25]}, index=pd.Index(["CHN", "FIN"], name="country"))
    >>> answer = Result(title="Who refines", table=frame, figures={"hhi": 0.625})
    >>> answer.hhi
    0.625
    >>> mine = answer.table
    >>> mine.loc["FIN", "share"] = 9  # edits a copy
    >>> float(answer.table.loc["FIN", "share"])
    0.25
    """

    def __init__(
        self,
        *,
        title: str,
        table: pd.DataFrame,
        params: Mapping[str, Any] | None = None,
        network: SupplyNetwork | None = None,
        explanation: str = "",
        tables: Mapping[str, pd.DataFrame] | None = None,
        figures: Mapping[str, Any] | None = None,
        references: Iterable[str] | None = None,
    ) -> None:
        frames = {"table": table, **(tables or {})}
        self.__dict__.update(
            title=title,
            network=network,
            _explanation=explanation,
            _params=dict(params or {}),
            _figures=dict(figures or {}),
            # A shallow copy under copy-on-write: later edits by the caller do not reach us.
            _tables={name: frame.copy(deep=False) for name, frame in frames.items()},
            _references=references if references is None else tuple(references),
        )

    if TYPE_CHECKING:  # what __init__ puts into __dict__
        title: str
        network: SupplyNetwork | None
        _explanation: str
        _params: dict[str, Any]
        _figures: dict[str, Any]
        _tables: dict[str, pd.DataFrame]
        _references: tuple[str, ...] | None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        self._refuse(name)

    def __delattr__(self, name: str) -> NoReturn:
        self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        message = f"{type(self).__name__} is frozen: cannot change {name!r}; copy `.table` and edit the copy"
        raise AttributeError(message)

    def __getattr__(self, name: str) -> Any:
        """Read a named figure or a further table."""
        if not name.startswith("_"):
            if name in self._figures:
                return self._figures[name]
            if name in self._tables:
                return self._tables[name].copy(deep=False)
        message = f"{type(self).__name__} has no {name!r}"
        raise AttributeError(message)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._figures, *self._tables})

    @property
    def table(self) -> pd.DataFrame:
        """The tidy main table; edits reach a copy only."""
        return self._tables["table"].copy(deep=False)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name, the main one first."""
        return {name: frame.copy(deep=False) for name, frame in self._tables.items()}

    @property
    def figures(self) -> Mapping[str, Any]:
        """The named figures."""
        return MappingProxyType(self._figures)

    @property
    def params(self) -> Mapping[str, Any]:
        """The options that gave this answer."""
        return MappingProxyType(self._params)

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Fingerprint of the network, version of the package, ids of the references used."""
        return MappingProxyType(_provenance(self.network, self._references))

    def extended(
        self,
        *,
        tables: Mapping[str, pd.DataFrame] | None = None,
        figures: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        explanation: str | None = None,
    ) -> Self:
        """Return this answer with further (or other) tables, figures and parameters."""
        other = object.__new__(type(self))
        given = {"_tables": tables, "_figures": figures, "_params": params}
        changed = {name: {**self.__dict__[name], **(more or {})} for name, more in given.items()}
        words = self._explanation if explanation is None else explanation
        other.__dict__.update({**self.__dict__, **changed, "_explanation": words})
        return other

    def explain(self) -> str:
        """Return the answer in plain words."""
        return self._explanation or f"{self.title}."

    def map(self, **options: Any) -> Any:
        """Return the answer as a map (a plain ``folium.Map`` that can be extended)."""
        from supplygraph import maps

        return maps.map_result(self, **options)

    def plot(
        self, kind: str | None = None, *, size: str = "slide", ax: Any = None, top: int = 12, **options: Any
    ) -> Any:
        """Draw the answer as a plain chart for a paper or a slide.

        Parameters
        ----------
        kind
            Which picture; each answer has a usual one. Concentration: ``"bars"``, ``"lorenz"``. Centrality, also per
            factory, chokepoints (``column=`` another one of the table), supply risk, defence: ``"bars"``. Exposure:
            ``"stacked"``, ``"bars"`` (of one ``row=``, direct beside traced). Interdiction: ``"unmet"``; rerouting:
            ``"unmet"``, ``"displaced"`` (``by="country"`` sums up). Evidence: ``"dots"``. Stockpile: ``"cover"``,
            ``"curve"`` (asked with ``curve=``). Alignment frontier: ``"frontier"``.
            Where to build: ``"timeline"``, ``"frontier"`` (asked with ``frontier=``). Price instruments: ``"prices"``
            (of one ``product=``), ``"gains"``; a swept floor: ``"levels"``. Spatial equilibrium: ``"bars"``.
        size
            ``"slide"`` (13.3 by 7.5 inches, type for the back of a room), ``"page"`` (7 inches wide) or ``"column"``
            (3.5 inches, 8 points).
        ax
            Axes to draw into; for a frontier two, upper and lower. Made, in a figure of that size, where missing.
        top
            Rows drawn at most; the others are summed up, or counted in the caption.
        options
            Of that kind of picture.

        Returns
        -------
        matplotlib.axes.Axes
            The axes (for a frontier an array of two); ``.figure.savefig(path)`` writes them. Whiskers are the 5 to 95 %
            of the draws where the question was asked of an ensemble; where there are none the caption says so.

        Raises
        ------
        UnknownNameError
            If there is no such kind, size, option, row or column.
        DataError
            If the answer has no picture or nothing to draw, or ``ax`` or ``top`` cannot be used.

        Examples
        --------
        >>> import supplygraph as sg
        >>> axes = sg.concentration({"CHN": 750.0, "JPN": 250.0}).plot(size="column")
        >>> axes.get_xlabel()
        'share of refining, %'
        """
        from supplygraph.maps import plots

        return plots.plot(self, kind, size=size, ax=ax, top=top, **options)

    def save_html(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the map as one page that needs no network; return its path."""
        target = Path(path)
        self.map(**options).save(str(target))
        return target

    def to_geopandas(self) -> geopandas.GeoDataFrame:
        """Join the table to geometry: points for sites, lines for edges, polygons for countries.

        Returns
        -------
        geopandas.GeoDataFrame
            The table with a ``geometry`` column in EPSG:4326; rows without a place have none.

        Raises
        ------
        DataError
            If the rows are neither sites, edges nor countries.
        """
        table = self.table
        key = str(table.index.name)
        if key in _STATES:
            return _with_polygons(table)
        if self.network is not None and key in _SITES:
            return _with_points(table, self.network)
        if self.network is not None and key == "edge":
            return _with_lines(table, self.network)
        where = f"{type(self).__name__}.table"
        what = f"rows are indexed by `{key}`, which has no place on the map."
        problem = Problem(where, what, "Ask by node, edge or country.")
        raise DataError("no geometry for this answer", [problem])

    def __repr__(self) -> str:
        parts = [self.title, *self._figure_lines(), "", self.table.head(_ROWS_SHOWN).to_string(max_colwidth=_CELL)]
        more = len(self.table) - _ROWS_SHOWN
        return "\n".join([*parts, *([f"… and {more} more rows"] if more > 0 else [])])

    def _repr_html_(self) -> str:
        table = self.table.to_html(max_rows=_ROWS_SHOWN, escape=True, border=0)
        figures = "".join(f"<div>{html.escape(line)}</div>" for line in self._figure_lines())
        return f"<div><b>{html.escape(self.title)}</b>{figures}</div>{table}"

    def _figure_lines(self) -> list[str]:
        shown = [f"{name} {value:.4g}" for name, value in self._figures.items() if isinstance(value, float)]
        return [", ".join(shown)] if shown else []


def _provenance(network: SupplyNetwork | None, references: Iterable[str] | None) -> dict[str, Any]:
    from supplygraph import __version__

    if references is None:
        references = () if network is None else network.references.index
    return {
        "fingerprint": None if network is None else network.fingerprint,
        "version": __version__,
        "references": tuple(sorted({str(reference) for reference in references})),
    }


def _with_points(table: pd.DataFrame, network: SupplyNetwork) -> geopandas.GeoDataFrame:
    import geopandas

    place = network.nodes[["lon", "lat"]].reindex(table.index)
    points = geopandas.points_from_xy(place["lon"], place["lat"], crs="EPSG:4326")
    return geopandas.GeoDataFrame(table, geometry=points)


def _with_lines(table: pd.DataFrame, network: SupplyNetwork) -> geopandas.GeoDataFrame:
    import geopandas
    import shapely

    ends = network.edges[["source", "target"]].reindex(table.index)
    place = network.nodes[["lon", "lat"]]
    pairs = [place.reindex(ends[column]).to_numpy() for column in ("source", "target")]
    lines = shapely.linestrings(list(zip(*pairs, strict=True))) if len(table) else []
    return geopandas.GeoDataFrame(table, geometry=lines, crs="EPSG:4326")


def _with_polygons(table: pd.DataFrame) -> geopandas.GeoDataFrame:
    import geopandas

    states = geopandas.read_parquet(facts.path("geo/countries.parquet")).set_index("iso3")
    geometry = states.geometry.reindex(table.index)
    return geopandas.GeoDataFrame(table, geometry=geometry.to_numpy(), crs=states.crs)
