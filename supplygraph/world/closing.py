"""Closing to the statistics: every stage keeps its published total, and what had to give is written down.

Listed sites run at what their country's statistic allows; the rest of a country is one unnamed node; what two
stages disagree on is a stock process. Each change is one row of the corrections.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Listed sites may exceed their capacity by this much before a residual node is made.
TOLERANCE = 0.05
#: Spare capacity of a country's listed sites, as a share of its statistic.
SPARE = 0.5
#: Sites that run below this share of what was expected of them are flagged.
FLAG = 0.5
OTHER, EUROPEAN_UNION = "OTH", "EUU"
EU = frozenset({
    "AUT", "BEL", "BGR", "HRV", "CYP", "CZE", "DNK", "EST", "FIN", "FRA", "DEU", "GRC", "HUN", "IRL", "ITA", "LVA",
    "LTU", "LUX", "MLT", "NLD", "POL", "PRT", "ROU", "SVK", "SVN", "ESP", "SWE",
})  # fmt: skip
CORRECTIONS = ("mineral", "stage", "country", "what", "before_t", "after_t", "factor", "reason")


@dataclass
class Ledger:
    """The corrections of one mineral, as they are made."""

    mineral: str
    rows: list[tuple[str, str, str, float, float, float, str]] = field(default_factory=list)

    def note(self, stage: str, country: str, what: str, tonnes: tuple[float, float], reason: str) -> None:
        """Write one correction down; ``tonnes`` are those before and after."""
        before, after = tonnes
        factor = after / before if before > 0 else float("nan")
        self.rows.append((stage, country, what, float(before), float(after), factor, reason))

    def table(self) -> pd.DataFrame:
        """Return the corrections, columns as in :data:`CORRECTIONS`."""
        frame = pd.DataFrame(self.rows, columns=list(CORRECTIONS[1:]))
        frame.insert(0, "mineral", self.mineral)
        return frame


@dataclass(frozen=True)
class Rest:
    """Tonnes of a country (missing: of the world, ``EUU``: of the European Union) that no listed site carries."""

    country: str
    quantity_t: float
    reference: str


@dataclass(frozen=True)
class Closed:
    """One stage after closing.

    Attributes
    ----------
    activity_t, capacity_t
        By facility, in the order given.
    rests
        What the listed sites do not carry.
    """

    activity_t: pd.Series[float]
    capacity_t: pd.Series[float]
    rests: list[Rest]


def fill(weight: Sequence[float] | Any, ceiling: Sequence[float] | Any, total: float) -> np.ndarray[Any, Any]:
    """Share a total out in proportion to weights, none above its ceiling.

    Returns
    -------
    numpy.ndarray
        ``min(k * weight, ceiling)`` with the k that gives the total; the ceilings where those do not suffice.

    Examples
    --------
    >>> fill([1, 1, 2], [9, 9, 9], 8).tolist(), fill([1, 1], [1, 5], 4).tolist(), fill([1], [2], 5).tolist()
    ([2.0, 2.0, 4.0], [1.0, 3.0], [2.0])
    """
    w, top = np.asarray(weight, dtype=float), np.asarray(ceiling, dtype=float)
    top = np.where(w > 0, top, 0.0)
    if top.sum() <= total or not w.any():
        return top
    full = np.zeros(len(w), dtype=bool)
    for _ in range(len(w) + 1):
        open_ = ~full & (w > 0)
        k = (total - top[full].sum()) / w[open_].sum()
        over = open_ & (k * w > top)
        if not over.any():
            break
        full |= over
    return np.where(full, top, k * w)


def close(sites: pd.DataFrame, statistic: pd.DataFrame, ledger: Ledger, stage: str, *, use: bool = False) -> Closed:
    """Close the listed sites of one stage to a statistic by country.

    Parameters
    ----------
    sites
        Index facility; columns country, capacity_t, running (share of capacity expected in the base year),
        bound_t (``inf``, or what the site's own mines can feed).
    statistic
        Columns country, quantity_t (missing = withheld), reference. ``OTH`` is the unnamed rest of the world,
        ``EUU`` that of the European Union. A ``WLD`` row is the published world total.
    ledger
        Takes the corrections.
    stage
        Name of the stage, for the ledger.
    use
        Whether this is demand, which has no spare capacity.

    Returns
    -------
    Closed
        Activities and rests sum to the statistic (plus what sites of withheld countries make).

    Notes
    -----
    An unnamed rest first feeds listed sites in countries that the statistic does not name, at no more than they
    are expected to make. Spare capacity of a country's sites is at most half of what the country makes.
    """
    weight, ceiling = expected(sites)
    world = statistic.loc[statistic["country"] == "WLD", "quantity_t"]
    rows = statistic[statistic["country"] != "WLD"]
    activity = pd.Series(0.0, index=sites.index)
    rests = []
    groups = _groups(sites["country"], rows)
    for row in rows.to_dict("records"):
        country, total = str(row["country"]), row["quantity_t"]
        inside = groups[country]
        if pd.isna(total):
            continue
        pool = country in (OTHER, EUROPEAN_UNION)
        top = np.minimum(ceiling[inside], weight[inside]) if pool else ceiling[inside]
        made = fill(weight[inside], top, float(total))
        activity[inside] = made
        rest = float(total) - float(made.sum())
        if rest > 1e-6 * max(float(total), 1.0):
            rests.append(Rest(country, rest, str(row["reference"])))
            said = "no listed site carries it: one unnamed node"
            ledger.note(stage, country, "unnamed rest", (float(total), rest), said)
        against = f"{float(total):.0f} t" + (" of unnamed countries" if pool else " of the statistic")
        _tell(ledger, (stage, country), weight[inside], activity[inside], against)
    hidden = [str(code) for code in rows.loc[rows["quantity_t"].isna(), "country"]]
    if hidden:
        room = float(world.iloc[0]) - float(rows["quantity_t"].sum()) if len(world) else float("inf")
        _withheld(activity, weight, {code: groups[code] for code in hidden}, room, (ledger, stage))
    unlisted = sites.index[sites["capacity_t"].isna() & (sites["running"] > 0)]
    for facility in unlisted:
        country = str(sites.loc[facility, "country"])
        ledger.note(stage, country, "left out", (float("nan"), 0.0), f"{facility}: no published capacity")
    if use:
        return Closed(activity, activity.copy(), rests)
    capacity = pd.Series(np.maximum(sites["capacity_t"].fillna(0.0).where(weight > 0, 0.0), activity), sites.index)
    _cap_spare(capacity, activity, groups, (ledger, stage))
    return Closed(activity, capacity, rests)


def expected(sites: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return what sites are expected to make in the base year, and the most they may.

    A site fed by its own mine alone runs as the mine does; any other as its status says.
    """
    listed = sites["capacity_t"].fillna(0.0)
    most = pd.Series(np.minimum(listed * (1 + TOLERANCE), sites["bound_t"]), sites.index)
    usual = (listed * sites["running"]).fillna(0.0)
    tied = np.isfinite(sites["bound_t"]) & (sites["running"] > 0)
    return usual.mask(tied, most), most


def _groups(country: pd.Series[str], rows: pd.DataFrame) -> dict[str, pd.Index]:
    """Return the listed sites behind each row; the pools hold those that no row names."""
    named = set(rows["country"]) - {OTHER, EUROPEAN_UNION}
    left = ~country.isin(named)
    groups = {str(name): country.index[country == name] for name in sorted(named)}
    european = left & country.isin(EU) if EUROPEAN_UNION in set(rows["country"]) else left & False
    groups[EUROPEAN_UNION] = country.index[european]
    groups[OTHER] = country.index[left & ~european]
    return groups


def _tell(ledger: Ledger, at: tuple[str, str], weight: pd.Series[float], made: pd.Series[float], against: str) -> None:
    """Write down how far listed sites were scaled, and which of them by more than half."""
    stage, country = at
    before, after = float(weight.sum()), float(made.sum())
    if before > 0 and abs(after - before) > 1e-9 * before:
        ledger.note(stage, country, "sites scaled", (before, after), f"listed sites against {against}")
    low = made[(weight > 0) & (made < FLAG * weight)]
    for facility in low.index:
        tonnes = (float(weight.loc[facility]), float(made.loc[facility]))
        ledger.note(stage, country, "below half", tonnes, f"{facility}: scaled below half")


def _withheld(
    activity: pd.Series[float],
    weight: pd.Series[float],
    hidden: Mapping[str, pd.Index[Any]],
    room: float,
    at: tuple[Ledger, str],
) -> None:
    """Run the sites of a country whose figure is withheld at the mean utilisation, within the published world total."""
    known = weight.drop([facility for inside in hidden.values() for facility in inside])
    if not known.sum():
        return
    mean = min(1.0, float(activity.sum()) / float(known.sum()))
    wanted = sum(float(weight[inside].sum()) for inside in hidden.values()) * mean
    factor = mean * (min(1.0, room / wanted) if room > 0 and wanted > 0 else 1.0)
    said = "withheld by the publisher: listed sites at the mean utilisation, within the published world total"
    for country, inside in hidden.items():
        activity[inside] = weight[inside] * factor
        tonnes = (float(weight[inside].sum()), float(activity[inside].sum()))
        at[0].note(at[1], country, "withheld", tonnes, said)


def _cap_spare(
    capacity: pd.Series[float],
    activity: pd.Series[float],
    groups: Mapping[str, pd.Index[Any]],
    at: tuple[Ledger, str],
) -> None:
    """Lower capacities so that the spare of a country's sites is at most half of what they make."""
    said = "spare capacity of listed sites, at most half of what the country's sites make"
    for country, inside in groups.items():
        made, spare = float(activity[inside].sum()), capacity[inside] - activity[inside]
        total = float(spare.sum())
        if made > 0 and total > SPARE * made * (1 + 1e-9):
            capacity[inside] = activity[inside] + spare * (SPARE * made / total)
            at[0].note(at[1], country, "spare capped", (total, SPARE * made), said)


def exclusive_pairs(
    links: pd.DataFrame, facilities: pd.DataFrame, untraded: frozenset[str] = frozenset()
) -> list[tuple[list[str], list[str]]]:
    """Return integrated groups that must be closed together: (mines, plants).

    Parameters
    ----------
    links
        Columns supplier, customer, type; current rows of both links and ties.
    facilities
        Index facility; columns country, lon, lat, makes, accepts.
    untraded
        Forms that do not travel.

    Returns
    -------
    list of (list, list)
        Groups in one country, within 2.5 degrees, all of whose links are of type ``integrated``, and whose
        plants take nothing that their mines do not make, or whose mines make nothing that travels.
    """
    rows = links[links["supplier"].isin(facilities.index) & links["customer"].isin(facilities.index)]
    parent: dict[str, str] = {}

    def root(x: str) -> str:
        while parent.setdefault(x, x) != x:
            x = parent[x]
        return x

    for a, b in rows[["supplier", "customer"]].itertuples(index=False, name=None):
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for a, b, kind in rows[["supplier", "customer", "type"]].itertuples(index=False, name=None):
        groups.setdefault(root(a), []).append((a, b, kind))
    found = []
    for _, members in sorted(groups.items()):
        mines, plants = sorted({a for a, _, _ in members}), sorted({b for _, b, _ in members})
        integrated = all(kind == "integrated" for _, _, kind in members)
        if integrated and _together(facilities.loc[mines], facilities.loc[plants], untraded):
            found.append((mines, plants))
    return found


def _together(mines: pd.DataFrame, plants: pd.DataFrame, untraded: frozenset[str]) -> bool:
    both = pd.concat([mines, plants])
    near = (both["lon"].max() - both["lon"].min() <= 2.5) and (both["lat"].max() - both["lat"].min() <= 2.5)
    makes, accepts = forms(mines["makes"]), forms(plants["accepts"])
    tied = (accepts and accepts <= makes) or (makes and makes <= untraded and makes & accepts)
    return bool(near and len(set(both["country"])) == 1 and tied)


def forms(column: pd.Series[str]) -> set[str]:
    """Return all forms named in a column of ``;`` lists."""
    return {part for cell in column.dropna() for part in str(cell).split(";") if part}


def split_surplus(
    supply: pd.DataFrame, surplus: float, restricted: Sequence[str], ledger: Ledger, stage: str
) -> pd.Series[float]:
    """Share a surplus of one product out over those who make it, as stock build.

    Parameters
    ----------
    supply
        Columns country, supply_t, committed_t (what an integrated plant takes), captive_t (what its plants
        cannot take and nobody else can use).
    surplus
        Tonnes made beyond what the next stage takes in.
    restricted
        Countries with a ban or quota on exports in force: the surplus stands there first.

    Returns
    -------
    pandas.Series
        Stock build, by the index of ``supply``; sums to the surplus.
    """
    build = pd.Series(0.0, index=supply.index)
    left = surplus
    room = (supply["supply_t"] - supply["committed_t"]).clip(lower=0.0)
    captive = supply["captive_t"].clip(upper=room)
    steps = (
        ("own plants cannot take it", captive),
        ("exports banned or under quota", room.where(supply["country"].isin(restricted), 0.0)),
        ("in proportion", room),
    )
    for reason, most in steps:
        free = (most - build).clip(lower=0.0)
        take = min(left, float(free.sum()))
        if take <= 1e-9 * max(surplus, 1.0):
            continue
        part = free * (take / float(free.sum()))
        build += part
        left -= take
        said = f"made beyond what the next stage takes in: stock build, {reason}"
        for country, value in part.groupby(supply["country"].fillna("")).sum().items():
            if value > 0:
                held = float(supply.loc[supply["country"].fillna("") == country, "supply_t"].sum())
                ledger.note(stage, str(country) or OTHER, "stock build", (held, held - float(value)), said)
    return build
