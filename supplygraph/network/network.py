"""The network: an immutable value over a handful of tables."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.network import checks, parts, schema, show

if TYPE_CHECKING:
    import geopandas as gpd
    import igraph
    import networkx as nx
    import pandas as pd

Names = str | Iterable[str]


class SupplyNetwork:
    """A supply network: who mines, refines and uses what, over which links, and who ships to whom.

    An immutable value over the eight tables of `supplygraph.network.schema`. Every property returns a copy, and
    every change returns a new network. Rows are kept in canonical order, so row order never matters.

    Parameters
    ----------
    nodes, processes, edges, products, references
        Frames with the columns of the schema, flat or indexed by their key; columns that may be missing may be left
        out. Quantities are tonnes of contained metal a year. A blank text is a missing one.
    owners, countries, shipments
        The same; ``None`` means none.
    meta
        Facts about the whole (name, minerals, notes), as plain JSON values. Not part of equality.

    Raises
    ------
    DataError
        If a table cannot be right; ``report`` lists every problem with table, row (1-based) and column.

    Notes
    -----
    Checks are linear in the number of rows (plus sorting); a million edges take a few seconds.

    Examples
    --------
    >>> import pandas as pd
    >>> net = SupplyNetwork(
    ...     nodes=pd.DataFrame({"node": ["m"], "name": ["Mine"], "kind": ["mine"], "country": ["NAM"],
    ...                         "lon": [17.0], "lat": [-22.0], "throughput_t": [float("inf")]}),
    ...     processes=pd.DataFrame({"process": ["dig"], "node": ["m"], "mineral": ["copper"], "role": ["extract"],
    ...                             "output": ["ore"], "capacity_t": [10.0], "activity_t": [8.0], "year": [2025]}),
    ...     edges=pd.DataFrame({c: [] for c in ["edge", "source", "target", "product", "mode", "capacity_t"]}),
    ...     products=pd.DataFrame({"product": ["ore"], "mineral": ["copper"], "stage": ["mining"], "order": [0]}),
    ...     references=pd.DataFrame({"reference": ["usgs"], "title": ["Summaries"]}))
    >>> net.nodes.loc["m", "country"]
    'NAM'
    >>> len(net.without(countries="NAM").processes)
    0
    """

    __slots__ = ("_fingerprint", "_meta", "_tables")
    _tables: dict[str, pd.DataFrame]
    _meta: dict[str, Any]
    _fingerprint: str | None

    def __init__(
        self,
        *,
        nodes: pd.DataFrame,
        processes: pd.DataFrame,
        edges: pd.DataFrame,
        products: pd.DataFrame,
        references: pd.DataFrame,
        owners: pd.DataFrame | None = None,
        countries: pd.DataFrame | None = None,
        shipments: pd.DataFrame | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        given = {
            "nodes": nodes, "owners": owners, "processes": processes, "edges": edges, "shipments": shipments,
            "products": products, "countries": countries, "references": references,
        }  # fmt: skip
        tables, problems = checks.tidy(given)
        plain, fault = plain_meta(meta)
        problems = [*problems, *([fault] if fault else [])]
        if problems:
            raise DataError(summary(problems), problems)
        self._set(tables, plain)

    # -- tables ----------------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> pd.DataFrame:
        """Physical sites, by `node`."""
        return self._tables["nodes"].copy()

    @property
    def owners(self) -> pd.DataFrame:
        """Shares of sites by the owner's country, one row per site and country."""
        return self._tables["owners"].copy()

    @property
    def processes(self) -> pd.DataFrame:
        """What sites do, by `process`; activity and capacity in tonnes a year."""
        return self._tables["processes"].copy()

    @property
    def edges(self) -> pd.DataFrame:
        """Links between sites, by `edge`; parallel ones differ by product, mode or berth."""
        return self._tables["edges"].copy()

    @property
    def shipments(self) -> pd.DataFrame:
        """Who sends what to whom by which route, by `shipment`; tonnes a year."""
        return self._tables["shipments"].copy()

    @property
    def products(self) -> pd.DataFrame:
        """What moves, by `product`."""
        return self._tables["products"].copy()

    @property
    def countries(self) -> pd.DataFrame:
        """Attributes of countries, by alpha-3 code."""
        return self._tables["countries"].copy()

    @property
    def references(self) -> pd.DataFrame:
        """Sources, by `reference`."""
        return self._tables["references"].copy()

    @property
    def meta(self) -> dict[str, Any]:
        """Facts about the whole; ``meta["dropped"]`` lists what `select` and `without` took away."""
        return copy.deepcopy(self._meta)

    @property
    def fingerprint(self) -> str:
        """Sha-256 (hex) over the tables; the same content gives the same text on every machine."""
        if self._fingerprint is None:
            object.__setattr__(self, "_fingerprint", parts.fingerprint(self._tables))
        return str(self._fingerprint)

    # -- parts -----------------------------------------------------------------------------------------------------

    def select(
        self,
        *,
        mineral: Names | None = None,
        kind: Names | None = None,
        country: Names | None = None,
        product: Names | None = None,
    ) -> SupplyNetwork:
        """Return the part that meets all conditions given.

        Parameters
        ----------
        mineral
            Keep the processes, products, edges and shipments of these minerals, and the nodes they use.
        product
            Keep what moves these products: their edges and shipments, the processes that make or take them, and the
            nodes they use.
        kind, country
            Keep the nodes of that kind, or in those countries, and everything that lies wholly among them.

        Returns
        -------
        SupplyNetwork
            Rows that lose something they point to go with it: a shipment goes when an end or any edge of its route
            does. Nothing is recomputed, so activities may exceed what is shipped afterwards; ``meta["dropped"]``
            says how many rows and tonnes went. Products stay where a process kept still names them; references and
            countries stay whole.

        Raises
        ------
        UnknownNameError
            If the network has no such mineral, product or country, or there is no such kind.

        Notes
        -----
        Linear in the number of rows and route steps.
        """
        tables = self._tables
        minerals = _known("mineral", mineral, set(tables["products"]["mineral"]) | set(tables["processes"]["mineral"]))
        products = _known("product", product, tables["products"].index)
        kinds = _known("kind of node", kind, schema.NODE_KINDS)
        countries = _known("country", country, tables["nodes"]["country"].dropna())
        kept = parts.select(tables, minerals=minerals, products=products, kinds=kinds, countries=countries)
        given = {"mineral": minerals, "kind": kinds, "country": countries, "product": products}
        return self._part(kept, "select", given)

    def without(
        self, *, nodes: Names | None = None, countries: Names | None = None, edges: Names | None = None
    ) -> SupplyNetwork:
        """Return the network without these nodes, all nodes of these countries, and these edges.

        What stands on or points to them goes too, as in `select`: owners, processes, edges, and every shipment whose
        origin, destination or route is hit. Nothing is rerouted and no activity recomputed.

        Raises
        ------
        UnknownNameError
            If a node or edge is not there, or no node is in that country.
        """
        tables = self._tables
        gone = _known("node", nodes, tables["nodes"].index)
        lands = _known("country", countries, tables["nodes"]["country"].dropna())
        links = _known("edge", edges, tables["edges"].index)
        kept = parts.without(tables, nodes=gone or [], countries=lands or [], edges=links or [])
        return self._part(kept, "without", {"nodes": gone, "countries": lands, "edges": links})

    # -- other libraries -------------------------------------------------------------------------------------------

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return a networkx ``MultiDiGraph``: one edge per link, keyed by edge id, with its ``flow_t``.

        Missing cells are left out. The other tables are kept as JSON text in ``G.graph``, so that `from_networkx`
        gives the same network back.
        """
        from supplygraph.network import convert

        return convert.to_networkx(self._tables, self._meta)

    @classmethod
    def from_networkx(cls, graph: nx.MultiDiGraph) -> SupplyNetwork:
        """Return the network of a ``MultiDiGraph`` shaped as `to_networkx` makes it.

        Node attributes are columns of `nodes`, edge keys are edge ids and edge attributes columns of `edges`
        (``flow_t`` is computed from shipments and so ignored); tables that ``G.graph`` lacks are empty.

        Raises
        ------
        DataError
            If the graph is not a directed multigraph, or its tables cannot be right.
        """
        from supplygraph.network import convert

        tables, meta = convert.from_networkx(graph)
        return cls(**tables, meta=meta)

    def to_igraph(self) -> igraph.Graph:
        """Return a directed igraph graph: vertex ``name`` is the node id (its name for people is ``label``).

        Vertices and edges stand in canonical order (edge i is ``net.edges.iloc[i]``); columns are attributes, missing
        text is None, missing numbers NaN.
        """
        from supplygraph.network import convert

        return convert.to_igraph(self._tables)

    def to_geopandas(self) -> dict[str, gpd.GeoDataFrame]:
        """Return ``{"nodes": points, "edges": lines}`` in degrees (EPSG:4326).

        Edges run straight between their ends, cut in two at the date line, and carry ``flow_t``.
        """
        from supplygraph.network import convert

        return convert.to_geopandas(self._tables)

    # -- a picture -------------------------------------------------------------------------------------------------

    def plot(
        self,
        *,
        stages: Names | None = None,
        top: int = 8,
        highlight: Names | None = None,
        size: str = "slide",
        ax: Any = None,
    ) -> Any:
        """Draw a Sankey diagram: countries by stage, from mine to use, and tonnes a year between them.

        Parameters
        ----------
        stages
            Columns to draw, ``["mining", "refining"]``; all unless given. ``"use"`` is the last.
        top
            Countries drawn by name and colour, the same in every column: those with the largest share of any. The
            others of a column are one node; what has no country, and stocks, stay apart.
        highlight
            Countries whose bands stand out.
        size
            ``"slide"``, ``"page"`` or ``"column"``, as for answers.
        ax
            Axes to draw into; made, in a figure of that size, where missing.

        Returns
        -------
        matplotlib.axes.Axes
            The axes. Bands are as thick as the shipments between two countries are large, reported ones strong,
            estimated ones pale.

        Raises
        ------
        DataError
            If the network holds several minerals, or no shipments between the stages asked for.
        UnknownNameError
            If there is no such stage, country or size.

        Examples
        --------
        >>> import supplygraph as sg
        >>> axes = sg.load("cobalt").plot(highlight="CHN", size="column")
        """
        from supplygraph.maps import plots

        return plots.network(self, stages=stages, top=top, highlight=highlight, size=size, ax=ax)

    # -- a value ---------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        """Say what is in it, from when, and how good it is."""
        return "\n".join(show.lines(self._tables, self._meta))

    def _repr_html_(self) -> str:
        return show.html(self._tables, self._meta)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SupplyNetwork):
            return NotImplemented
        return self is other or self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __setattr__(self, name: str, value: object) -> None:
        message = f"a SupplyNetwork does not change; build a new one to set {name!r}."
        raise AttributeError(message)

    def __delattr__(self, name: str) -> None:
        message = f"a SupplyNetwork does not change; {name!r} stays."
        raise AttributeError(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (self._tables, self._meta))

    def __copy__(self) -> SupplyNetwork:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SupplyNetwork:
        return self

    def _set(self, tables: dict[str, pd.DataFrame], meta: dict[str, Any]) -> None:
        object.__setattr__(self, "_tables", tables)
        object.__setattr__(self, "_meta", meta)
        object.__setattr__(self, "_fingerprint", None)

    def _part(self, kept: dict[str, pd.DataFrame], verb: str, given: dict[str, list[str] | None]) -> SupplyNetwork:
        if all(len(kept[name]) == len(frame) for name, frame in self._tables.items()):
            return self
        note: dict[str, Any] = {"by": verb, "given": {key: names for key, names in given.items() if names}}
        note |= parts.dropped(self._tables, kept)
        meta = self.meta
        return _restore(kept, meta | {"dropped": [*meta.get("dropped", []), note]})


def _restore(tables: dict[str, pd.DataFrame], meta: dict[str, Any]) -> SupplyNetwork:
    """Return a network over tables that are canonical already."""
    net = SupplyNetwork.__new__(SupplyNetwork)
    net._set(tables, meta)  # noqa: SLF001 - this is the class's own second constructor
    return net


def plain_meta(meta: Mapping[str, Any] | None) -> tuple[dict[str, Any], Problem | None]:
    """Return meta as plain JSON values, or what is wrong with it."""
    try:
        plain = json.loads(json.dumps(dict(meta or {}), allow_nan=False))
    except (TypeError, ValueError) as error:
        return {}, Problem("meta", f"is not plain JSON ({error}).", "Use texts, numbers, lists and dicts.")
    return plain, None


def summary(problems: list[Problem]) -> str:
    """Return the first line of a `DataError`."""
    return f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the tables:"


def _known(what: str, names: Names | None, known: Iterable[str]) -> list[str] | None:
    """Return the names as a sorted list, or raise with a suggestion."""
    if names is None:
        return None
    given = [names] if isinstance(names, str) else list(names)
    have = set(known)
    for name in given:
        if name not in have:
            raise UnknownNameError.of(what, name, have)
    return sorted(set(given))
