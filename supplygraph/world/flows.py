"""Who ships to whom: the estimate with the least added information.

Facility-to-facility flows are not published. Per product, the flow minimises ``KL(F | Q)`` subject to the
closed supplies and intakes, with the prior

    Q_ij = s_i d_j exp(-c_ij / theta) x form(i, j) x relation(i, j) x owner(i, j)

- *form*: 1 if the plant can take what the origin makes, else the pair is closed; it opens at 1e-3 only where
  the sums cannot be met otherwise. A site whose forms are not known is like the listed ones of its country.
- *relation*: 200 for a published supply link, 50 for the same operator or group, else 1.
- *owner*: ``exp(2 x overlap)`` of the shares that owners' countries hold on both ends.

Published tonnages are fixed, pairs at one site ship on site first, customs statistics act as bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, InfeasibleError, Problem
from supplygraph.world.balance import Balanced, balance, band_misses, shortfall
from supplygraph.world.pairs import by_country, named, records
from supplygraph.world.prior import compatible, likeness, overlap, shared, tokens

if TYPE_CHECKING:
    from supplygraph.world.balance import Flags, Floats, Ints

FORM_FLOOR = 1e-3
OPERATOR = 50.0
LINK = 200.0
OWNER = 2.0
#: A pair keeps at least this share of its estimate when it is asked whether the bands can be met together.
KEEP = 0.02
#: A pair below this share of the product's tonnes goes, unless it is of weight for one of its ends.
DUST = 3e-5
#: What is left of a pair's prior under an export ban: bans have permits and leaks, and supplies must go somewhere.
BAN = 1e-3
REPORT = (
    "kind",
    "origin",
    "destination",
    "low_t",
    "high_t",
    "before_t",
    "after_t",
    "verdict",
    "note",
    "reference",
)


@dataclass(frozen=True)
class Estimate:
    """The estimated flows of one product.

    Attributes
    ----------
    flow
        Tonnes a year, origins by destinations; rows sum to the supplies, columns to the intakes.
    basis
        ``reported`` where a published link fixes the tonnage, else ``estimated``.
    reference
        Reference of the published link, else empty.
    report
        What each observation did: one row for every on-site pair, link, tie, band and opened form.
    low, high
        Bounds of the flow; missing until an ensemble has been drawn.
    """

    flow: Floats
    basis: np.ndarray[Any, Any]
    reference: np.ndarray[Any, Any]
    report: pd.DataFrame
    low: Floats | None = None
    high: Floats | None = None


@dataclass
class _Work:
    """The state of one estimate."""

    origins: pd.DataFrame
    destinations: pd.DataFrame
    cost: Floats
    log_prior: Floats
    allowed: Flags  # pairs open to the estimate
    reachable: Flags  # pairs with a route
    pinned: Floats
    pin_kind: np.ndarray[Any, Any]
    rows: list[dict[str, object]]

    @property
    def s(self) -> Floats:
        """Supplies left after the fixed shipments."""
        return _left(self.origins["supply_t"].to_numpy(dtype=float), self.pinned.sum(1))

    @property
    def d(self) -> Floats:
        """Intakes left after the fixed shipments."""
        return _left(self.destinations["intake_t"].to_numpy(dtype=float), self.pinned.sum(0))

    def note(self, kind: str, origin: object, destination: object, verdict: str, **more: object) -> None:
        """Add a row to the report."""
        self.rows.append({"kind": kind, "origin": origin, "destination": destination, "verdict": verdict, **more})


def _left(total: Floats, used: Floats) -> Floats:
    left = total - used
    return np.where(left <= 1e-12 * np.maximum(total, 1e-300), 0.0, left)


def _check(origins: pd.DataFrame, destinations: pd.DataFrame, cost: Floats) -> None:
    problems: list[Problem] = []
    for name, frame, columns in (
        ("origins", origins, ("node", "country", "makes", "operator", "supply_t")),
        ("destinations", destinations, ("node", "country", "accepts", "operator", "intake_t")),
    ):
        missing = [Problem(name, f"column `{c}` is missing.") for c in columns if c not in frame]
        problems += missing
        if missing:
            continue
        if not frame.index.is_unique:
            problems.append(Problem(name, "process ids repeat."))
        values = frame[columns[-1]].to_numpy(dtype=float)
        problems += [
            Problem(f"{name} `{frame.index[k]}`", f"{columns[-1]} is {values[k]}; expected a number >= 0.")
            for k in np.flatnonzero(~(values >= 0) | np.isinf(values)).tolist()
        ]
    if cost.shape != (len(origins), len(destinations)):
        problems.append(Problem("cost", f"shape {cost.shape}; expected {(len(origins), len(destinations))}."))
    elif np.isnan(cost).any():
        problems.append(Problem("cost", "holds NaN; an impossible pair is written inf."))
    if not problems:
        supply, intake = float(origins["supply_t"].sum()), float(destinations["intake_t"].sum())
        if abs(supply - intake) > 1e-9 * max(supply, intake):
            remedy = "Close the stages first: a stock process takes up what they disagree on."
            problems.append(Problem("totals", f"supply {supply:.6g} t, intake {intake:.6g} t.", remedy))
    if problems:
        raise DataError("the flow estimate cannot start", problems)


def _pairs(frame: pd.DataFrame, origins: pd.DataFrame, destinations: pd.DataFrame) -> list[tuple[int, int, Any]]:
    """Resolve links (given by process or by node) to pairs of positions."""
    at: list[dict[object, list[int]]] = []
    for side in (origins, destinations):
        found: dict[object, list[int]] = {}
        for position, (process, node) in enumerate(zip(side.index, side["node"], strict=True)):
            found.setdefault(process, []).append(position)
            if node != process:
                found.setdefault(node, []).append(position)
        at.append(found)
    ordered = frame.sort_values(["origin", "destination"], kind="stable") if len(frame) else frame
    return [
        (i, j, row)
        for row in records(ordered)
        for i in at[0].get(row.origin, [])
        for j in at[1].get(row.destination, [])
    ]


def _relation(work: _Work, links: pd.DataFrame, ties: pd.DataFrame) -> Floats:
    """Weigh operators, ties and published links: the strongest that applies."""
    o, d = work.origins, work.destinations
    same = shared([tokens(x) for x in o["operator"]], [tokens(x) for x in d["operator"]])
    factor = np.where(same, OPERATOR, 1.0)
    for kind, frame, strength in (("tie", ties, OPERATOR), ("link", links, LINK)):
        for i, j, row in _pairs(frame, o, d):
            if not np.isfinite(work.cost[i, j]):
                work.note(kind, o.index[i], d.index[j], "refused", note="no route", reference=row.reference)
                continue
            factor[i, j] = max(factor[i, j], strength)
            if kind == "link":
                work.allowed[i, j] = True  # a page saw it ship: the lists of forms are too short
            tonnes = getattr(row, "flow_t", None)
            if kind == "tie" or tonnes is None or pd.isna(tonnes):
                work.note(kind, o.index[i], d.index[j], "prior", reference=row.reference)
    return factor


def _stores(destinations: pd.DataFrame) -> Flags:
    """Mark the stocks: they take only what is made where they lie."""
    if "role" not in destinations:
        return np.zeros(len(destinations), dtype=bool)
    return np.asarray(destinations["role"].eq("stock"), dtype=bool)


def _banned(work: _Work, bans: pd.DataFrame | None) -> Flags:
    """Mark the pairs that an export ban forbids."""
    shut = np.zeros(work.cost.shape, dtype=bool)
    exporters = work.origins["country"].to_numpy(dtype=object)
    importers = work.destinations["country"].to_numpy(dtype=object)
    for row in records(bans) if bans is not None else []:
        abroad = importers != row.exporter if pd.isna(row.importer) else importers == row.importer
        shut |= (exporters == row.exporter)[:, None] & abroad[None, :]
    return shut


def _tell_bans(work: _Work, bans: pd.DataFrame, shut: Flags, flow: Floats) -> None:
    """Report what crosses a ban all the same."""
    exporters = work.origins["country"].to_numpy(dtype=object)
    for row in records(bans.drop_duplicates("exporter")):
        cells = shut & (exporters == row.exporter)[:, None]
        if cells.any():
            work.note(
                "ban",
                row.exporter,
                row.importer,
                "leaks" if flow[cells].sum() > 1 else "holds",
                after_t=float(flow[cells].sum()),
                reference=row.reference,
            )


def _pin(work: _Work, links: pd.DataFrame) -> None:
    """Fix on-site pairs first, then published tonnages that fit into what is left."""
    o, d = work.origins, work.destinations
    node, other = o["node"].to_numpy(), d["node"].to_numpy()
    for i, j in np.argwhere((node[:, None] == other[None, :]) & work.allowed).tolist():
        amount = min(work.s[i], work.d[j])
        if amount > 0:
            work.pinned[i, j] += amount
            work.pin_kind[i, j] = "onsite"
            work.note("onsite", o.index[i], d.index[j], "fixed", low_t=amount, high_t=amount)
    for i, j, row in _pairs(links, o, d):
        tonnes = getattr(row, "flow_t", None)
        if tonnes is None or pd.isna(tonnes) or not np.isfinite(work.cost[i, j]) or node[i] == other[j]:
            continue
        free = float(min(work.s[i], work.d[j]))
        given = {"low_t": float(tonnes), "high_t": float(tonnes), "reference": row.reference}
        if tonnes > free or work.pinned[i, j] > 0:
            work.note("link", o.index[i], d.index[j], "prior", note=f"only {free:.0f} t are free", **given)
            continue
        work.pinned[i, j] = float(tonnes)
        work.pin_kind[i, j] = f"link:{row.reference}"
        work.note("link", o.index[i], d.index[j], "fixed", **given)


def _open(work: _Work, rows: Ints, columns: Ints) -> bool:
    """Give way across a cut: fixed tonnages first, then forms; False if nothing is left to open."""
    inside, taken = np.zeros(len(work.origins), bool), np.zeros(len(work.destinations), bool)
    inside[rows], taken[columns] = True, True
    across = (work.pinned > 0) & (inside[:, None] != taken[None, :])
    for prefix in ("link", "onsite"):
        give = across & np.char.startswith(work.pin_kind.astype(str), prefix) & ~_stores(work.destinations)[None, :]
        if give.any():
            for i, j in np.argwhere(give).tolist():
                work.note(
                    prefix,
                    work.origins.index[i],
                    work.destinations.index[j],
                    "freed",
                    low_t=work.pinned[i, j],
                    note="the sums cannot be met with it",
                )
                work.pinned[i, j] = 0.0
                work.pin_kind[i, j] = ""
            return True
    closed = inside[:, None] & ~taken[None, :] & work.reachable & ~work.allowed
    closed &= (work.s > 0)[:, None] & (work.d > 0)[None, :]
    work.allowed |= closed
    work.log_prior[closed] += np.log(FORM_FLOOR)
    for i in np.flatnonzero(closed.any(1)).tolist():
        names = [str(x) for x in work.destinations.index[closed[i]]]
        work.note(
            "form",
            work.origins.index[i],
            ";".join(names[:20]),
            "opened",
            note=f"{len(names)} plants that do not list its forms; no other way to place it",
        )
    return bool(closed.any())


def _support(work: _Work) -> Flags:
    """Pairs open to the estimate, less those fixed by a link."""
    fixed = np.char.startswith(work.pin_kind.astype(str), "link")
    return np.asarray(work.allowed & ~fixed & (work.s > 0)[:, None] & (work.d > 0)[None, :])


def _solve(work: _Work, support: Flags, **bands: Any) -> Balanced:
    return balance(np.where(support, work.log_prior, -np.inf), work.s, work.d, **bands)


def _polished(work: _Work, support: Flags, **bands: Any) -> Balanced:
    """Balance; where the optimum lies on the edge of the support, leave the pairs out that it forces to zero."""
    found = _solve(work, support, **bands)
    if 1e-10 < found.error <= 1e-4:
        inside = _solve(work, support & (found.flow > 1e-9 * work.s.sum()), **bands)
        found = inside if inside.error < found.error else found
    return found


def _feasible(work: _Work) -> Balanced:
    """Balance without bands, giving way where the sums cannot be met."""
    while True:
        found = _polished(work, _support(work))
        if found.error <= 1e-10:
            return found
        cut = shortfall(_support(work), work.s, work.d)
        if not len(cut.rows):
            raise InfeasibleError(f"the flows did not converge (relative error {found.error:.1e})")
        if _open(work, cut.rows, cut.columns):
            continue
        names = [str(x) for x in work.origins.index[cut.rows]]
        takers = [str(x) for x in work.destinations.index[cut.columns]]
        raise InfeasibleError(
            f"{cut.left:.6g} t a year cannot be placed: {', '.join(names[:8])} make {work.s[cut.rows].sum():.6g} t, "
            f"but all that can be reached from there ({', '.join(takers[:8]) or 'nothing'}) takes "
            f"{work.d[cut.columns].sum():.6g} t. Give them a route, a taker of their forms, or a stock process.",
            {"origins": names, "destinations": takers, "left_t": cut.left},
        )


def _blocks(work: _Work, bands: pd.DataFrame) -> Ints:
    """Give each pair the number of its band, -1 for none."""
    block = np.full((len(work.origins), len(work.destinations)), -1)
    exporters, importers = work.origins["country"].to_numpy(), work.destinations["country"].to_numpy()
    for k, row in enumerate(records(bands)):
        block[np.ix_(named(exporters, row.exporter), named(importers, row.importer))] = k
    return block


def _accept(work: _Work, bands: pd.DataFrame, found: Balanced) -> pd.DataFrame:
    """Refuse bands that the margins, the routes or the other bands cannot bear."""
    o, d = work.origins, work.destinations
    refused: dict[int, str] = {}
    block = _blocks(work, bands)
    total = found.flow + work.pinned
    for k, row in enumerate(records(bands)):
        cells = block == k
        supply = float(o.loc[named(o["country"].to_numpy(), row.exporter), "supply_t"].sum())
        intake = float(d.loc[named(d["country"].to_numpy(), row.importer), "intake_t"].sum())
        if row.low_t > min(supply, intake):
            refused[k] = f"larger than the margins ({supply:.0f} t supply, {intake:.0f} t intake)"
        elif not (_support(work) & cells).any() and not row.low_t <= total[cells].sum() <= row.high_t:
            refused[k] = "no open pair"
        elif work.pinned[cells].sum() > row.high_t:
            refused[k] = "published links carry more"
    while True:
        keep = bands.drop(index=list(refused))
        if not len(keep):
            break
        block = _blocks(work, keep)
        fixed = np.array([work.pinned[block == k].sum() for k in range(len(keep))])
        low = np.maximum(keep["low_t"].to_numpy(dtype=float) - fixed, 0.0)
        high = keep["high_t"].to_numpy(dtype=float) - fixed
        miss = band_misses(found.flow, _support(work), work.s, work.d, block=block, low=low, high=high, keep=KEEP)
        worst = int(np.argmax(miss))
        if miss[worst] <= 1e-7 * max(float(work.s.sum()), 1.0):
            break
        refused[int(keep.index[worst])] = f"the margins and the other records leave {miss[worst]:.0f} t of it out"
    for k, why in sorted(refused.items()):
        row = bands.iloc[k]
        work.note(
            "band",
            row["exporter"],
            row["importer"],
            "refused",
            low_t=row["low_t"],
            high_t=row["high_t"],
            before_t=float(total[_blocks(work, bands) == k].sum()),
            note=why,
            reference=row["reference"],
        )
    return bands.drop(index=list(refused)).reset_index(drop=True)


def _limits(work: _Work, bands: pd.DataFrame) -> dict[str, Any]:
    """Give the bands as the solver takes them, less what is fixed."""
    if not len(bands):
        return {}
    block = _blocks(work, bands)
    fixed = np.array([work.pinned[block == k].sum() for k in range(len(bands))])
    return {
        "block": block,
        "low": np.maximum(bands["low_t"].to_numpy(dtype=float) - fixed, 0.0),
        "high": bands["high_t"].to_numpy(dtype=float) - fixed,
    }


def _tell(work: _Work, bands: pd.DataFrame, before: Floats, after: Floats) -> None:
    """Report what each accepted band did, and what it displaced."""
    old, new = (by_country(x, work.origins, work.destinations) for x in (before, after))
    moved = new.sub(old, fill_value=0.0)
    sellers, buyers = (moved.index.get_level_values(level).to_numpy() for level in (0, 1))
    block = _blocks(work, bands)
    for k, row in enumerate(records(bands)):
        was, now = float(before[block == k].sum()), float(after[block == k].sum())
        acts = now <= row.low_t * (1 + 1e-6) or now >= row.high_t * (1 - 1e-6)
        sells, buys = named(sellers, row.exporter), named(buyers, row.importer)
        side = moved[(sells | buys) & ~(sells & buys)] * np.sign(was - now)
        top = side[side > max(1.0, 0.01 * abs(now - was))].sort_values(ascending=False, kind="stable").head(3)
        sign = "-" if now > was else "+"
        note = ", ".join(f"{a} to {b} {sign}{x:.0f} t" for (a, b), x in top.items()) if acts else ""
        work.note(
            "band",
            row.exporter,
            row.importer,
            "acts" if acts else "inside",
            low_t=row.low_t,
            high_t=row.high_t,
            before_t=was,
            after_t=now,
            note=note,
            reference=row.reference,
        )


def _thin(work: _Work, found: Balanced, limits: dict[str, Any], *, tail: float, least_t: float, most: int) -> Balanced:
    """Drop pairs that are small for both ends, then balance again; give pairs back where the sums need them."""
    s, d, full = work.s, work.d, found.flow
    if not full.any():
        return found
    share = np.maximum(full / np.maximum(s, 1e-300)[:, None], full / np.maximum(d, 1e-300)[None, :])
    dust = (full < DUST * full.sum()) & (share < 10 * tail)
    small = (share < tail) | (full < least_t) | dust
    keep = (full > 0) & ~small
    if keep.sum() > most:  # keep the largest, by their share of the smaller end
        keep &= share >= np.sort(share[keep])[::-1][most - 1]
    keep[np.arange(len(s))[s > 0], full.argmax(1)[s > 0]] = True
    keep[full.argmax(0)[d > 0], np.arange(len(d))[d > 0]] = True
    keep &= full > 0
    for _ in range(25):
        thinned = _polished(work, keep, **limits)
        if thinned.error <= 1e-10:
            return thinned
        cut = shortfall(keep, s, d)
        back = np.zeros_like(keep)
        if len(cut.rows):
            outside = np.setdiff1d(np.arange(len(d)), cut.columns)
            back[np.ix_(cut.rows, outside)] = True
        else:
            back[share >= tail / 8] = True
        grown = keep | (back & (full > 1e-12 * s.sum()))
        if (grown == keep).all():
            break
        keep = grown
    return found


def estimate(
    origins: pd.DataFrame,
    destinations: pd.DataFrame,
    *,
    cost: Floats,
    owners: pd.DataFrame,
    links: pd.DataFrame,
    ties: pd.DataFrame,
    bands: pd.DataFrame,
    bans: pd.DataFrame | None = None,
    theta: float = 75.0,
    tail: float = 0.005,
    least_t: float = 1.0,
    most_pairs: int = 1500,
) -> Estimate:
    """Estimate who ships to whom for one product.

    Parameters
    ----------
    origins
        Index process; columns node, country, makes, operator, supply_t (tonnes a year).
    destinations
        Index process; columns node, country, accepts, operator, intake_t, equal in total to the supplies; and
        role if known: a ``stock`` takes only what is made where it lies.
    cost
        Freight in USD per tonne of metal, origins by destinations; ``inf`` = no route.
    owners
        Columns node, owner, share.
    links
        Published links, columns origin, destination (processes or nodes), flow_t (may be missing), reference.
    ties
        Same columns: the same operator or group at both ends.
    bands
        Customs records, columns exporter, importer (alpha-3, or ``EUU`` for the European Union), low_t, high_t,
        reference.
    bans
        Export bans in force, columns exporter, importer (missing = everyone else), reference: what is left of
        the prior is one in a thousand.
    theta
        Spread of freight cost, USD per tonne of metal.
    tail, least_t, most_pairs
        A pair is dropped if it is below the share ``tail`` of both its ends, below ``least_t``, dust (3e-5 of
        all tonnes and below ten tails of its ends), or beyond the ``most_pairs`` largest; ``tail=0, least_t=0``
        keeps everything.

    Returns
    -------
    Estimate

    Raises
    ------
    DataError
        If columns are missing, a figure is not a number, or the totals differ.
    InfeasibleError
        If some sites cannot be served by any route; the certificate names them.

    Notes
    -----
    Unique optimum of a strictly convex problem; a few dense Newton steps of order (n + m)^3, and a linear
    program where sums or bands cannot be met at once.

    References
    ----------
    Csiszár, I-divergence geometry (1975); Dykstra, An iterative procedure for I-projections (1985).
    """
    cost = np.asarray(cost, dtype=float)
    _check(origins, destinations, cost)
    here = origins["node"].to_numpy()[:, None] == destinations["node"].to_numpy()[None, :]
    reachable = np.isfinite(cost) & (here | ~_stores(destinations)[None, :])
    shape = cost.shape
    work = _Work(
        origins,
        destinations,
        cost,
        np.zeros(shape),
        compatible(origins, destinations) & reachable,
        reachable,
        np.zeros(shape),
        np.full(shape, "", dtype=object),
        [],
    )
    relation = _relation(work, links, ties)
    with np.errstate(divide="ignore"):
        size = np.log(origins["supply_t"].to_numpy(dtype=float))[:, None]
        size = size + np.log(destinations["intake_t"].to_numpy(dtype=float))[None, :]
        like = np.log(likeness(origins, destinations))
    work.log_prior = (
        size
        + np.where(np.isfinite(like), like, 0.0)
        + np.log(relation)
        + OWNER * overlap(origins, destinations, owners)
    )
    work.log_prior = work.log_prior - np.where(reachable, cost, 0.0) / theta
    shut = _banned(work, bans)
    work.log_prior[shut] += np.log(BAN)
    _pin(work, links)
    plain = _feasible(work)
    accepted = _accept(work, bands.reset_index(drop=True), plain) if len(bands) else bands
    limits = _limits(work, accepted)
    found = _solve(work, _support(work), **limits) if limits else plain
    if found.error > 1e-10:  # bands that agree in a linear program but not within the scaling's range
        for row in records(accepted):
            work.note(
                "band",
                row.exporter,
                row.importer,
                "refused",
                low_t=row.low_t,
                high_t=row.high_t,
                note="the records did not converge together",
                reference=row.reference,
            )
        accepted, limits, found = accepted.iloc[:0], {}, plain
    if tail > 0 or least_t > 0:
        found = _thin(work, found, limits, tail=tail, least_t=least_t, most=most_pairs)
    if len(accepted):
        _tell(work, accepted, plain.flow + work.pinned, found.flow + work.pinned)
    if bans is not None and shut.any():
        _tell_bans(work, bans, shut, found.flow + work.pinned)
    return _result(work, found)


def _result(work: _Work, found: Balanced) -> Estimate:
    flow = found.flow + work.pinned
    kinds = work.pin_kind.astype(str)
    reported = np.char.startswith(kinds, "link")
    reference = np.where(reported, np.char.partition(kinds, ":")[..., 2], "")
    report = pd.DataFrame(work.rows, columns=list(REPORT))
    for column in ("low_t", "high_t", "before_t", "after_t"):
        report[column] = report[column].astype(float)
    return Estimate(flow, np.where(reported, "reported", "estimated"), reference, report)
