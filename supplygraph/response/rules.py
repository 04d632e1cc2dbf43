"""Rules on who may serve the zone, as limits and prices of the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.engine.rows import Rule
from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.scenario.alignment import TIERS
from supplygraph.scenario.resolve import OWNER_SHARE
from supplygraph.scenario.stages import in_stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.engine.expanded import Bools, Floats
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment

#: Whose country counts: where the plant stands, or who owns it.
BY = ("territory", "owner")
#: What a cap can be about.
CAPS = ("country", "outside")
#: Ready caps. ``eu``: no more than 65 % of a strategic raw material, at any stage of processing, from one third
#: country (Regulation (EU) 2024/1252, article 5).
READY: dict[str, dict[str, float]] = {"eu": {"country": 0.65}}
UNKNOWN = "unknown"


class Holders:
    """Which country holds how much of each process, by territory or by owner.

    ``shares`` is a frame of processes x countries; what is missing to one is unknown.
    """

    def __init__(self, net: SupplyNetwork, by: str) -> None:
        if by not in BY:
            raise UnknownNameError.of("by", by, BY)
        node = net.processes["node"]
        if by == "owner":
            owners = net.owners.reset_index()
            owned = owners.pivot_table(index="node", columns="owner", values="share", aggfunc="sum").fillna(0.0)
        else:
            owned = pd.get_dummies(net.nodes["country"], dtype=float)
        frame = owned.reindex(node.to_numpy()).fillna(0.0)
        self.shares = frame.set_axis(net.processes.index)
        self.by = by

    def part(self, countries: Iterable[str]) -> Floats:
        """Share of each process held by some countries together."""
        known = [country for country in countries if country in self.shares.columns]
        return np.asarray(np.minimum(self.shares[known].to_numpy(dtype=np.float64).sum(axis=1), 1.0))

    def unknown(self) -> Floats:
        """Share of each process whose holder is not known."""
        return np.asarray(np.clip(1.0 - self.shares.to_numpy(dtype=np.float64).sum(axis=1), 0.0, 1.0))

    def aligned(self, members: Iterable[str]) -> Bools:
        """Tell which processes are held by members: where they stand, or at least half owned."""
        return np.asarray(self.part(members) >= OWNER_SHARE - 1e-9)


def check_cap(cap: object) -> dict[str, float]:
    """Return a cap as shares by kind.

    Raises
    ------
    UnknownNameError
        If there is no ready cap or no kind of that name.
    DataError
        If a share is not between 0 and 1.
    """
    if cap is None:
        return {}
    if isinstance(cap, str):
        if cap not in READY:
            raise UnknownNameError.of("cap", cap, READY)
        return dict(READY[cap])
    given: dict[Any, Any] = dict(cap) if isinstance(cap, Mapping) else {"country": cap}
    problems = []
    for kind, share in given.items():
        if kind not in CAPS:
            raise UnknownNameError.of("kind of cap", kind, CAPS)
        good = isinstance(share, (int, float)) and not isinstance(share, bool) and 0 <= share <= 1
        if not good:
            what = f"is {share!r}; expected a share from 0 to 1"
            problems.append(Problem(f"cap[{kind!r}]", what, "0.65 is what the EU's act aims at, or write cap='eu'."))
    if problems:
        raise DataError("the cap cannot be read", problems)
    return {str(kind): float(share) for kind, share in given.items()}


def required(
    net: SupplyNetwork, holders: Holders, alignment: Alignment, tier: str, stages: tuple[str, ...]
) -> tuple[Rule, ...]:
    """Return the rules that only plants of a tier or better serve the zone at some stages."""
    aligned = holders.aligned(alignment.members(tier))
    who = "in countries" if holders.by == "territory" else "of owners from countries"
    only = f"for the zone only {who} of tier {tier} or better"
    return tuple(
        Rule(np.where(member & ~aligned, 1.0, 0.0), member, 0.0, f"{what} {only}")
        for what, member in _steps(net, stages)
        if (member & ~aligned).any()
    )


def capped(
    net: SupplyNetwork, holders: Holders, members: tuple[str, ...], cap: Mapping[str, float], stages: tuple[str, ...]
) -> tuple[Rule, ...]:
    """Return the rules that no country outside the zone, or all of them together, serve more than a share of it.

    What is unknown counts as one country outside.
    """
    rules = []
    outside = [country for country in holders.shares.columns if country not in members]
    names = net.countries["name"].to_dict()
    verb = "from" if holders.by == "territory" else "owned from"
    for what, member in _steps(net, stages):
        for kind, share in cap.items():
            if kind == "outside":
                parts = {"outside the zone": 1.0 - holders.part(members)}
            else:
                parts = {str(names.get(c, c)): holders.part([c]) for c in outside} | {UNKNOWN: holders.unknown()}
            for name, part in parts.items():
                weight = np.where(member, part, 0.0)
                if share < 1 and (weight > 0).any():
                    label = f"{what} for the zone: at most {100 * share:.3g} % {verb} {name}"
                    rules.append(Rule(weight, member, share, label))
    return tuple(rules)


def outside(
    net: SupplyNetwork, holders: Holders, members: tuple[str, ...], share: float, stages: tuple[str, ...], tier: str
) -> tuple[Rule, ...]:
    """Return the rules that plants outside some countries serve at most a share of what the zone takes."""
    part = 1.0 - holders.part(members)
    found = []
    for what, member in _steps(net, stages):
        label = f"{what} for the zone: at least {100 * (1 - share):.3g} % at tier {tier} or better"
        found.append(Rule(np.where(member, part, 0.0), member, share, label))
    return tuple(rule for rule in found if (rule.weight > 0).any())


def preferred(
    net: SupplyNetwork, holders: Holders, alignment: Alignment, usd_t: float, stages: tuple[str, ...]
) -> Floats | None:
    """Return USD/t more for what each process sends to the zone (row 0): ``usd_t`` per tier below core.

    Held by several countries, a plant pays in proportion; unknown counts as unaligned.
    """
    rank = {tier: float(place) for place, tier in enumerate(TIERS)}
    steps = np.zeros(len(net.processes))
    for country in holders.shares.columns:
        tier = alignment.tier(country)
        steps += holders.part([country]) * rank["unaligned" if tier is None else tier]
    steps += holders.unknown() * rank["unaligned"]
    here = in_stages(net, stages).to_numpy(dtype=np.bool_)
    extra = np.zeros((2, len(steps)))
    extra[0] = np.where(here, usd_t * steps, 0.0)
    return extra if extra.any() else None


def _steps(net: SupplyNetwork, stages: tuple[str, ...]) -> list[tuple[str, Bools]]:
    """Return every stage of every mineral in words, with its processes."""
    mineral = net.processes["mineral"]
    several = len(mineral.unique()) > 1
    found = []
    for stage in stages:
        here = in_stages(net, [stage])
        for name in sorted(mineral[here].dropna().unique()):
            what = f"{stage} of {name.replace('_', ' ')}" if several else stage
            found.append((what, (here & (mineral == name)).to_numpy(dtype=np.bool_)))
    return found
