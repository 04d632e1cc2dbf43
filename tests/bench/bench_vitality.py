"""What every single failure costs: losses of all sites at once against one cold maximum flow per site.

``python tests/bench/bench_vitality.py [SIZE ...]`` (S and M unless told otherwise; L takes minutes, for the peers)
prints seconds and ratios, all from one run, for the generated networks as one maximum flow with every site split. The
answers are exact whole numbers and must be equal, item by item, to the peers' on all that they solved.

* *floor*: one maximum flow and one pass for strongly connected components; nothing exact can do with less. Laying out
  the residual graph is shown apart. The middle of five runs, as for our losses; peers run once.
* *losses of all sites*: :func:`supplygraph.engine.kernels.vitality.losses` given the maximum flow. Also of all edges,
  and of 60 groups of neighbouring sites (countries), which fail together.
* *igraph*: the graph is built once; for each site its capacity in a ready list becomes 0 and ``maxflow_value`` is
  asked. A random sample of the sites that carry flow is timed and multiplied by their number (the others are given to
  the peer for free).
* *cold*: the same loop with our own compiled maximum flow, the capacities copied and one set to 0.
* *networkx*: ``maximum_flow_value`` (preflow push) with parallel edges added up, on few sites of S (one of M with
  ``--networkx``: a minute).
* *elsewhere*: where the bottleneck is decides which items are easy. With ``--tight``, the losses of all sites of M when
  mines, refineries or everything (all that is dug is used) is short, with the share of items that lose nothing, all, or
  a part.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, NamedTuple

import igraph
import networkx as nx
import numpy as np
from generate import REFINERY, draw, split

from supplygraph.engine.kernels.maxflow import Residual, components, max_flow, residual
from supplygraph.engine.kernels.vitality import losses

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE = "{:<3} {:<58} {:>12} {:>12}"
#: Sites that each peer solves: igraph, cold, networkx.
_SAMPLE = {"S": (300, 300, 20), "S2": (100, 100, 3), "M": (30, 100, 0), "L": (3, 10, 0)}
_COUNTRIES = 60


class Case(NamedTuple):
    """A network, its maximum flow and what each arc carries."""

    sites: int
    edges: int
    layer: np.ndarray
    size: int
    tail: np.ndarray
    head: np.ndarray
    capacity: np.ndarray
    res: Residual
    value: int

    @property
    def flow(self) -> np.ndarray:
        return self.res.cap[self.res.rev[self.res.place]]


def say(size: str, what: str, seconds: float, ratio: str = "") -> None:
    print(_LINE.format(size, what, f"{seconds:.4f}" if seconds < 100 else f"{seconds:.0f}", ratio), flush=True)  # noqa: T201


def timed(run: Callable[[], object], times: int = 1) -> tuple[float, object]:
    """Return the middle of the seconds and the last answer."""
    taken, made = [], None
    for _ in range(times):
        began = time.perf_counter()
        made = run()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken)), made


def solved(size: int, tail: np.ndarray, head: np.ndarray, capacity: np.ndarray) -> tuple[Residual, int]:
    res = residual(size, tail, head, capacity)
    return res, max_flow(res, size - 2, size - 1)


def single(arcs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(len(arcs) + 1), arcs


def case(name: str, tight: str = "") -> Case:
    net = draw(name)
    size, tail, head, capacity = split(net)
    if tight == "mines":
        capacity[tail == size - 2] = capacity[tail == size - 2] * 85 // 100
    if tight == "refineries":
        those = np.flatnonzero(net.layer == REFINERY)
        capacity[those] = capacity[those] * 80 // 100
    res, value = solved(size, tail, head, capacity)
    if tight == "everything":
        ends = (tail == size - 2) | (head == size - 1)
        capacity[ends] = res.cap[res.rev[res.place]][ends]
        res, value = solved(size, tail, head, capacity)
    return Case(len(net.layer), len(net.tail), net.layer, size, tail, head, capacity, res, value)


def ours(name: str, given: Case) -> tuple[np.ndarray, float]:
    """Print our side; return the losses of all sites and the seconds that they took."""
    size, res = given.size, given.res
    laid = [timed(lambda: residual(size, given.tail, given.head, given.capacity)) for _ in range(5)]
    flows = [timed(lambda fresh=fresh: max_flow(fresh, size - 2, size - 1))[0] for _, fresh in laid]
    passed, _ = timed(lambda: components(res), 5)
    floor = float(np.median(flows)) + passed
    say(name, "residual graph laid out", float(np.median([seconds for seconds, _ in laid])))
    say(name, f"floor: maximum flow ({given.value:,}) and components", floor)
    sites, edges = np.arange(given.sites), given.sites + np.arange(given.edges)
    taken, lost = timed(lambda: losses(res, *single(sites), size - 2, size - 1), 5)
    say(name, f"losses of all {len(sites):,} sites", taken, f"{taken / floor:.1f} floors")
    both = taken + floor
    say(name, "maximum flow and losses of all sites", both, f"{both / floor:.1f} floors")
    seconds, _ = timed(lambda: losses(res, *single(edges), size - 2, size - 1), 3)
    say(name, f"losses of all {len(edges):,} edges", seconds, f"{seconds / floor:.1f} floors")
    groups(name, given)
    return np.asarray(lost), taken


def groups(name: str, given: Case) -> None:
    """Countries: neighbouring sites of every layer, a few large and many small ones."""
    weight = 1 / np.arange(1, _COUNTRIES + 1) ** 1.1
    ends = np.cumsum(weight / weight.sum())
    rank = np.concatenate([np.arange(count) / count for count in np.bincount(given.layer)])
    country = np.searchsorted(ends, rank)
    items = [np.flatnonzero(country == number) for number in range(_COUNTRIES)]
    packed = np.cumsum([0, *map(len, items)]), np.concatenate(items)
    seconds, lost = timed(lambda: losses(given.res, *packed, given.size - 2, given.size - 1))
    say(name, f"losses of {_COUNTRIES} countries", seconds)
    some = items if name in {"S", "M"} else items[::20]
    peer, other = timed(lambda: [cold(given, item) for item in some])
    assert [lost[k] for k in range(0, len(items), len(items) // len(some))] == other
    say(name, f"  cold, {len(some)} of them", peer, f"{peer / len(some) * len(items) / seconds:.1f} x, equal")


def cold(given: Case, item: np.ndarray | int) -> int:
    cap = np.zeros_like(given.res.cap)
    cap[given.res.place] = given.capacity
    cap[given.res.place[item]] = 0
    return given.value - max_flow(given.res._replace(cap=cap), given.size - 2, given.size - 1)


def peers(name: str, given: Case, lost: np.ndarray, taken: float, *, slow: bool) -> None:
    carrying = np.flatnonzero(given.flow[: given.sites] > 0)
    sample = np.random.default_rng(1).permutation(carrying)
    many = _SAMPLE[name]
    graph = igraph.Graph(given.size, np.column_stack([given.tail, given.head]), directed=True)
    ready = given.capacity.tolist()

    def by_igraph(site: int) -> int:
        ready[site] = 0
        value = given.value - int(graph.maxflow_value(given.size - 2, given.size - 1, ready))
        ready[site] = int(given.capacity[site])
        return value

    simple = nx.DiGraph()
    few = 1 if slow and name == "M" else many[2]
    if few:
        keys, number = np.unique(given.tail.astype(np.int64) * given.size + given.head, return_inverse=True)
        total = np.bincount(number, given.capacity).astype(np.int64)
        rows = zip((keys // given.size).tolist(), (keys % given.size).tolist(), total.tolist(), strict=True)
        simple.add_weighted_edges_from(rows, weight="capacity")

    def by_networkx(site: int) -> int:
        there = simple[2 * site][2 * site + 1]
        there["capacity"] = 0
        value = given.value - nx.maximum_flow_value(simple, given.size - 2, given.size - 1)
        there["capacity"] = int(given.capacity[site])
        return value

    for what, run, count in (
        ("igraph, maxflow_value site by site", by_igraph, many[0]),
        ("cold, our maximum flow site by site", lambda site: cold(given, site), many[1]),
        ("networkx, maximum_flow_value site by site", by_networkx, few),
    ):
        if not count:
            continue
        seconds, found = timed(lambda run=run, count=count: [run(int(site)) for site in sample[:count]])
        assert found == lost[sample[:count]].tolist(), what
        whole = seconds / count * len(carrying)
        say(name, f"{what}: {count} timed and equal, {len(carrying):,}:", whole, f"{whole / taken:,.0f} x")


def elsewhere(name: str) -> None:
    for tight in ("", "mines", "refineries", "everything"):
        given = case(name, tight)
        ends, items = (given.size - 2, given.size - 1), single(np.arange(given.sites))
        taken, found = timed(lambda given=given, ends=ends, items=items: losses(given.res, *items, *ends), 3)
        lost, flow = np.asarray(found), given.flow[: given.sites]
        none, total = ((lost == 0) & (flow > 0)).sum(), ((lost == flow) & (flow > 0)).sum()
        part = (flow > 0).sum() - none - total
        say(name, f"short: {tight or 'factories':<10}  lose nothing {none:,}, a part {part:,}, all {total:,}", taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=["S", "M"], metavar="SIZE")
    parser.add_argument("--networkx", action="store_true", help="one site of M by networkx too")
    parser.add_argument("--tight", action="store_true", help="M with other bottlenecks")
    asked = parser.parse_args()
    small = case("S")  # compiles
    losses(small.res, *single(np.arange(small.sites)), small.size - 2, small.size - 1)
    components(small.res)
    print(_LINE.format("", "", "seconds", "ratio"))  # noqa: T201
    for name in asked.sizes:
        given = case(name)
        lost, taken = ours(name, given)
        peers(name, given, lost, taken, slow=asked.networkx)
    if asked.tight:
        elsewhere("M")


if __name__ == "__main__":
    main()
