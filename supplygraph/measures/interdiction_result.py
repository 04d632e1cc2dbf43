"""The answers of `interdict` and `defend`, and their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplygraph.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

#: Losers that an explanation names.
_NAMED = 5


class InterdictionResult(Result):
    """The worst set of failures found: one row per item.

    Figures: ``loss_t`` (demand that cannot be met when all fail together), ``bound_t`` (no set of the size allowed
    costs more), ``gap`` (their difference as a share of the bound; 0 = proved), ``proved``, ``delivered_t`` (before).
    """

    @property
    def losses(self) -> pd.DataFrame:
        """Who loses when all fail together: ``node``, ``name``, ``country``, ``demand_t``, ``lost_t``."""
        return self._tables["losses"].copy(deep=False)


class DefenceResult(Result):
    """The best defence found: one row per item to protect.

    Figures: ``loss_t`` (no attack costs more once these are protected), ``bound_t`` (no defence of the size allowed
    leaves less), ``gap`` (their difference as a share of the loss; 0 = proved), ``proved``, ``before_t`` (the worst
    attack while nothing is protected), ``delivered_t``.
    """

    @property
    def attack(self) -> pd.DataFrame:
        """The worst attack left: ``name``, ``kind``, ``country`` by item."""
        return self._tables["attack"].copy(deep=False)


def _and(names: Iterable[str]) -> str:
    some = list(names)
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"


def attack_words(
    table: pd.DataFrame, losses: pd.DataFrame, figures: dict[str, Any], k: int, candidates: int
) -> str:  # fmt: skip
    """Say what the worst failures cost, how sure that is, and who loses."""
    share = figures["loss_t"] / figures["delivered_t"] if figures["delivered_t"] > 0 else 0.0
    what = "failure" if k == 1 else f"{k} failures"
    if not len(table):
        if figures["proved"]:
            return f"No {what} of {candidates} candidates cost any demand, proved."
        return f"No loss was found in the time given; {k} failures cost at most {figures['bound_t']:,.0f} t of demand."
    costs = "Together they cost" if len(table) > 1 else "It costs"
    who = f"{_and(table['name'])}. {costs} {figures['loss_t']:,.0f} t of demand ({share:.1%})."
    if figures["proved"]:
        lines = [f"The worst {what} of {candidates} candidates, proved: {who}"]
    else:
        lines = [
            f"The worst {what} found in the time given, of {candidates} candidates: {who}",
            f"  Not proved: another set may cost up to {figures['bound_t']:,.0f} t (gap {figures['gap']:.1%}).",
        ]
    if len(table) > 1:
        alone = [f"{row.name} {row.loss_alone_t:,.0f} t" for row in table.itertuples(index=False)]
        lines.append(f"  Alone: {', '.join(alone)}.")
    lines += [
        f"  {row.name}{f' ({row.country})' if isinstance(row.country, str) else ''} loses {row.lost_t:,.0f} t of "
        f"{row.demand_t:,.0f} t."
        for row in losses.head(_NAMED).itertuples(index=False)
    ]
    more = len(losses) - _NAMED
    return "\n".join([*lines, *([f"  … and {more} more."] if more > 0 else [])])


def defence_words(
    table: pd.DataFrame, attack: pd.DataFrame, figures: dict[str, Any], size: tuple[int, int], candidates: int
) -> str:  # fmt: skip
    """Say what to protect, and what an attack can still do."""
    k, j = size
    what = "single failure" if j == 1 else f"{j} failures"
    if figures["before_t"] <= 0 and figures["proved"]:
        return f"No {what} of {candidates} candidates cost any demand: nothing needs protection, proved."
    names = _and(table["name"]) if len(table) else "nothing"
    costs, most = "costs" if j == 1 else "cost", "" if figures["proved"] else "at most "
    left = f"  The worst {what} then {costs} {most}{figures['loss_t']:,.0f} t of demand instead of "
    left += f"{figures['before_t']:,.0f} t" + (f": {_and(attack['name'])}." if len(attack) else ".")
    if figures["proved"]:
        return f"The best defence by {k} of {candidates} candidates, proved: {names}.\n{left}"
    least = f"{figures['bound_t']:,.0f} t (gap {figures['gap']:.1%})"
    return (
        f"The best defence by {k} found in the time given, of {candidates} candidates: {names}.\n{left}\n"
        f"  Not proved: another defence may leave as little as {least}."
    )
