"""A network as markets and activities: who makes, ships and uses how much of what, in which country."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from supplygraph.engine.expanded import EXTRACT, STOCK, TRANSFORM, USE, expand, tally
from supplygraph.engine.ways import calm_ways

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.engine.expanded import Expanded
    from supplygraph.network.network import SupplyNetwork

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

#: Sites without a country share one market for each product.
UNKNOWN = "OTH"
#: Kilometres that one degree of a great circle spans.
_EARTH_KM = 6371.0


class Makers(NamedTuple):
    """Processes that make something, one place each.

    ``process`` and ``node`` are ids; ``takes`` (-1 = out of the ground) and ``gives`` are markets; ``output`` and
    ``capacity`` in t/yr; ``recovery`` is output per input; ``cost`` is the sourced cost beside the input, USD per t of
    output (NaN = none known), with its interval; ``project`` tells plants that do not stand yet.
    """

    process: NDArray[np.object_]
    node: NDArray[np.object_]
    name: NDArray[np.object_]
    takes: Ints
    gives: Ints
    output: Floats
    capacity: Floats
    recovery: Floats
    cost: Floats
    cost_low: Floats
    cost_high: Floats
    project: Bools


class Uses(NamedTuple):
    """Final use, by market: ``market`` and ``taken`` in t/yr."""

    market: Ints
    taken: Floats


class Stocks(NamedTuple):
    """Stock moves that stay as they are: ``market`` and ``net`` in t/yr (taken out of the market, less released)."""

    market: Ints
    net: Floats


class Links(NamedTuple):
    """Pairs of markets of one product: ``source``, ``target``, ``flow`` in t/yr, ``freight`` in USD/t.

    ``routed`` tells whether freight is that of a route of the network; else it is what distance explains.
    """

    source: Ints
    target: Ints
    flow: Floats
    freight: Floats
    routed: Bools


@dataclass(frozen=True, eq=False)
class Base:
    """The baseline of a network as markets and activities; markets are sorted by product, then country.

    ``handled`` is what passes each market in t/yr: made there, imported or released.
    """

    products: pd.Index[str]
    country: NDArray[np.object_]
    product: Ints
    makers: Makers
    uses: Uses
    stocks: Stocks
    links: Links
    handled: Floats

    @property
    def markets(self) -> int:
        """How many markets there are."""
        return len(self.product)

    @property
    def key(self) -> pd.MultiIndex:
        """(country, product) of every market."""
        return pd.MultiIndex.from_arrays(
            [pd.Index(self.country, dtype="str"), self.products[self.product]], names=["country", "product"]
        )

    def market(self, country: str, product: int) -> int:
        """Return the number of a market, -1 if there is none."""
        found = np.flatnonzero((self.product == product) & (self.country == country))
        return int(found[0]) if len(found) else -1


def read(net: SupplyNetwork, projects: pd.DataFrame | None = None) -> Base:
    """Return the baseline of a network.

    Quantities are sums of shipments, so that every market balances exactly. Sites of unknown country share the
    market ``OTH``; what moves inside a country pays no freight of its own.

    Raises
    ------
    DataError
        If the network ships nothing.
    """
    graph = expand(net)
    codes = np.where(graph.country >= 0, np.append(graph.countries.to_numpy(dtype=object), UNKNOWN)[graph.country],
                     UNKNOWN)  # fmt: skip
    at = codes[graph.at]
    count = len(graph.processes)
    given = tally(graph.ship_origin, graph.ship_flow, count)
    taken = tally(graph.ship_destination, graph.ship_flow, count)
    pairs = [(graph.takes, at), (graph.gives, at)]
    extra = _project_markets(graph, projects)
    keys = pd.MultiIndex.from_arrays([
        np.concatenate([part[part >= 0] for part, _ in pairs] + [extra[0]]),
        np.concatenate([code[part >= 0] for part, code in pairs] + [extra[1]]),
    ]).unique().sort_values()  # fmt: skip
    takes, gives = (_place(keys, part, at) for part in (graph.takes, graph.gives))
    makers = _makers(net, graph, (takes, gives), (taken, given))
    if projects is not None and len(projects):
        makers = _with_projects(makers, projects, keys, graph.products)
    uses = _sums(takes, taken, (graph.role == USE) & (taken > 0))
    moves = graph.role == STOCK
    build, release = _sums(takes, taken, moves & (takes >= 0)), _sums(gives, given, moves & (gives >= 0))
    net_moves = tally(build.market, build.taken, len(keys)) - tally(release.market, release.taken, len(keys))
    stocked = np.flatnonzero(net_moves)
    product = keys.get_level_values(0).to_numpy().astype(np.int64)
    country = keys.get_level_values(1).to_numpy(dtype=object)
    links = _links(net, graph, keys, at)
    handled = tally(makers.gives, makers.output, len(keys)) + tally(links.target, links.flow, len(keys))
    handled += np.maximum(-net_moves, 0.0)
    return Base(graph.products, country, product, makers, Uses(uses.market, uses.taken),
                Stocks(stocked, net_moves[stocked]), links, handled)  # fmt: skip


def _place(keys: pd.MultiIndex, product: Ints, country: NDArray[np.object_]) -> Ints:
    found = keys.get_indexer(pd.MultiIndex.from_arrays([product, country]))
    return np.where(product >= 0, found, -1).astype(np.int64)


def _sums(market: Ints, amount: Floats, chosen: Bools) -> Uses:
    """Sum amounts by market."""
    places, back = np.unique(market[chosen], return_inverse=True)
    return Uses(places.astype(np.int64), tally(back, amount[chosen], len(places)))


def _makers(net: SupplyNetwork, graph: Expanded, at: tuple[Ints, Ints], moved: tuple[Floats, Floats]) -> Makers:
    """Return what makes something; what only hands on (a trader) stays inside its market."""
    (takes, gives), (taken, given) = at, moved
    makes = ((graph.role == EXTRACT) | (graph.role == TRANSFORM)) & (gives >= 0) & (takes != gives)
    rows = np.flatnonzero(makes)
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = given[rows] / taken[rows]
    recovery = np.where(np.isfinite(exact) & (exact > 0), exact, graph.recovery[rows])
    node = graph.nodes.to_numpy(dtype=object)[graph.at[rows]]  # noqa: PD008 - an array
    cost = net.processes["cost_usd_t"].to_numpy(dtype=np.float64)[rows]
    capacity = np.where(np.isnan(graph.limit[rows]), np.inf, graph.limit[rows])
    return Makers(
        graph.processes.to_numpy(dtype=object)[rows], node, net.nodes["name"].loc[node].to_numpy(dtype=object),
        takes[rows], gives[rows], given[rows], np.maximum(capacity, given[rows]), recovery, cost, cost, cost,
        np.zeros(len(rows), dtype=np.bool_),
    )  # fmt: skip


def _project_markets(graph: Expanded, projects: pd.DataFrame | None) -> tuple[Ints, NDArray[np.object_]]:
    """Return product and country of the markets that projects buy and sell in."""
    if projects is None or not len(projects):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
    country = projects["country"].to_numpy(dtype=object)
    sold = graph.products.get_indexer(pd.Index(projects["product"]))
    bought = graph.products.get_indexer(pd.Index(projects["input"]))
    places = np.concatenate([sold, bought])
    codes = np.concatenate([country, country])
    return places[places >= 0].astype(np.int64), codes[places >= 0]


def _with_projects(makers: Makers, projects: pd.DataFrame, keys: pd.MultiIndex, products: pd.Index) -> Makers:
    """Append plants that do not stand yet: they make nothing today."""
    country = projects["country"].to_numpy(dtype=object)
    sold, bought = (
        products.get_indexer(pd.Index(projects[column])).astype(np.int64) for column in ("product", "input")
    )
    ids = projects.index.to_numpy(dtype=object)
    capacity, recovery, cost, low, high = (
        projects[column].to_numpy(dtype=np.float64)
        for column in ("capacity_t", "recovery", "cost_usd_t", "cost_low_usd_t", "cost_high_usd_t")
    )
    fresh = Makers(
        ids, ids, projects["name"].to_numpy(dtype=object), _place(keys, bought, country), _place(keys, sold, country),
        np.zeros(len(projects)), capacity, recovery, cost, low, high, np.ones(len(projects), dtype=np.bool_),
    )  # fmt: skip
    return Makers(*(np.concatenate([old, new]) for old, new in zip(makers, fresh, strict=True)))


def _links(net: SupplyNetwork, graph: Expanded, keys: pd.MultiIndex, at: NDArray[np.object_]) -> Links:
    """Return every ordered pair of markets of a product, with today's flow and freight."""
    product = keys.get_level_values(0).to_numpy()
    pairs = [
        np.array(np.meshgrid(rows, rows, indexing="ij")).reshape(2, -1)
        for rows in (np.flatnonzero(product == one) for one in np.unique(product))
    ]
    source, target = np.concatenate(pairs, axis=1) if pairs else np.zeros((2, 0), dtype=np.int64)
    apart = source != target
    source, target = source[apart], target[apart]
    size = len(keys)
    place = source * size + target  # sorted, since products own blocks of markets
    sends, gets = (
        _place(keys, graph.ship_product, at[ends]) for ends in (graph.ship_origin, graph.ship_destination)
    )
    steps = np.diff(graph.ship_ptr)
    paid = tally(np.repeat(np.arange(len(steps)), steps), graph.cost[graph.ship_edge], len(steps))
    abroad = sends != gets
    order = np.argsort(place)
    row = order[np.searchsorted(place[order], (sends * size + gets)[abroad])]
    flow = tally(row, graph.ship_flow[abroad], len(place))
    spent = tally(row, (graph.ship_flow * paid)[abroad], len(place))
    least = _cheapest(graph, keys, at, size)[source, target]
    with np.errstate(invalid="ignore", divide="ignore"):
        freight = np.where(flow > 0, spent / flow, least)
    routed = np.isfinite(freight)
    return Links(source, target, flow, _filled(net, keys, (source, target), freight), routed)


def _cheapest(graph: Expanded, keys: pd.MultiIndex, at: NDArray[np.object_], size: int) -> Floats:
    """Return the cheapest freight between markets over routes of the network; ``inf`` = none."""
    least = np.full((size, size), np.inf)
    for product in range(len(graph.products)):
        ways = calm_ways(graph, product)
        if not ways.routes.weight.size:
            continue
        rows = _place(keys, np.full(len(ways.origins), product), at[ways.origins])
        columns = _place(keys, np.full(len(ways.destinations), product), at[ways.destinations])
        np.minimum.at(least, (rows[:, None], columns[None, :]), ways.routes.weight)
    return least


def _filled(net: SupplyNetwork, keys: pd.MultiIndex, pair: tuple[Ints, Ints], freight: Floats) -> Floats:
    """Fill freight of pairs without a route with what distance explains among pairs that have one."""
    product = keys.get_level_values(0).to_numpy()[pair[0]]
    km = _kilometres(net, keys, pair)
    filled = freight.copy()
    for one in np.unique(product):
        here = product == one
        known = here & np.isfinite(freight) & np.isfinite(km)
        missing = here & ~np.isfinite(freight)
        if not missing.any():
            continue
        if known.sum() >= 3:
            matrix = np.column_stack([np.ones(int(known.sum())), km[known]])
            fixed, per_km = np.linalg.lstsq(matrix, freight[known], rcond=None)[0]
            usual = float(np.median(freight[known]))
            guess = np.where(np.isfinite(km), fixed + max(per_km, 0.0) * km, usual)
            filled[missing] = np.maximum(guess[missing], float(freight[known].min()))
        else:
            finite = freight[here & np.isfinite(freight)]
            filled[missing] = float(np.median(finite)) if len(finite) else 0.0
    return filled


def _kilometres(net: SupplyNetwork, keys: pd.MultiIndex, pair: tuple[Ints, Ints]) -> Floats:
    """Return great-circle distance between the mean places of the sites of two countries; NaN where unknown."""
    sites = net.nodes[["country", "lon", "lat"]].assign(country=net.nodes["country"].astype(object).fillna(UNKNOWN))
    centre = sites.groupby("country", sort=True)[["lon", "lat"]].mean()
    centre = centre.drop(index=UNKNOWN, errors="ignore").reindex(keys.get_level_values(1))
    lon, lat = np.radians(centre["lon"].to_numpy()), np.radians(centre["lat"].to_numpy())
    one, other = pair
    half = np.sin((lat[other] - lat[one]) / 2) ** 2
    half = half + np.cos(lat[one]) * np.cos(lat[other]) * np.sin((lon[other] - lon[one]) / 2) ** 2
    return np.asarray(2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))), dtype=np.float64)
