"""What a network knows of its own figures: pairs of sites, activities, national totals, customs records.

Each figure has a value (that of the central network) and a rank of confidence: 0 high, 1 medium, 2 low, 3 none given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from supplygraph.network.schema import LIST_SEPARATOR
from supplygraph.world.closing import EU, EUROPEAN_UNION, OTHER
from supplygraph.world.prior import tokens
from supplygraph.world.trade import DEFAULT_USD_T, THETA_USD_T

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

RANK = {"high": 0, "medium": 1, "low": 2}
UNRANKED = 3
#: Recoveries and shipments of a central network agree to this, or its own ratio is kept.
AGREE = 1e-8
#: The published total of the world.
WORLD = "WLD"


@dataclass(frozen=True)
class Pairs:
    """Pairs of processes between which a product is shipped.

    Attributes
    ----------
    of_shipment
        The pair of each shipment.
    origin, destination
        Positions of processes.
    flow
        Tonnes of the central network.
    product, products
        Number of the product of each pair, and how many there are.
    country_pair, countries
        Number of the product and pair of countries, and how many there are.
    cost_per_theta
        Mean freight of the pair's routes over the spread of freight.
    likeness
        Same operator (0 or 1), overlap of owners' countries, forms unknown, forms that do not fit.
    onsite, reported
        Pairs at one site, and those whose tonnage is published.
    keys
        Columns origin, destination, product, exporter, importer.
    """

    of_shipment: Ints
    origin: Ints
    destination: Ints
    flow: Floats
    product: Ints
    products: int
    country_pair: Ints
    countries: int
    cost_per_theta: Floats
    likeness: Floats
    onsite: Flags
    reported: Flags
    keys: pd.DataFrame


@dataclass(frozen=True)
class Sites:
    """Activities of processes.

    Attributes
    ----------
    quantity
        Activity; where the network gives none although it ships, what it ships.
    given, taken
        Tonnes shipped out, and in, per tonne of activity; 0 where nothing is.
    activity
        As in the table.
    direct
        Whether the quantity is the activity.
    stock
        Whether it is a stock.
    rank
        Confidence.
    """

    quantity: Floats
    given: Floats
    taken: Floats
    activity: Floats
    direct: Flags
    stock: Flags
    rank: Ints


@dataclass(frozen=True)
class Sums:
    """Sums over members that are known by themselves: national totals, country pairs.

    Attributes
    ----------
    member, group
        Which member counts in which group.
    quantity
        Of the central network, per group.
    rank
        Confidence, per group.
    """

    member: Ints
    group: Ints
    quantity: Floats
    rank: Ints


def steps(net: SupplyNetwork) -> tuple[Ints, Ints]:
    """Return every edge on every route: positions of the edge and of the shipment."""
    routes = net.shipments["route"].reset_index(drop=True).dropna()
    legs = routes.str.split(LIST_SEPARATOR).explode()
    edge = net.edges.index.get_indexer(pd.Index(legs))
    return edge.astype(np.int64), legs.index.to_numpy(dtype=np.int64)


def pairs(net: SupplyNetwork) -> Pairs:
    """Return the pairs of a network, with what pulls them together."""
    sent, processes, products = net.shipments, net.processes, net.products
    flow = sent["flow_t"].to_numpy(dtype=float)
    keys = pd.MultiIndex.from_frame(sent[["origin", "destination", "product"]])
    of_shipment, unique = pd.factorize(keys, sort=True)
    frame = unique.to_frame(index=False)
    frame.columns = pd.Index(["origin", "destination", "product"])
    i, j = (processes.index.get_indexer(pd.Index(frame[end])).astype(np.int64) for end in ("origin", "destination"))
    total: Floats = np.bincount(of_shipment, weights=flow, minlength=len(frame)).astype(np.float64)
    edge, shipment = steps(net)
    price = np.nan_to_num(net.edges["cost_usd_t"].to_numpy(dtype=float))
    freight = np.bincount(shipment, weights=price[edge], minlength=len(sent))
    spent = np.bincount(of_shipment, weights=freight * flow, minlength=len(frame))
    gross = products["gross_t_per_t"].to_numpy(dtype=float)
    theta = np.where(gross > 0, THETA_USD_T * gross, DEFAULT_USD_T)
    product = products.index.get_indexer(pd.Index(frame["product"])).astype(np.int64)
    node = processes["node"]
    country = node.map(net.nodes["country"]).fillna("")
    lands = country.to_numpy(dtype=object)
    frame["exporter"], frame["importer"] = lands[i], lands[j]
    both, blocks = pd.factorize(pd.MultiIndex.from_frame(frame[["product", "exporter", "importer"]]), sort=True)
    sites = node.to_numpy(dtype=object)
    reported = sent["basis"].eq("reported").fillna(False).to_numpy(dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        cost = np.where(total > 0, spent / total, 0.0) / theta[product]
    return Pairs(
        of_shipment=of_shipment.astype(np.int64),
        origin=i,
        destination=j,
        flow=total,
        product=product,
        products=len(products),
        country_pair=both.astype(np.int64),
        countries=len(blocks),
        cost_per_theta=cost,
        likeness=_likeness(net, i, j),
        onsite=np.asarray(sites[i] == sites[j], dtype=bool),
        reported=np.bincount(of_shipment, weights=reported, minlength=len(frame)) > 0,
        keys=frame,
    )


def _likeness(net: SupplyNetwork, i: Ints, j: Ints) -> Floats:
    """Return what pulls each pair together, one column each."""
    processes = net.processes
    operator = [tokens(name) for name in processes["operator"]]
    makes, takes = (
        [frozenset(cell.split(LIST_SEPARATOR)) if isinstance(cell, str) and cell else None for cell in processes[side]]
        for side in ("makes", "accepts")
    )
    held: dict[str, dict[str, float]] = {}
    for site, owner, share in net.owners.reset_index()[["node", "owner", "share"]].itertuples(index=False, name=None):
        held.setdefault(site, {})[owner] = share
    owners = [held.get(site, {}) for site in processes["node"]]
    like = np.zeros((len(i), 4))
    for k, (a, b) in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        unknown = makes[a] is None or takes[b] is None
        like[k] = (
            bool(operator[a] & operator[b]),
            sum(min(share, owners[b][land]) for land, share in owners[a].items() if land in owners[b]),
            unknown,
            not unknown and not (makes[a] or frozenset()) & (takes[b] or frozenset()),
        )
    return np.nan_to_num(like)


def sites(net: SupplyNetwork, told: Pairs) -> Sites:
    """Return the activities of a network and what each ships per tonne of it."""
    table = net.processes
    count = len(table)
    out = np.bincount(told.origin, weights=told.flow, minlength=count)
    into = np.bincount(told.destination, weights=told.flow, minlength=count)
    activity = table["activity_t"].to_numpy(dtype=float)
    direct = activity > 0
    quantity = np.where(direct, activity, np.where(out > 0, out, into))
    recovery = np.where(table["role"].eq("transform"), table["recovery"].fillna(1.0), 1.0).astype(float)
    ratio = np.where(quantity > 0, quantity, 1.0)
    given, taken = out / ratio, into / ratio
    given = np.where(np.abs(given - 1.0) <= AGREE, 1.0, given)
    taken = np.where(np.abs(taken * recovery - 1.0) <= AGREE, 1.0 / recovery, taken)
    return Sites(
        quantity=quantity,
        given=given,
        taken=taken,
        activity=activity,
        direct=direct,
        stock=table["role"].eq("stock").to_numpy(dtype=bool),
        rank=ranks(table["confidence"]),
    )


def ranks(confidence: Iterable[object]) -> Ints:
    """Return the rank of each class of confidence.

    Examples
    --------
    >>> ranks(["high", "low", None, "estimated"]).tolist()
    [0, 2, 3, 3]
    """
    return np.array([RANK.get(str(name), UNRANKED) for name in confidence], dtype=np.int64)


def totals(net: SupplyNetwork, known: Sites) -> Sums:
    """Return what each country makes, or uses, of each product, and the world where that is published.

    A total has the confidence of its statistic in ``meta["statistics"]``, and none where there is no such row.
    """
    table = net.processes
    role = table["role"]
    use = role.eq("use")
    product = table["input"].where(use, table["output"])
    place = table["node"].map(net.nodes["country"]).fillna("").to_numpy(dtype=object)
    counted = (role.ne("stock") & product.notna()).to_numpy(dtype=bool) & (known.quantity > 0)
    statistics = _statistics(net)
    member: list[int] = []
    group: list[int] = []
    rank: list[int] = []
    kinds = pd.MultiIndex.from_arrays([product.fillna(""), use])
    for key, at in pd.Series(np.arange(len(table))).groupby(kinds, sort=True):
        name, used = cast("tuple[str, bool]", key)
        inside = np.asarray(at)[counted[np.asarray(at)]]
        rows = statistics.get((name, bool(used)), {})
        keys = _pools(place[inside], set(rows))
        for land in sorted(set(keys.tolist())):
            found = inside[keys == land]
            member += found.tolist()
            group += [len(rank)] * len(found)
            rank.append(rows.get(land, UNRANKED))
        if WORLD in rows and len(inside):
            member += inside.tolist()
            group += [len(rank)] * len(inside)
            rank.append(rows[WORLD])
    return _sums(member, group, rank, known.quantity)


def _statistics(net: SupplyNetwork) -> dict[tuple[str, bool], dict[str, int]]:
    """Return the rank of each published total, by product and use, then by country."""
    told: dict[tuple[str, bool], dict[str, int]] = {}
    for row in net._meta.get("statistics", []):  # noqa: SLF001 - read, not changed
        rank = RANK.get(str(row["confidence"]), UNRANKED) if row["quantity_t"] is not None else UNRANKED
        told.setdefault((row["product"], bool(row["use"])), {})[row["country"]] = rank
    return told


def _pools(place: NDArray[Any], named: set[str]) -> NDArray[Any]:
    """Return the statistic that each site counts in: its country, or what is left of the Union or the world."""
    lands = np.array(sorted(named), dtype=object)
    left = ~np.isin(place.astype(str), lands.astype(str))
    european = left & np.isin(place.astype(str), sorted(EU)) & (EUROPEAN_UNION in named)
    keys = np.where(european, EUROPEAN_UNION, np.where(left & (OTHER in named), OTHER, place))
    return np.asarray(keys, dtype=object)


def blocks(net: SupplyNetwork, told: Pairs) -> Sums:
    """Return what customs records and published links say of pairs of countries."""
    member: list[int] = []
    group: list[int] = []
    rank: list[int] = []
    for row in net._meta.get("bands", []):  # noqa: SLF001 - read, not changed
        found = between(told, row["product"], row["exporter"], row["importer"])
        if len(found):
            member += found.tolist()
            group += [len(rank)] * len(found)
            rank.append(RANK.get(str(row["confidence"]), UNRANKED))
    return _sums(member, group, rank, told.flow)


def between(told: Pairs, product: str, exporter: str, importer: str) -> Ints:
    """Return the pairs that ship a product from one country, or the European Union, to another."""
    keys = told.keys
    ends = [
        keys[end].isin(sorted(EU)) if country == EUROPEAN_UNION else keys[end].eq(country)
        for end, country in (("exporter", exporter), ("importer", importer))
    ]
    return np.flatnonzero(keys["product"].eq(product) & ends[0] & ends[1] & (told.flow > 0)).astype(np.int64)


def _sums(member: list[int], group: list[int], rank: list[int], quantity: Floats) -> Sums:
    at, of = np.array(member, dtype=np.int64), np.array(group, dtype=np.int64)
    total: Floats = np.bincount(of, weights=quantity[at], minlength=len(rank)).astype(np.float64)
    return Sums(at, of, total, np.array(rank, dtype=np.int64))
