"""One draw of a network: quantities, flows and ports that are compatible with what is known, all balances closed.

What varies is written in `Noise`. The draw is the nearest balanced network to perturbed figures, each giving way as
much as its confidence allows (see `reconcile`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from supplygraph.errors import DataError, Problem
from supplygraph.network.network import _restore
from supplygraph.world import knowledge
from supplygraph.world.reconcile import Reconciler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.world.knowledge import Ints

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """How much varies, as standard deviations of logarithms unless said otherwise.

    Attributes
    ----------
    quantity
        By confidence class, for activities, national totals, customs records and published links; the last is for
        figures that give none.
    pair, block
        The estimate of one pair of sites, and of one pair of countries with each product, for pairs that are small for
        both ends; less for others, by what share they have of an end.
    diffuse
        Share of the trade that neither freight nor relations explain: it joins every pair that trades at all, by the
        tonnes at both ends. The absolute value of a normal draw.
    theta
        Least and largest factor on the spread of freight, drawn evenly on a logarithmic scale.
    operator, owner, form, misfit
        Strength of what pulls a pair together: the same operator, shared owner countries (per unit of overlap), forms
        that are not known, and forms that do not fit.
    routes, port
        The power to which the shares of a pair's routes are raised, and the draw of each port.
    stock, flow
        How far stocks and shipments give way: stocks take up what statistics disagree on, and shipments follow what is
        known of sites and countries. Everything else gives way as much as it is uncertain.
    """

    quantity: tuple[float, float, float, float] = (0.05, 0.15, 0.35, 0.5)
    pair: float = 0.5
    block: float = 2.0
    diffuse: float = 0.3
    theta: tuple[float, float] = (1 / 3, 8 / 3)
    operator: float = 0.7
    owner: float = 1.0
    form: float = 0.5
    misfit: float = 1.4
    routes: float = 0.4
    port: float = 0.5
    stock: float = 1.0
    flow: float = 1.0


#: What the bundled networks are drawn with; `data/README.md` says what it was chosen on.
NOISE = Noise()
#: No noise at all: draws are the central network.
NONE = Noise((0.0, 0.0, 0.0, 0.0), 0.0, 0.0, 0.0, (1.0, 1.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

#: No pair gains or loses more than this power of e by freight and relations.
_FAR = 30.0
#: Rounds of taking means off rows and columns.
_CENTRED = 40


class Drawing:
    """What does not depend on the draw, laid out once per network.

    Parameters
    ----------
    net
        The central network, with shipments.
    noise
        What varies, and how much.

    Raises
    ------
    DataError
        If the network has no shipments.
    """

    def __init__(self, net: SupplyNetwork, noise: Noise = NOISE) -> None:
        if not len(net.shipments) or not (net.shipments["flow_t"] > 0).any():
            remedy = "Build it with shipments, or load a bundled one."
            raise DataError("nothing to draw from", [Problem("shipments", "the network ships nothing.", remedy)])
        self.net, self.noise = net, noise
        self._processes, self._shipments = net.processes, net.shipments
        for table, stem in ((self._processes, "activity"), (self._shipments, "flow")):
            table[[f"{stem}_low_t", f"{stem}_high_t"]] = np.nan  # they belong to the central network
        self.pairs = knowledge.pairs(net)
        self.sites = knowledge.sites(net, self.pairs)
        self.totals = knowledge.totals(net, self.sites)
        self.blocks = knowledge.blocks(net, self.pairs)
        self._features = _interaction(self.pairs)
        self._stray, self._minor = _stray(self.pairs), _minor(self.pairs)
        self._routes = _Routes.of(net, self.pairs)
        self._limits = _Limits.of(net)
        self._lay_out()

    def _lay_out(self) -> None:
        """Stack what varies: pairs, sites, totals, blocks; and the balances between them."""
        pairs, sites, totals, blocks = self.pairs, self.sites, self.totals, self.blocks
        count = len(sites.quantity)
        live = pairs.flow > 0
        rows, columns, data = [], [], []

        def entries(row: Any, column: Any, value: Any) -> None:
            rows.append(np.asarray(row))
            columns.append(np.asarray(column))
            data.append(np.broadcast_to(np.asarray(value, dtype=float), len(rows[-1])))

        at = np.arange(len(pairs.flow))
        entries(at[live], pairs.origin[live], 1.0)
        entries(at[live], count + pairs.destination[live], 1.0)
        entries(blocks.member, 2 * count + len(totals.quantity) + blocks.group, 1.0)
        first = len(at)
        for side, given in ((0, sites.given), (count, sites.taken)):
            has = np.flatnonzero(given > 0)
            entries(first + has, side + has, -given[has])
        entries(first + totals.member, 2 * count + totals.group, 1.0)
        first += count
        for quantity, start in ((totals.quantity, 2 * count), (blocks.quantity, 2 * count + len(totals.quantity))):
            every = np.arange(len(quantity))
            entries(first + every, start + every, -1.0)
            first += len(every)
        shape = (first, 2 * count + len(totals.quantity) + len(blocks.quantity))
        where = (np.concatenate(rows), np.concatenate(columns))
        self.matrix = sp.csr_matrix((np.concatenate(data), where), shape=shape)
        self._reconciler = Reconciler(self.matrix)
        self._base = np.concatenate([pairs.flow, sites.quantity, totals.quantity, blocks.quantity])
        known = np.array(self.noise.quantity)
        self._noise = [known[sites.rank], known[totals.rank], known[blocks.rank]]
        self._noise[0] = np.where(sites.stock, 0.0, self._noise[0])
        least = np.array(Noise.quantity)  # how far a figure gives way does not depend on how much is drawn
        self._spread = np.concatenate(
            [
                np.where(pairs.reported, least[0], self.noise.flow),
                np.where(sites.stock, self.noise.stock, least[sites.rank]),
                least[totals.rank],
                least[blocks.rank],
            ]
        )

    def numbers(self, seed: int, number: int) -> tuple[Floats, Floats]:
        """Return the tonnes of every shipment and the activity of every process in one draw."""
        rng = np.random.default_rng([seed, number])
        count, sites = len(self.pairs.flow), self.sites
        quantities = [rng.standard_normal(len(noise)) * noise for noise in self._noise]
        pull = self._pull(rng)
        base = self._base * np.exp(np.concatenate([pull, *quantities]))
        found = self._reconciler.solve(base, self._spread).value
        flow = self._routes.flows(found[:count], rng, self.noise)
        made = found[count : count + len(sites.quantity)]
        with np.errstate(invalid="ignore", divide="ignore"):
            grown = np.where(sites.quantity > 0, made / sites.quantity, 1.0)
        return flow, np.where(sites.direct, made, sites.activity * grown)

    def _pull(self, rng: np.random.Generator) -> Floats:
        """Draw the logarithm of what each pair of sites gains or loses before the balances close."""
        pairs, noise = self.pairs, self.noise
        low, high = np.log(noise.theta[0]), np.log(noise.theta[1])
        theta = np.exp(low + (high - low) * rng.random(pairs.products))[pairs.product]
        pull = self._features[:, 0] * (1.0 - 1.0 / theta)
        strength = np.array([noise.operator, noise.owner, noise.form, noise.misfit])
        pull += (self._features[:, 1:] * (rng.standard_normal(4) * strength)).sum(axis=1)
        loose = noise.pair * rng.standard_normal(len(pull))
        loose += (noise.block * rng.standard_normal(pairs.countries))[pairs.country_pair]
        loose *= self._minor
        plain = np.exp(np.clip(pull, -_FAR, _FAR))
        stray = noise.diffuse * np.abs(rng.standard_normal(pairs.products))[pairs.product]
        pull = np.log((plain + stray * self._stray) / (1.0 + stray))
        tight = noise.quantity[0] * rng.standard_normal(len(pull))
        pull = np.where(pairs.onsite, pull, pull + loose)
        # how much is made of a product is not for its flows to say
        before, after = (
            np.bincount(pairs.product, weights=flow, minlength=pairs.products)
            for flow in (pairs.flow, pairs.flow * np.exp(pull))
        )
        pull += np.log(np.where(after > 0, before, 1.0) / np.where(after > 0, after, 1.0))[pairs.product]
        return np.where(pairs.reported, tight, pull)

    def draw(self, seed: int, number: int) -> SupplyNetwork:
        """Return one draw as a network of its own."""
        flow, activity = self.numbers(seed, number)
        tables = dict(self.net._tables)  # noqa: SLF001 - a frame may be shared: no network changes its own
        processes, shipments = self._processes.copy(), self._shipments.copy()
        capacity = processes["capacity_t"].to_numpy(dtype=float)
        # What a plant could make is as uncertain as what it makes: its spare stays the same share. Raised only where
        # a draw needs it, capacity would grow on the whole, and every loss would come out too small.
        before = self._processes["activity_t"].to_numpy(dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            grown = np.where((before > 0) & np.isfinite(capacity), capacity / before * activity, capacity)
        processes["activity_t"] = activity
        processes["capacity_t"] = np.fmax(grown, np.where(np.isnan(capacity), np.nan, activity))
        shipments["flow_t"] = flow
        tables |= {"processes": processes, "shipments": shipments} | self._limits.raised(flow)
        meta = self.net._meta | {"draw": {"seed": seed, "number": number}}  # noqa: SLF001 - as above
        return _restore(tables, meta)


def _interaction(pairs: knowledge.Pairs) -> Floats:
    """Return freight and likeness of each pair less what its two ends have on average.

    What an origin or a destination has in common over all its pairs is taken up by its balance anyway; without it,
    flows start near their balances and say nothing on how much a site makes.
    """
    features = np.column_stack([pairs.cost_per_theta, pairs.likeness])
    for feature in range(features.shape[1]):
        values = features[:, feature]
        for end in _CENTRED * (pairs.origin, pairs.destination):
            total = np.bincount(end, weights=pairs.flow)
            mean = np.bincount(end, weights=pairs.flow * values) / np.where(total > 0, total, 1.0)
            values = values - mean[end]
        features[:, feature] = values
    return features


def _stray(pairs: knowledge.Pairs) -> Floats:
    """Return what each pair would ship if only the tonnes at its ends counted, over what it ships."""
    out, into, every = (np.bincount(at, weights=pairs.flow) for at in (pairs.origin, pairs.destination, pairs.product))
    # a process makes and takes one product each, so its flows out, or in, are all of that product
    blind: Floats = np.asarray(out[pairs.origin] * into[pairs.destination], dtype=np.float64)
    total = np.bincount(pairs.product, weights=blind)[pairs.product]
    blind = blind * every[pairs.product] / np.where(total > 0, total, 1.0)
    return np.where(pairs.flow > 0, blind / np.where(pairs.flow > 0, pairs.flow, 1.0), 0.0)


def _minor(pairs: knowledge.Pairs) -> Floats:
    """Return how free each pair is: one less the share that its country pair has of either end.

    What has nearly all of an end moves only as the rest does: its odds vary, not its tonnes. Drawn alike, many small
    pairs would on average grow at the cost of the large ones.
    """
    keys = pairs.keys
    both = np.bincount(pairs.country_pair, weights=pairs.flow)[pairs.country_pair]
    share: Floats = np.zeros(len(pairs.flow))
    for end in ("exporter", "importer"):
        group = keys.groupby(["product", end], sort=True).ngroup().to_numpy()
        total = np.bincount(group, weights=pairs.flow)[group]
        share = np.maximum(share, both / np.where(total > 0, total, np.inf))
    return np.asarray(1.0 - np.minimum(share, 1.0))


@dataclass(frozen=True)
class _Routes:
    """Shipments as routes of pairs, and the ports on them."""

    pair: Ints
    log_share: Floats
    ports: sp.csr_matrix
    count: int

    @classmethod
    def of(cls, net: SupplyNetwork, pairs: knowledge.Pairs) -> _Routes:
        flow = net.shipments["flow_t"].to_numpy(dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.log(flow / pairs.flow[pairs.of_shipment])
        share = np.where(flow > 0, share, -np.inf)
        step, shipment = knowledge.steps(net)
        places = pd.Index(net.nodes.index[net.nodes["kind"] == "port"])
        edges = net.edges
        touched = []
        for side in ("source", "target"):
            port = places.get_indexer(pd.Index(edges[side]))[step]
            touched.append(np.stack([shipment[port >= 0], port[port >= 0]]))
        cells = np.unique(np.concatenate(touched, axis=1), axis=1)
        ones = np.ones(cells.shape[1])
        matrix = sp.csr_matrix((ones, (cells[0], cells[1])), shape=(len(flow), len(places)))
        return cls(pairs.of_shipment, share, matrix, len(pairs.flow))

    def flows(self, pair_flow: Floats, rng: np.random.Generator, noise: Noise) -> Floats:
        """Split the tonnes of each pair over its routes anew."""
        power = np.exp(noise.routes * rng.standard_normal())
        weight = power * self.log_share + self.ports @ (noise.port * rng.standard_normal(self.ports.shape[1]))
        top = np.full(self.count, -np.inf)
        np.maximum.at(top, self.pair, weight)
        part = np.exp(weight - np.where(np.isfinite(top), top, 0.0)[self.pair])
        total = np.bincount(self.pair, weights=part, minlength=self.count)
        share = part / np.where(total > 0, total, 1.0)[self.pair]
        return np.asarray(pair_flow[self.pair] * share)


@dataclass(frozen=True)
class _Limits:
    """Edges and sites with a finite limit, which a draw may not break."""

    edges: pd.DataFrame
    nodes: pd.DataFrame
    on_edge: sp.csr_matrix | None
    at_node: sp.csr_matrix | None

    @classmethod
    def of(cls, net: SupplyNetwork) -> _Limits:
        edges, nodes, count = net.edges, net.nodes, len(net.shipments)
        step, shipment = knowledge.steps(net)
        on_edge = at_node = None
        if np.isfinite(edges["capacity_t"]).any():
            on_edge = _incidence(step, shipment, (len(edges), count))
        if np.isfinite(nodes["throughput_t"]).any():
            site = net.processes["node"]
            both = [pd.Index(site.loc[net.shipments[end]]) for end in ("origin", "destination")]
            ends = [nodes.index.get_indexer(at) for at in both]
            ways = [nodes.index.get_indexer(pd.Index(edges[side]))[step] for side in ("source", "target")]
            every = np.arange(count)
            at_node = _incidence(
                np.concatenate([*ends, *ways]), np.concatenate([every, every, shipment, shipment]), (len(nodes), count)
            )
        return cls(edges, nodes, on_edge, at_node)

    def raised(self, flow: Floats) -> dict[str, pd.DataFrame]:
        """Return the tables whose limits had to be raised."""
        told = {}
        for name, table, column, through in (
            ("edges", self.edges, "capacity_t", self.on_edge),
            ("nodes", self.nodes, "throughput_t", self.at_node),
        ):
            if through is None:
                continue
            limit, load = table[column].to_numpy(dtype=float), through @ flow
            if (load > limit).any():
                told[name] = table.assign(**{column: np.where(load > limit, load, limit)})
        return told


def _incidence(row: Any, column: Any, shape: tuple[int, int]) -> sp.csr_matrix:
    """Return which shipment touches what, each once."""
    cells = np.unique(np.stack([row, column]), axis=1)
    return sp.csr_matrix((np.ones(cells.shape[1]), (cells[0], cells[1])), shape=shape)
