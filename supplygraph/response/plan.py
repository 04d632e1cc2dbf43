"""The question of a rerouting, checked and compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.engine.limits import Scenario
from supplygraph.engine.program import RATIONINGS, Program
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.response.phases import Question
from supplygraph.scenario.shock import Shock
from supplygraph.scenario.stages import in_stages, product_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplygraph.engine.expanded import Bools, Floats
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.shock import Resolved

#: What a rule is about unless other stages are named.
STAGES = ("refining",)


@dataclass(frozen=True, eq=False)
class Plan:
    """A checked question, with what the answer needs to tell about it."""

    net: SupplyNetwork
    program: Program
    question: Question
    shock: Shock
    resolved: Resolved
    alignment: Alignment | None
    require: str | None
    stages: tuple[str, ...]
    zone: str
    params: dict[str, Any]
    ruled: bool

    @classmethod
    def of(
        cls,
        net: SupplyNetwork,
        shock: Shock | None,
        alignment: Alignment | None,
        require: str | None,
        stages: Iterable[str],
        zone: str,
        rationing: str,
        ramp: float,
        relink_usd_t: float,
        priority: Iterable[str] | None,
        must_serve: Mapping[str, float] | None,
    ) -> Plan:
        """Check every option and turn it into arrays."""
        shock = Shock() if shock is None else shock
        _check_shock(shock)
        if rationing not in RATIONINGS:
            raise UnknownNameError.of("rationing", rationing, RATIONINGS)
        for name, value in (("require", require), ("rationing", "zone_first" if rationing == "zone_first" else None)):
            if value is not None and alignment is None:
                _refuse(name, f"is {value!r} but there is no alignment", "Give alignment=forge().")
        if not (np.isfinite(relink_usd_t) and relink_usd_t >= 0):
            _refuse("relink_usd_t", f"is {relink_usd_t!r}; expected a number of at least 0", "300 is a good start.")
        chosen = (stages,) if isinstance(stages, str) else tuple(stages)
        if require is None and chosen == STAGES and not (product_stages(net) == STAGES[0]).any():
            chosen = ()  # the default, in a network without that stage, and no rule that needs it
        staged = in_stages(net, chosen)
        program = Program(net, ramp=ramp)
        resolved = shock.resolve(net)
        country = net.processes["node"].map(net.nodes["country"])
        inside, barred = np.zeros(len(country), dtype=np.bool_), np.zeros(len(country), dtype=np.bool_)
        if alignment is not None:
            inside = country.isin(alignment.members(zone)).to_numpy() & (net.processes["role"] == "use").to_numpy()
        if alignment is not None and require is not None:
            barred = (staged & ~country.isin(alignment.members(require))).to_numpy()
        question = Question(
            program,
            to_scenario(program, resolved),
            inside,
            barred,
            rationing,
            float(relink_usd_t),
            _groups(net, priority),
            _must(net, program, must_serve),
        )
        params: dict[str, Any] = {
            "shock": shock.describe(), "as_of": None if alignment is None else alignment.as_of, "require": require,
            "stages": chosen, "zone": zone, "rationing": rationing, "ramp": ramp, "relink_usd_t": relink_usd_t,
            "priority": None if priority is None else tuple([priority] if isinstance(priority, str) else priority),
            "must_serve": None if must_serve is None else dict(must_serve),
        }  # fmt: skip
        ruled = bool(barred.any()) or rationing != "proportional" or priority is not None or must_serve is not None
        return cls(net, program, question, shock, resolved, alignment, require, chosen, zone, params, ruled)


def to_scenario(program: Program, resolved: Resolved) -> Scenario:
    """Turn a shock on a network into arrays."""
    graph = program.graph
    bans = []
    ban = resolved.bans
    origins = graph.countries.get_indexer(pd.Index(ban["origin_country"]))
    products = graph.products.get_indexer(pd.Index(ban["product"]))
    targets = graph.countries.get_indexer(pd.Index(ban["destination_country"]))
    everyone, keep = ban["destination_country"].isna().to_numpy(), ban["keep"].to_numpy()
    for row in range(len(ban)):
        if origins[row] >= 0 and (everyone[row] or targets[row] >= 0):
            to = -1 if everyone[row] else int(targets[row])
            bans.append((int(origins[row]), int(products[row]), to, float(keep[row])))
    return Scenario(
        resolved.process_factor.to_numpy(dtype=np.float64),
        resolved.node_factor.to_numpy(dtype=np.float64),
        resolved.edge_factor.to_numpy(dtype=np.float64),
        tuple(bans),
    )


def _groups(net: SupplyNetwork, priority: Iterable[str] | None) -> tuple[Bools, ...]:
    if priority is None:
        return ()
    names = [priority] if isinstance(priority, str) else list(priority)
    return tuple(_uses_of(net, "priority", name).to_numpy() for name in names)


def _must(net: SupplyNetwork, program: Program, must: Mapping[str, float] | None) -> Floats | None:
    if must is None:
        return None
    wanted = np.zeros(len(program.graph.processes))
    for name, share in must.items():
        if not (isinstance(share, (int, float)) and 0 <= share <= 1):
            _refuse(f"must_serve[{name!r}]", f"is {share!r}; expected a share from 0 to 1", "1 means all its demand.")
        mask = _uses_of(net, "must_serve", name).to_numpy()
        wanted[mask] = np.maximum(wanted[mask], share * program.graph.demand[mask])
    return wanted


def _uses_of(net: SupplyNetwork, option: str, name: str) -> pd.Series:
    """Use processes of a factory or of a country."""
    is_use = net.processes["role"] == "use"
    node = net.processes["node"]
    country = node.map(net.nodes["country"])
    found = is_use & ((node == name) | (country == name))
    if not found.any():
        known = {*node[is_use], *country[is_use].dropna()}
        raise UnknownNameError.of(f"factory or country in {option}", name, known)
    return found


def _check_shock(shock: object) -> None:
    if not isinstance(shock, Shock):
        _refuse("shock", f"is {shock!r}; expected a Shock", "Make one with Shock.close(...) or Shock.ban(...).")


def _refuse(where: str, what: str, remedy: str) -> None:
    raise DataError("the rerouting cannot be asked like this", [Problem(where, what, remedy)])
