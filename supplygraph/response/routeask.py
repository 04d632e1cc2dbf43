"""The question of alternative routes, checked and turned into arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import pandas as pd

from supplygraph.engine.expanded import EXTRACT, TRANSFORM, USE, Expanded, expand
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.response.chains import DIFFER
from supplygraph.response.noroute import Closed, becomes, closed
from supplygraph.scenario.alignment import TIERS, Alignment
from supplygraph.scenario.stages import in_stages

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Ints
    from supplygraph.network.network import SupplyNetwork

#: What routes can be ranked by.
BY = ("cost_usd_t", "km", "days")
#: What a rule is about unless other stages are named.
STAGES = ("refining",)


class Group(NamedTuple):
    """One target: its label and the processes of which any will do."""

    label: str
    product: int
    processes: Ints


@dataclass(frozen=True, eq=False)
class Ask:
    """A checked question."""

    net: SupplyNetwork
    graph: Expanded
    starts: Ints
    groups: list[Group]
    shut: Closed
    differ: tuple[str, ...]
    by: str
    k: int
    single: bool
    params: dict[str, Any]

    @classmethod
    def of(
        cls, net: SupplyNetwork, source: str | None, target: str | None, k: int, avoid: str | Iterable[str] | None,
        policy: Alignment | None, require: str | None, stages: str | Iterable[str], by: str,
        differ: str | Iterable[str], product: str | None, unnamed: bool,  # noqa: FBT001
    ) -> Ask:  # fmt: skip
        """Check every option; refuse with all problems at once."""
        graph = expand(net)
        faults = _Faults()
        if isinstance(k, bool) or not isinstance(cast("object", k), Integral) or k < 1:
            faults.add("k", f"is {k!r}; expected a whole number of at least 1", "5 is a good start.")
        faults.choice("by", by, BY)
        chosen = _texts("differ", differ, faults)
        for kind in chosen:
            faults.choice("differ", kind, DIFFER)
        if not chosen:
            faults.add("differ", "names nothing", f"Give one or several of {', '.join(DIFFER)}.")
        tier = _tier(policy, require, faults)
        staged = _texts("stages", stages, faults)
        barred = _barred(net, policy, tier, staged, faults)
        avoided = _avoided(net, graph, _texts("avoid", avoid, faults), faults)
        starts = _ends(net, graph, "source", source, faults)
        ends = _ends(net, graph, "target", target, faults)
        wanted = faults.known("product", product, list(graph.products))
        faults.stop()
        groups = _groups(graph, starts, ends, target, wanted, faults)
        faults.stop()
        params = {
            "source": source, "target": target, "k": int(k), "avoid": tuple(label for label, _ in avoided),
            "as_of": None if policy is None else policy.as_of, "require": tier,
            "stages": staged if policy is not None else (), "by": by, "differ": chosen, "product": product,
            "unnamed": unnamed,
        }  # fmt: skip
        rest = (net.nodes["status"] == "residual").to_numpy(dtype=np.bool_)[graph.at] & (not unnamed)
        rest[np.isin(graph.at, graph.at[ends])] = False  # noqa: PD008 - an array
        if source is not None and source not in graph.countries:
            rest[starts] = False
        shut = closed(net, graph, rest, barred, tier, avoided)
        return cls(net, graph, starts, groups, shut, chosen, by, int(k), target is not None, params)


class _Faults:
    """Collects what is wrong with a question."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._names: list[UnknownNameError] = []

    def add(self, where: str, what: str, remedy: str) -> None:
        self._problems.append(Problem(where, what, remedy))

    def choice(self, kind: str, given: object, known: Iterable[str]) -> None:
        if given not in list(known):
            self.unknown(kind, UnknownNameError.of(kind, given, known))

    def unknown(self, where: str, error: UnknownNameError) -> None:
        self._names.append(error)
        self._problems.append(Problem(where, str(error)))

    def known(self, kind: str, given: str | None, known: Iterable[str]) -> str | None:
        if given is not None:
            self.choice(kind, given, known)
        return given

    def stop(self) -> None:
        """Raise if there is anything to say: a lone unknown name as what it is."""
        if len(self._problems) == 1 and self._names:
            raise self._names[0]
        if self._problems:
            raise DataError("alternatives cannot be asked like this", self._problems)


def _texts(where: str, given: object, faults: _Faults) -> tuple[str, ...]:
    if given is None:
        return ()
    names: tuple[object, ...] = (given,)
    if isinstance(given, Iterable) and not isinstance(given, str):
        names = tuple(given)
    for name in names:
        if not isinstance(name, str):
            faults.add(where, f"holds {name!r}; expected names as text", "Give one name or a list of names.")
    return tuple(dict.fromkeys(str(name) for name in names if isinstance(name, str)))


def _tier(policy: Alignment | None, require: str | None, faults: _Faults) -> str | None:
    if policy is not None and not isinstance(cast("object", policy), Alignment):
        faults.add("policy", f"is {policy!r}; expected an alignment", "Give policy=forge().")
    if require is not None:
        faults.choice("tier", require, TIERS)
        if policy is None:
            faults.add("require", f"is {require!r} but there is no policy", "Give policy=forge().")
    return require if policy is None or require is not None else "linked"


def _barred(
    net: SupplyNetwork, policy: Alignment | None, tier: str | None, stages: tuple[str, ...], faults: _Faults
) -> Any:
    """Return the processes that the rule bars, as a mask."""
    none = np.zeros(len(net.processes), dtype=np.bool_)
    if not isinstance(policy, Alignment):
        return none
    staged = none
    for stage in stages:
        try:
            staged = staged | in_stages(net, [stage]).to_numpy(dtype=np.bool_)
        except UnknownNameError as error:
            faults.unknown("stages", error)
    if tier not in TIERS:
        return none
    home = net.processes["node"].map(net.nodes["country"])
    return staged & ~home.isin(policy.members(str(tier))).to_numpy(dtype=np.bool_)


def _avoided(
    net: SupplyNetwork, graph: Expanded, names: tuple[str, ...], faults: _Faults
) -> tuple[tuple[str, Ints], ...]:
    """Return what to avoid: a label and its nodes."""
    from supplygraph import facts

    countries = {*facts.read("facts/countries.csv")["country"], *net.countries.index, *graph.countries}
    straits = {str(node).removeprefix("passage-"): str(node) for node in graph.nodes[net.nodes["kind"] == "passage"]}
    found = []
    for name in names:
        node = straits.get(name, name)
        if node in graph.nodes:
            found.append((node, np.array([graph.nodes.get_loc(node)])))
        elif name in countries:
            code = graph.countries.get_indexer(pd.Index([name]))[0]
            found.append((name, np.flatnonzero((graph.country == code) & (code >= 0))))
        else:
            known = [*straits, *graph.nodes, *graph.countries]
            faults.unknown("avoid", UnknownNameError.of("country, strait or site", name, known))
    return tuple(found)


def _ends(net: SupplyNetwork, graph: Expanded, side: str, name: str | None, faults: _Faults) -> Ints:
    """Return the processes where routes start or end."""
    source = side == "source"
    open_side = graph.gives >= 0 if source else graph.takes >= 0
    roles = (EXTRACT, TRANSFORM) if source else (USE, TRANSFORM)
    if name is None:
        return np.flatnonzero(graph.role == roles[0])
    place = graph.processes.get_indexer(pd.Index([name]))[0] if isinstance(name, str) else -1
    if place >= 0:
        if not open_side[place]:
            faults.add(side, f"process {name!r} {'gives' if source else 'takes'} nothing", "Name another one.")
        return np.array([place])
    if isinstance(name, str) and name in graph.nodes:
        here = graph.at == graph.nodes.get_loc(name)
    elif isinstance(name, str) and name in graph.countries:
        here = graph.country[graph.at] == graph.countries.get_loc(name)
    else:
        known = [*net.nodes.index[graph.at], *graph.countries, *graph.processes]
        faults.unknown(side, UnknownNameError.of(f"{side} (site, country or process)", name, known))
        return np.zeros(0, dtype=np.int64)
    for role in (*roles, None):
        found = np.flatnonzero(here & open_side & ((graph.role == role) if role is not None else True))
        if len(found):
            return found
    faults.add(side, f"nothing {'comes from' if source else 'is taken at'} {name!r}",
               f"Name a {'mine or refinery' if source else 'factory or refinery'}, its country, or a process.")
    return np.zeros(0, dtype=np.int64)


def _groups(
    graph: Expanded, starts: Ints, ends: Ints, target: str | None, product: str | None, faults: _Faults
) -> list[Group]:
    """Group the ends by what they take, and by site where all are asked about."""
    taken = {str(graph.products[item]) for item in graph.takes[ends]}
    if product is not None and product not in taken:
        offer = ", ".join(sorted(taken))
        faults.add("product", f"no target takes {product!r}; they take {offer}", "Name one of these.")
        return []
    wanted = becomes(graph, starts)
    if product is not None:
        wanted = set(graph.products.get_indexer(pd.Index([product])).tolist())
    elif target is not None and not wanted & set(graph.takes[ends].tolist()):
        wanted = set(graph.takes[ends].tolist())  # there is no route; say so about what the target takes
    ends = ends[np.isin(graph.takes[ends], sorted(wanted))]
    found = sorted(set(graph.takes[ends].tolist()))
    if target is not None:
        if len(found) > 1:
            names = ", ".join(str(graph.products[item]) for item in found)
            faults.add("product", f"{target!r} takes several: {names}", "Name one as product=.")
        return [Group(target, item, ends[graph.takes[ends] == item]) for item in found]
    places, items = graph.at[ends], graph.takes[ends]  # noqa: PD008 - an array
    keys = sorted(set(zip(places.tolist(), items.tolist(), strict=True)))
    return [Group(str(graph.nodes[place]), item, ends[(places == place) & (items == item)]) for place, item in keys]
