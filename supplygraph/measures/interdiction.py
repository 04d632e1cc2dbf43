"""The worst joint failures, and what to protect against them: exact, or with the bound that was proved.

Single failures understate what an attack can do: what stands in for a failed plant hides how much both together
carry. The worst pair need not contain the worst single, and taking the worst one after another may miss it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.engine.attacks.defence import protect
from supplygraph.engine.attacks.search import worst
from supplygraph.engine.program import RATIONINGS
from supplygraph.measures import spread
from supplygraph.measures.interdiction_result import DefenceResult, InterdictionResult, attack_words, defence_words
from supplygraph.measures.items import TOLD
from supplygraph.measures.study import Study
from supplygraph.measures.targets import Targets, check_count, check_time
from supplygraph.scenario.alignment import forge
from supplygraph.world.ensemble import Ensemble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from supplygraph.engine.limits import Scenario
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.shock import Shock

#: Shares of all demand under this are what rounding leaves of nothing.
_NOTHING = 1e-9


def interdict(
    net: SupplyNetwork | Ensemble, *, k: int, by: str = "node", demand: str | Iterable[str] | None = None,
    mineral: str | None = None, shock: Shock | None = None, alignment: Alignment | None = None, zone: str = "linked",
    kinds: str | Iterable[str] | None = None, exclude: str | Iterable[str] = (), residuals: bool = False,
    time_limit: float | None = 60.0, progress: bool = False,
) -> InterdictionResult:  # fmt: skip
    """Find the set of at most k failures that together make most demand undeliverable.

    Parameters
    ----------
    net
        A network, or an ensemble of one: ``loss_t`` then has bounds, each item its ``stability`` (the share of draws
        whose own worst set has it), and the table ``chosen`` lists the sets found.
    k
        How many items fail at most.
    by
        ``"node"``, ``"edge"``, ``"passage"``, ``"country"`` (all sites in it) or ``"owner"`` (the owner's share of
        every plant).
    demand
        Whose demand counts: a factory (its node), a country (alpha-3), several of them, or ``"zone"``; by default
        everybody's. The loss is then what they lose even if all others stand back.
    mineral
        Look at one mineral of the network.
    shock
        What has already happened.
    alignment, zone
        Demand in countries of this tier or better is the zone's; by default the tiers of 1 July 2026.
    kinds
        Only items of these kinds fail (of sites: ``"refinery"``, ``"port"``, ...; of edges: the mode).
    exclude
        Items that do not fail.
    residuals
        Let unnamed rests ("Other China") fail as well. Nobody can attack or protect them, so by default they do not.
    time_limit
        Seconds; None = until proved.
    progress
        Show loss and bound on stderr as they close in. The work can be interrupted at any time.

    Returns
    -------
    InterdictionResult
        ``table``, indexed by item: ``name``, ``kind``, ``country``, ``loss_alone_t`` (when only this one fails),
        ``loss_without_it_t`` (what the set still costs when this one stays). It may have fewer than k rows: nothing is
        in it that adds nothing. ``losses``, ``loss_t``, ``bound_t``, ``gap``, ``proved``, ``delivered_t``. Where
        ``gap`` is not 0 the set is the worst found, not the worst there is, and ``explain()`` says so.

    Raises
    ------
    UnknownNameError
        If ``by``, ``zone``, ``demand``, a kind, an item to exclude or a name in the shock is unknown.
    DataError
        If ``k`` or ``time_limit`` is out of range.
    LimitError
        If a maximum flow is not exact and the network is too large for a linear program that is solved many times.

    Examples
    --------
    >>> from toys import chain
    >>> found = interdict(chain(), k=2, kinds="refinery")
    >>> print(found.explain())
    The worst 2 failures of 2 candidates, proved: Jinchuan and Kokkola. Together they cost 99 t of demand (100.0%).
      Alone: Jinchuan 59 t, Kokkola 9 t.
      Ningde (CHN) loses 63 t of 63 t.
      Erfurt (DEU) loses 36 t of 36 t.

    Notes
    -----
    The loss is as in :func:`~supplygraph.measures.chokepoints.chokepoints`: after the best rerouting within
    capacities. Branch and bound on maximum flows (see ``engine.attacks.search``) where they are exact, else on linear
    programs over arcs; equal losses to 1e-8 of the demand count as ties there. Of several worst sets the answer is the
    one with the fewest items, then the first by id. Exponential at worst; quickest where no small set can be replaced,
    slowest where every small set nearly can (``tests/bench/bench_interdict.py`` shows both). Whoever loses, loses under
    proportional rationing.
    """
    if isinstance(net, Ensemble):
        return spread.sets(
            net, interdict, ("loss_t",), k=k, by=by, demand=demand, mineral=mineral, shock=shock, zone=zone,
            alignment=forge() if alignment is None else alignment, kinds=kinds, exclude=exclude, residuals=residuals,
            time_limit=time_limit, progress=progress,
        )  # fmt: skip
    limit = check_time(time_limit)
    size = check_count("k", k)
    study = _study(net, by, demand, mineral, shock, alignment, zone)
    targets = Targets.of(study, kinds, exclude, residuals=residuals)
    known: dict[tuple[int, ...], Any] = {}
    with _watch("interdict", targets.unit, progress=progress) as watch:
        found = worst(targets.oracle, size, known=known, time_limit=limit, progress=watch)
    whole = targets.oracle.deliver(()).amount
    tonnes = _tonnes(targets, whole)

    def loss(items: tuple[int, ...]) -> float:
        return tonnes(known[items] if items in known else whole - targets.oracle.deliver(items).amount)

    table = targets.table.iloc[list(found.items)][["name", "kind", "country"]].assign(
        loss_alone_t=[loss((item,)) for item in found.items],
        loss_without_it_t=[loss(tuple(one for one in found.items if one != item)) for item in found.items],
    )
    losses = _losers(study, study.items.fail(study.graph, table.index, study.before))
    loss_t, bound_t = tonnes(found.loss), tonnes(found.bound)
    figures = _figures(loss_t, bound_t, bound_t) | {"delivered_t": tonnes(whole)}
    params = _params(study, shock, zone, kinds, exclude, residuals, time_limit) | {"k": size, "method": targets.method}
    candidates = len(targets.table)
    return InterdictionResult(
        title=f"Worst {size} failures of {_minerals(study)}, by {TOLD[by]}{_sure(figures)}",
        table=table,
        params=params,
        network=study.net,
        tables={"losses": losses},
        figures=figures,
        explanation=attack_words(table, losses, figures, size, candidates),
    )


def defend(
    net: SupplyNetwork | Ensemble, *, k: int, j: int, by: str = "node", demand: str | Iterable[str] | None = None,
    mineral: str | None = None, shock: Shock | None = None, alignment: Alignment | None = None, zone: str = "linked",
    kinds: str | Iterable[str] | None = None, exclude: str | Iterable[str] = (), residuals: bool = False,
    time_limit: float | None = 60.0, progress: bool = False,
) -> DefenceResult:  # fmt: skip
    """Find the at most k items to protect so that the worst attack on j others hurts least.

    Parameters
    ----------
    net
        A network, or an ensemble of one (as for :func:`interdict`).
    k, j
        How many items can be protected, and how many fail, at most.
    by, demand, mineral, shock, alignment, zone, kinds, exclude, residuals, time_limit, progress
        As for :func:`interdict`. Items that cannot fail need no protection.

    Returns
    -------
    DefenceResult
        ``table``, indexed by item, what to protect: ``name``, ``kind``, ``country``, ``loss_alone_t`` (when only this
        one fails). ``attack``, ``loss_t``, ``bound_t``, ``gap``, ``proved``, ``before_t``, ``delivered_t``.

    Raises
    ------
    UnknownNameError, DataError, LimitError
        As for :func:`interdict`.

    Examples
    --------
    >>> from toys import chain
    >>> found = defend(chain(), k=1, j=1, kinds=["mine", "refinery"])
    >>> print(found.explain())
    The best defence by 1 of 4 candidates, proved: Tenke.
      The worst single failure then costs 59 t of demand instead of 88 t: Jinchuan.

    Notes
    -----
    A defence that helps contains a member of every attack that costs more than what it leaves. The best defence
    against the attacks known is found by branching over their members, the worst attack against it by
    :func:`interdict`, until no attack costs more (see ``engine.attacks.defence``).
    """
    if isinstance(net, Ensemble):
        return spread.sets(
            net, defend, ("loss_t", "before_t"), k=k, j=j, by=by, demand=demand, mineral=mineral, shock=shock,
            zone=zone, alignment=forge() if alignment is None else alignment, kinds=kinds, exclude=exclude,
            residuals=residuals, time_limit=time_limit, progress=progress,
        )  # fmt: skip
    limit = check_time(time_limit)
    size, fails = check_count("k", k), check_count("j", j)
    study = _study(net, by, demand, mineral, shock, alignment, zone)
    targets = Targets.of(study, kinds, exclude, residuals=residuals)
    with _watch("defend", targets.unit, progress=progress) as watch:
        found = protect(targets.oracle, size, fails, time_limit=limit, progress=watch)
    whole = targets.oracle.deliver(()).amount
    tonnes = _tonnes(targets, whole)
    columns = ["name", "kind", "country"]
    table = targets.table.iloc[list(found.items)][columns].assign(
        loss_alone_t=[tonnes(whole - targets.oracle.deliver((item,)).amount) for item in found.items]
    )
    attack = targets.table.iloc[list(found.attack.items)][columns]
    loss_t, bound_t = tonnes(found.loss), tonnes(found.bound)
    figures = _figures(loss_t, bound_t, loss_t) | {"before_t": tonnes(found.before.loss), "delivered_t": tonnes(whole)}
    params = _params(study, shock, zone, kinds, exclude, residuals, time_limit)
    return DefenceResult(
        title=f"Best defence of {_minerals(study)} by {size} against {fails}, by {TOLD[by]}{_sure(figures)}",
        table=table,
        params=params | {"k": size, "j": fails, "method": targets.method},
        network=study.net,
        tables={"attack": attack},
        figures=figures,
        explanation=defence_words(table, attack, figures, (size, fails), len(targets.table)),
    )


def _study(
    net: SupplyNetwork, by: str, demand: str | Iterable[str] | None, mineral: str | None, shock: Shock | None,
    alignment: Alignment | None, zone: str,
) -> Study:  # fmt: skip
    if mineral is not None:
        net = net.select(mineral=mineral)
    aligned = forge() if alignment is None else alignment
    return Study.of(net, by, demand, shock, aligned, zone, ("capacity",), "auto")


def _tonnes(targets: Targets, whole: Any) -> Callable[[Any], float]:
    """Return what turns losses into tonnes; what rounding leaves of nothing is nothing."""
    nothing = max(_NOTHING * whole, targets.oracle.slack)
    return lambda loss: float(loss) * targets.unit if loss > nothing else 0.0


def _figures(loss_t: float, bound_t: float, larger_t: float) -> dict[str, Any]:
    gap = abs(bound_t - loss_t) / larger_t if larger_t > 0 else 0.0
    return {"loss_t": loss_t, "bound_t": bound_t, "gap": gap, "proved": gap == 0.0}


def _sure(figures: dict[str, Any]) -> str:
    return "" if figures["proved"] else ", not proved"


def _params(
    study: Study, shock: Shock | None, zone: str, kinds: str | Iterable[str] | None, exclude: str | Iterable[str],
    residuals: bool, time_limit: float | None,  # noqa: FBT001
) -> dict[str, Any]:  # fmt: skip
    only, never = (
        None if names is None else (names,) if isinstance(names, str) else tuple(names) for names in (kinds, exclude)
    )
    return {
        "by": study.items.by, "demand": study.demand, "shock": None if shock is None else shock.describe(),
        "zone": zone, "alignment_as_of": study.as_of, "kinds": only, "exclude": never,
        "residuals": residuals, "time_limit": time_limit, "rationing": RATIONINGS[0],
    }  # fmt: skip


def _minerals(study: Study) -> str:
    return ", ".join(sorted(study.net.processes["mineral"].unique())).replace("_", " ")


def _losers(study: Study, after: Scenario) -> pd.DataFrame:
    """Return who loses what when every supplier cuts all its customers alike; empty for networks without a program."""
    columns = ["node", "name", "country", "demand_t", "lost_t"]
    if not study.capacity.has_program:
        return pd.DataFrame(columns=columns)
    wanted = study.graph.demand if study.capacity.wanted is None else study.capacity.wanted
    asked = pd.Series(wanted, index=study.graph.processes)
    asked = asked[study.counts & (wanted > 0)]
    served = [
        study.capacity.program.max_served(scenario=scenario, demand=asked, rationing=RATIONINGS[0]).by_process
        for scenario in (study.before, after)
    ]
    assert served[0] is not None  # noqa: S101 - a rationing is asked for
    assert served[1] is not None  # noqa: S101
    lost = (served[0] - served[1]).reindex(asked.index)
    lost = lost[lost > _NOTHING * max(float(asked.sum()), 1.0)]
    node = study.net.processes["node"].reindex(lost.index)
    sums = pd.DataFrame({"node": node, "demand_t": asked.reindex(lost.index), "lost_t": lost})
    sums = sums.groupby("node", as_index=False).sum().sort_values(["lost_t", "node"], ascending=[False, True])
    sites = study.net.nodes.reindex(sums["node"])
    named = sums.assign(name=sites["name"].to_numpy(), country=sites["country"].to_numpy())
    return named[columns].reset_index(drop=True)


@contextmanager
def _watch(what: str, unit: float, *, progress: bool) -> Iterator[Callable[[Any, Any, int], object] | None]:
    from tqdm.auto import tqdm

    if not progress:
        yield None
        return
    with tqdm(desc=what, unit="solve") as bar:

        def step(loss: Any, bound: Any, done: int) -> None:
            bar.set_postfix_str(f"loss {float(loss) * unit:,.0f} t, bound {float(bound) * unit:,.0f} t", refresh=False)
            bar.update(done - bar.n)

        yield step


__all__ = ["DefenceResult", "InterdictionResult", "defend", "interdict"]
