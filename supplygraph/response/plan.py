"""The question of a rerouting, checked and compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.engine.paths import RELINK_USD_T, Prices
from supplygraph.engine.program import RATIONINGS, Program, shared, shocked
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.response import rules
from supplygraph.response.phases import Question
from supplygraph.scenario.shock import Shock
from supplygraph.scenario.stages import in_stages, product_stages, uses_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplygraph.engine.expanded import Bools, Floats
    from supplygraph.engine.rows import Rule
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.resolve import Resolved

#: What a rule is about unless other stages are named.
STAGES = ("refining",)
OBJECTIVES = ("least_change", "least_cost")


@dataclass(frozen=True)
class Options:
    """The options of :func:`~supplygraph.response.reroute.reroute`, as given."""

    alignment: Alignment | None = None
    require: str | None = None
    prefer: float | None = None
    cap: float | str | Mapping[str, float] | None = None
    stages: Iterable[str] = STAGES
    by: str = "territory"
    zone: str = "linked"
    rationing: str = "proportional"
    ramp: float | None = 0.2
    relink_usd_t: float = RELINK_USD_T
    objective: str = "least_change"
    priority: Iterable[str] | None = None
    must_serve: Mapping[str, float] | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """A checked question, with what the answer needs to tell about it."""

    net: SupplyNetwork
    program: Program
    question: Question
    shock: Shock
    resolved: Resolved
    options: Options
    stages: tuple[str, ...]
    holders: rules.Holders
    params: dict[str, Any]

    @classmethod
    def of(cls, net: SupplyNetwork, shock: Shock | None, options: Options) -> Plan:
        """Check every option and turn it into arrays."""
        shock = Shock() if shock is None else shock
        cap = _check(shock, options)
        stages = _stages(net, options, cap)
        alignment, holders = options.alignment, rules.Holders(net, options.by)
        program = shared(net, ramp=options.ramp)
        resolved = shock.resolve(net)
        inside = np.zeros(len(net.processes), dtype=np.bool_)
        limits: tuple[Rule, ...] = ()
        extra = None
        if alignment is not None:
            members = alignment.members(options.zone)
            country = net.processes["node"].map(net.nodes["country"])
            inside = (country.isin(members) & (net.processes["role"] == "use")).to_numpy()
            limits = rules.capped(net, holders, members, cap, stages)
            if options.require is not None:
                limits = (*rules.required(net, holders, alignment, options.require, stages), *limits)
            if options.prefer:
                extra = rules.preferred(net, holders, alignment, options.prefer, stages)
        question = Question(
            program,
            shocked(program.graph, resolved),
            inside,
            limits,
            Prices(float(options.relink_usd_t), options.objective == "least_cost", extra),
            options.rationing,
            _groups(net, options.priority),
            _must(net, program, options.must_serve),
        )
        params = _params(shock, options, stages, cap)
        return cls(net, program, question, shock, resolved, options, stages, holders, params)

    @property
    def alignment(self) -> Alignment | None:
        """The tiers of countries."""
        return self.options.alignment

    @property
    def ruled(self) -> bool:
        """Whether anything but the shock shapes the answer."""
        question = self.question
        plain = question.rationing == "proportional" and not question.first and question.must is None
        return bool(question.rules) or question.prices.extra is not None or not plain

    @property
    def unruled(self) -> Question:
        """The same shock with nothing else asked."""
        question = self.question
        relink = Prices(question.prices.relink)
        return Question(question.program, question.scenario, question.zone, (), relink, "proportional")


def _check(shock: object, options: Options) -> dict[str, float]:
    """Refuse what cannot be asked, every problem at once; return the cap."""
    problems = []
    if not isinstance(shock, Shock):
        remedy = "Make one with Shock.close(...) or Shock.ban(...), or take one from scenarios()."
        problems.append(Problem("shock", f"is {shock!r}; expected a Shock", remedy))
    if options.rationing not in RATIONINGS:
        raise UnknownNameError.of("rationing", options.rationing, (*RATIONINGS, "all"))
    if options.objective not in OBJECTIVES:
        raise UnknownNameError.of("objective", options.objective, OBJECTIVES)
    cap = rules.check_cap(options.cap)
    needs = {
        "require": options.require, "prefer": options.prefer, "cap": options.cap,
        "rationing": "zone_first" if options.rationing == "zone_first" else None,
    }  # fmt: skip
    if options.alignment is None:
        problems += [
            Problem(name, f"is {value!r} but there is no alignment", "Give alignment=forge().")
            for name, value in needs.items() if value is not None
        ]
    numbers = {"relink_usd_t": (options.relink_usd_t, "300 is a good start.")}
    if options.prefer is not None:
        numbers["prefer"] = (options.prefer, "USD/t for every tier below core, for example 100.")
    for name, (value, remedy) in numbers.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (is_number and np.isfinite(value) and value >= 0):
            problems.append(Problem(name, f"is {value!r}; expected a number of at least 0", remedy))
    if problems:
        raise DataError("the rerouting cannot be asked like this", problems)
    return cap


def _stages(net: SupplyNetwork, options: Options, cap: Mapping[str, float]) -> tuple[str, ...]:
    chosen = (options.stages,) if isinstance(options.stages, str) else tuple(options.stages)
    ruled = options.require is not None or options.prefer is not None or bool(cap)
    if not ruled and chosen == STAGES and not (product_stages(net) == STAGES[0]).any():
        chosen = ()  # the default, in a network without that stage, and no rule that needs it
    in_stages(net, chosen)
    return chosen


def _params(shock: Shock, options: Options, stages: tuple[str, ...], cap: Mapping[str, float]) -> dict[str, Any]:
    listed = [options.priority] if isinstance(options.priority, str) else options.priority
    return {
        "shock": shock.describe(), "as_of": None if options.alignment is None else options.alignment.as_of,
        "require": options.require, "prefer": options.prefer, "cap": dict(cap) or None, "stages": stages,
        "by": options.by, "zone": options.zone, "rationing": options.rationing, "ramp": options.ramp,
        "relink_usd_t": options.relink_usd_t, "objective": options.objective,
        "priority": None if listed is None else tuple(listed),
        "must_serve": None if options.must_serve is None else dict(options.must_serve),
    }  # fmt: skip


def _groups(net: SupplyNetwork, priority: Iterable[str] | None) -> tuple[Bools, ...]:
    if priority is None:
        return ()
    names = [priority] if isinstance(priority, str) else list(priority)
    return tuple(uses_of(net, name, "priority").to_numpy() for name in names)


def _must(net: SupplyNetwork, program: Program, must: Mapping[str, float] | None) -> Floats | None:
    if must is None:
        return None
    wanted = np.zeros(len(program.graph.processes))
    problems = []
    for name, share in must.items():
        mask = uses_of(net, name, "must_serve").to_numpy()
        if not (isinstance(share, (int, float)) and 0 <= share <= 1):
            what = f"is {share!r}; expected a share from 0 to 1"
            problems.append(Problem(f"must_serve[{name!r}]", what, "1 means all its demand."))
        else:
            wanted[mask] = np.maximum(wanted[mask], share * program.graph.demand[mask])
    if problems:
        raise DataError("the rerouting cannot be asked like this", problems)
    return wanted
