"""The tables of a supply network, each defined once.

This definition drives types, checks, docs and file headers. Quantities are tonnes of contained
metal a year (rare earths: REO; graphite: gross) unless the column says otherwise; the unit
stands in the column name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "ref", "text", "list", "country", "choice", "number", "integer"]

NODE_KINDS = ("mine", "refinery", "port", "passage", "factory")
ROLES = ("extract", "transform", "use", "stock", "trade")
MODES = ("sea", "rail", "road", "pipeline", "onsite")
CONFIDENCE = ("high", "medium", "low", "estimated")
BASIS = ("reported", "estimated")
#: Separator of lists inside one cell (route edges, forms). Ids therefore never contain it.
LIST_SEPARATOR = ";"


@dataclass(frozen=True)
class Column:
    """One column: its type, whether it may be missing, its bounds, what it means.

    ``points_to`` names the table whose key the cells must be in; ``infinite`` says that ``inf`` is a value.
    """

    name: str
    kind: Kind
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()
    low: float = -float("inf")
    high: float = float("inf")
    points_to: str = ""
    infinite: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its key and its columns, in file order."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    doc: str

    @property
    def names(self) -> list[str]:
        """Column names in file order."""
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)


_REFERENCE = Column("reference", "ref", "where the row comes from", points_to="references")
_CONFIDENCE = Column("confidence", "choice", "how sure the row is", choices=CONFIDENCE)
_POSITIVE = 0.0

NODES = Table(
    "nodes",
    ("node",),
    (
        Column("node", "id", "identifier", required=True),
        Column("name", "text", "name for people", required=True),
        Column("kind", "choice", "what stands there", required=True, choices=NODE_KINDS),
        Column("country", "country", "ISO 3166-1 alpha-3; missing at sea or where unknown"),
        Column("lon", "number", "degrees east", required=True, low=-180, high=180),
        Column("lat", "number", "degrees north", required=True, low=-90, high=90),
        Column(
            "throughput_t",
            "number",
            "most that can pass in a year; inf = no limit",
            required=True,
            low=_POSITIVE,
            infinite=True,
        ),
        Column("status", "text", "operating, ramp_up, residual (an unnamed rest), ..."),
        _REFERENCE,
        _CONFIDENCE,
    ),
    "Physical sites.",
)
OWNERS = Table(
    "owners",
    ("node", "owner"),
    (
        Column("node", "ref", "the site", required=True, points_to="nodes"),
        Column("owner", "country", "the owner's country, alpha-3", required=True),
        Column("share", "number", "share of the node; the rest is unknown", required=True, low=0, high=1),
        _REFERENCE,
    ),
    "Who owns a site, by the owner's country.",
)
PROCESSES = Table(
    "processes",
    ("process",),
    (
        Column("process", "id", "identifier", required=True),
        Column("node", "ref", "where it runs", required=True, points_to="nodes"),
        Column("mineral", "text", "the mineral", required=True),
        Column("role", "choice", "what it does", required=True, choices=ROLES),
        Column("input", "ref", "product consumed; missing = extraction or stock release", points_to="products"),
        Column("output", "ref", "product made; missing = final demand or stock build", points_to="products"),
        Column("makes", "list", "forms of the output, where known"),
        Column("accepts", "list", "forms of the input that the plant can take, where known"),
        Column("operator", "text", "who runs it"),
        Column(
            "capacity_t",
            "number",
            "of output; of input for demand and stock build; inf = no limit",
            required=True,
            low=_POSITIVE,
            infinite=True,
        ),
        Column("recovery", "number", "output per input; missing = 1, as for every trade", low=1e-6),
        Column("cost_usd_t", "number", "processing cost per tonne of output"),
        Column("activity_t", "number", "estimated output (input for demand and stock build)", low=_POSITIVE),
        Column("activity_low_t", "number", "5 % bound", low=_POSITIVE),
        Column("activity_high_t", "number", "95 % bound", low=_POSITIVE),
        Column("year", "integer", "of the figure", low=1800, high=2200),
        _REFERENCE,
        _CONFIDENCE,
    ),
    "What a site does: extract, transform, use, hold in stock, or trade (buy, mix and sell one product).",
)
EDGES = Table(
    "edges",
    ("edge",),
    (
        Column("edge", "id", "identifier", required=True),
        Column("source", "ref", "from", required=True, points_to="nodes"),
        Column("target", "ref", "to", required=True, points_to="nodes"),
        Column("product", "ref", "what moves", required=True, points_to="products"),
        Column("mode", "choice", "how", required=True, choices=MODES),
        Column("source_berth", "integer", "berth inside the source strait, else missing"),
        Column("target_berth", "integer", "berth inside the target strait, else missing"),
        Column("distance_km", "number", "length", low=_POSITIVE),
        Column("days", "number", "time", low=_POSITIVE),
        Column("cost_usd_t", "number", "freight per tonne of contained metal", low=_POSITIVE),
        Column(
            "capacity_t",
            "number",
            "most that can move in a year; inf = no limit",
            required=True,
            low=_POSITIVE,
            infinite=True,
        ),
        _REFERENCE,
    ),
    "Links between sites; parallel edges differ by product, mode or berth.",
)
SHIPMENTS = Table(
    "shipments",
    ("shipment",),
    (
        Column("shipment", "id", "identifier", required=True),
        Column("origin", "ref", "the process that sends", required=True, points_to="processes"),
        Column("destination", "ref", "the process that receives", required=True, points_to="processes"),
        Column("product", "ref", "what is sent", required=True, points_to="products"),
        Column("route", "list", "edge ids in order; missing = inside one site"),
        Column("flow_t", "number", "tonnes a year", required=True, low=_POSITIVE),
        Column("flow_low_t", "number", "5 % bound", low=_POSITIVE),
        Column("flow_high_t", "number", "95 % bound", low=_POSITIVE),
        Column("basis", "choice", "reported or estimated", required=True, choices=BASIS),
        _REFERENCE,
    ),
    "Who sends what to whom, by which route.",
)
PRODUCTS = Table(
    "products",
    ("product",),
    (
        Column("product", "id", "identifier", required=True),
        Column("mineral", "text", "the mineral", required=True),
        Column(
            "stage",
            "text",
            "mining, smelting, refining, separation, metal, magnet, ...: the stage that makes it",
            required=True,
        ),
        Column("order", "integer", "position in the chain, from 0", required=True, low=0),
        Column("price_usd_t", "number", "per tonne of contained metal", low=_POSITIVE),
        Column("gross_t_per_t", "number", "gross tonnes shipped per tonne of contained metal", low=_POSITIVE),
        _REFERENCE,
    ),
    "What moves.",
)
COUNTRIES = Table(
    "countries",
    ("country",),
    (
        Column("country", "country", "ISO 3166-1 alpha-3", required=True),
        Column("name", "text", "short English name", required=True),
        Column("region", "text", "UN region"),
        Column("wgi", "number", "mean of the six World Governance Indicators, about -2.5 to 2.5", low=-3, high=3),
        _REFERENCE,
    ),
    "Attributes of countries used by measures.",
)
REFERENCES = Table(
    "references",
    ("reference",),
    (
        Column("reference", "id", "identifier", required=True),
        Column("title", "text", "what it is", required=True),
        Column("publisher", "text", "who published it"),
        Column("date", "text", "year or date"),
        Column("url", "text", "where it can be read"),
        Column("licence", "text", "terms, where known"),
    ),
    "Sources.",
)

TABLES: dict[str, Table] = {
    table.name: table for table in (NODES, OWNERS, PROCESSES, EDGES, SHIPMENTS, PRODUCTS, COUNTRIES, REFERENCES)
}
