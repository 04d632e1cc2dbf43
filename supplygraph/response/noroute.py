"""Why there is no route: the smallest set of closed things that cuts a target off, or what was never linked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from supplygraph.engine.chainfinder import Finder, Prices
from supplygraph.engine.expanded import TRANSFORM
from supplygraph.engine.kroutes import least_cause
from supplygraph.response.chains import MarkList, Names

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Bools, Expanded, Ints
    from supplygraph.network.network import SupplyNetwork

_SHOWN = 4


@dataclass(frozen=True, eq=False)
class NoRoute:
    """The proof that nothing gets through.

    Attributes
    ----------
    table
        One row per member of the cut: ``item`` (country, site, plant, or the edges of a link joined by ``;``),
        ``kind`` (``avoid``, ``rule``, ``unnamed``, ``no capacity``) and ``name``. With just these closed nothing gets
        through; with any one of them open something does. Empty where nothing is closed: the network
        itself has no way, and the words say what is not there.
    reached
        Sites that the source's goods still reach.
    reason
        The proof in words.
    """

    table: pd.DataFrame
    reached: tuple[str, ...]
    reason: str

    def words(self) -> str:
        """Return the proof in words."""
        return self.reason


@dataclass(frozen=True, eq=False)
class Closed:
    """Everything that is closed, item by item; in the order in which it is blamed last."""

    marks: MarkList
    items: tuple[str, ...]
    kinds: tuple[str, ...]
    arc: Bools
    node: Bools
    process: Bools


def closed(
    net: SupplyNetwork, graph: Expanded, unnamed: Bools, barred: Bools, tier: str | None,
    avoid: tuple[tuple[str, Ints], ...],
) -> Closed:
    """Collect what may not be used: no capacity, unnamed rests, what the rule bars, what is avoided."""
    names, marks = Names(net), MarkList()
    items: list[str] = []
    kinds: list[str] = []
    arc, node, process = graph.capacity <= 0, graph.throughput <= 0, graph.limit <= 0

    def add(kind: str, item: str, words: str, **members: Ints) -> None:
        marks.add(words, **members)
        items.append(item)
        kinds.append(kind)

    ends = graph.source * len(graph.vertex_node) + graph.target
    shut = np.unique(ends[arc])
    for end in shut[~np.isin(shut, ends[~arc])]:  # a parallel edge that is open keeps the link
        arcs = np.flatnonzero(ends == end)
        tail, head = (str(graph.nodes[graph.vertex_node[side[arcs[0]]]]) for side in (graph.source, graph.target))
        label = ";".join(graph.edges[arcs])
        add("no capacity", label, f"the link {names(tail)} – {names(head)} (no capacity)", arcs=arcs)
    for place in np.flatnonzero(node).tolist():
        label = str(graph.nodes[place])
        add("no capacity", label, f"{names(label)} (no throughput)", nodes=np.array([place]))
    for place in np.flatnonzero(process).tolist():
        label = str(graph.processes[place])
        add("no capacity", label, f"{label} (no capacity)", processes=np.array([place]))
    for place in np.flatnonzero(unnamed).tolist():
        label = str(graph.processes[place])
        add("unnamed", label, f"{names(label)} (an unnamed rest, left out)", processes=np.array([place]))
    home = graph.country[graph.at]
    for code in np.unique(home[barred]):
        label = str(graph.countries[code]) if code >= 0 else "unknown"
        where = f"plants in {names(label)}" if code >= 0 else "plants of unknown country"
        add("rule", label, f"{where} (not {tier} or better)", processes=np.flatnonzero(barred & (home == code)))
    for label, places in avoid:
        add("avoid", label, f"{names(label)} (avoided)", nodes=places)
        node = node | np.isin(np.arange(len(node)), places)
    return Closed(marks, tuple(items), tuple(kinds), arc, node, process | unnamed | barred)


class Inquest:
    """Finds out why there is no route; one for each product delivered."""

    def __init__(self, net: SupplyNetwork, graph: Expanded, what: Closed, starts: Ints, product: int) -> None:
        self._graph, self._closed, self._names = graph, what, Names(net)
        self._marks = what.marks.done()
        self._product = product
        self._net = net
        ones = np.ones(len(graph.processes))
        steps = Prices(np.ones(len(graph.edges)), np.zeros_like(ones), ones)
        self._finder = Finder(
            graph, steps, starts, product, self._marks.marks, open_arc=ones_like(graph.capacity),
            open_node=ones_like(graph.throughput), open_process=ones_like(graph.limit),
        )  # fmt: skip

    def __call__(self, targets: Ints) -> NoRoute:
        """Return the proof for some targets of which none can be reached."""
        every = list(range(len(self._marks.words)))
        cause = least_cause(self._finder, targets, every) or []
        kinds = [self._closed.kinds[mark] for mark in cause]
        table = pd.DataFrame({
            "item": [self._closed.items[mark] for mark in cause], "kind": kinds,
            "name": [self._marks.words[mark] for mark in cause],
        }, dtype="str")  # fmt: skip
        reached = self._reached(every)
        if cause:
            said = [self._marks.words[mark] for mark in cause[:_SHOWN]]
            more = f" and {len(cause) - _SHOWN} more" if len(cause) > _SHOWN else ""
            joint = "every route needs" if len(cause) == 1 else "every route needs one of"
            return NoRoute(table, reached, f"{joint}: {', '.join(said)}{more}")
        return NoRoute(table, reached, self._never(targets))

    def _reached(self, shut: list[int]) -> tuple[str, ...]:
        found = self._finder.search(sum(1 << mark for mark in shut))
        return tuple(str(node) for node in self._graph.nodes[found.reached(self._graph)])

    def _never(self, targets: Ints) -> str:
        """Say what is not there even with everything open."""
        graph = self._graph
        product = str(graph.products[self._product])
        where = self._names(str(graph.nodes[int(graph.at[targets].min())]))  # noqa: PD008 - an array
        origins, takers, possible = graph.pairs(self._product)
        if not len(origins):
            return f"nothing in this network makes {product}"
        if self._product not in becomes(graph, self._finder.starts):
            return f"nothing that the source gives ever becomes {product}"
        fit = possible[:, np.isin(takers, targets)].any(axis=1)
        if not fit.any():
            return f"none of the {len(origins)} plants that make {product} makes it in a form that {where} takes"
        ends = np.isin(graph.target, graph.takes_at[targets])
        if not ends.any() and not np.isin(graph.gives_at[origins[fit]], graph.takes_at[targets]).any():
            return f"no edge brings {product} to {where}"
        begun = np.isfinite(self._finder.search().value)
        first = self._finder.starts
        made = [p for p in origins[fit] if begun[p] or p in first]
        if not made:
            return f"no way leads from the source to any of the {int(fit.sum())} plants whose {product} {where} takes"
        return f"no way leads from the {len(made)} plants whose {product} it could take to {where}"


def ones_like(array: np.ndarray) -> Bools:
    """Return a mask of the same length, all open."""
    return np.ones(len(array), dtype=np.bool_)


def becomes(graph: Expanded, starts: Ints) -> set[int]:
    """Products that the goods of some processes can become."""
    found = {int(item) for item in graph.gives[starts]}
    while True:
        turned = (graph.role == TRANSFORM) & np.isin(graph.takes, sorted(found))
        more = {int(item) for item in graph.gives[turned]} - found
        if not more:
            return found
        found |= more
