"""Refining-concentration centrality: which sites the concentration of refining comes from.

``s_v`` is the share of final demand (all that is used, or put in stock for good) whose last refining
was at v (traced backward, so losses and loops cancel) and ``S_c`` the share of a country.
``C(v) = s_v S_country(v)``; the sum over the refineries is exactly the HHI of refining: the chance
that one tonne of demand came from v and another from the same country.
``M(v) = 2 s_v (S_country(v) - HHI)`` is the change of the HHI as v grows; it sums to zero. C
attributes, M advises.

For any node, edge or strait u, ``C(u) = sum_v P(v, u) S_country(v)`` with P the share of demand that was refined at v
and passes u; over any stage that each tonne crosses once these sum to the HHI as well. With a kernel K of how alike
suppliers are, ``C_K(v) = s_v (K s)_v`` and ``M_K(v) = 2 s_v ((K s)_v - s'K s)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import factories, mixing, spread, tracing
from supplygraph.measures.attribution import Attribution
from supplygraph.measures.centrality_result import CentralityResult, owners_in_words, words
from supplygraph.measures.items import Items
from supplygraph.measures.passing import over_edges, passing
from supplygraph.world.ensemble import Ensemble

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplygraph.measures.kinship import Kernel, Scores
    from supplygraph.measures.stages import Blocs
    from supplygraph.network.network import SupplyNetwork

    Floats = NDArray[np.float64]

__all__ = ["CentralityResult", "refining_centrality"]

OF = ("refining", "nodes", "edges", "passages")
#: Columns of what a site pays per tonne of demand (see `_payoff`).
_SHARE, _KNOWN, _HIGH, _OTHER, _LACKS, _OTHER_NAMED, _OTHER_LACKS = range(7)
#: A part of a cargo under this is what rounding leaves of nothing.
_NOTHING = 1e-12


def refining_centrality(
    net: SupplyNetwork | Ensemble,
    *,
    stage: str = "refining",
    by: str = "country",
    of: str = "refining",
    kernel: Kernel | None = None,
    blocs: Blocs | None = None,
    wgi: Scores = None,
    t: Scores = None,
    per: str | None = None,
    inescapable: bool = True,
    bounds: bool = False,
) -> CentralityResult:
    """Attribute the concentration of a stage to the sites it comes from.

    Parameters
    ----------
    net
        A network with one mineral in the stage, or an ensemble of it.
    stage
        The stage whose concentration is attributed; ``refining`` means separation where nothing
        else refines.
    by
        Who counts as one supplier: ``"country"`` (where a site stands), ``"owner"`` (countries of its owners, by
        their shares) or ``"bloc"`` (of the country where it stands).
    of
        ``"refining"``: the sites of the stage. ``"nodes"``: every site, port and strait. ``"passages"``: the straits.
        ``"edges"``: every link. All but the first by the share of demand that passes them.
    kernel
        How alike two suppliers are: ``"same"`` (default: 1 within one country, owner or bloc, else 0), ``"wgi"``
        (within one country ``WGI'_c t_c``, so that the total is the EU's HHI_WGI,t), or a symmetric matrix
        with entries of 0 or more, as a frame over countries (blocs with ``by="bloc"``) or over sites.
    blocs
        For ``by="bloc"``: country to bloc (others stand for themselves), or an alignment, whose tiers are the blocs.
    wgi, t
        For ``kernel="wgi"``: mean of the six World Governance Indicators by country (default: the bundled ones of
        2023), and trade parameters (default: 1, nothing restricted; True: those of the EU study).
    per
        ``"factory"`` or ``"country"``: one row per factory or consumer country instead; see Returns.
    inescapable
        With ``per``: also what of each demand no other country could refine (one max flow or linear program per row
        and supplier).
    bounds
        Also the least and largest shares and centralities over all ways to match inputs to outputs inside processes
        (for the sites of the stage, and with ``per``): columns ``share_bound_low``, ``share_bound_high``,
        ``centrality_bound_low``, ``centrality_bound_high``; see :mod:`supplygraph.measures.mixing`.

    Returns
    -------
    CentralityResult
        Table indexed by ``node`` (``edge``), the most central first: ``name``, ``kind``, ``country``, ``owners``;
        ``share`` of final demand; ``country_share`` (``owner_share``, ``bloc_share``; with other kernels
        ``ordinariness``) of its country, or on average over its cargo; ``centrality`` C; ``marginal`` M;
        ``centrality_high`` (the unknown rest taken as one place; ``centrality`` is the lower bound). Beside them the
        other view, of owners (by owner: of territory): ``owner_share``, ``centrality_owner``, missing where no owner is
        known. Figures: ``hhi`` (s'K s), ``hhi_low``, ``hhi_high``, ``effective_n`` (1/s'K s, the effective number of
        independent suppliers), ``hhi_owner``, ``hhi_owner_high``, ``unknown_share``, ``unknown_share_owner``,
        ``uncrossed_share``.

        With ``per``, a :class:`~supplygraph.measures.factories.FactoryResult`.

    Raises
    ------
    UnknownNameError
        If there is no such stage, grouping, kernel or option.
    DataError
        If there are no shipments to trace, no demand crosses a site of known origin, options do not go
        together, or a matrix or weights cannot be right (all problems are listed).

    Examples
    --------
    >>> import supplygraph as sg
    >>> net = sg.load("cobalt")
    >>> told = sg.refining_centrality(net)
    >>> bool(abs(told.table["centrality"].sum() - sg.concentration(net, stage="refining").hhi) < 1e-9)
    True
    >>> bool(abs(told.table["marginal"].sum()) < 1e-9)
    True

    Who owns Indonesia's nickel refineries:

    >>> sg.refining_centrality(sg.load("nickel")).table.loc["imip-morowali", ["country", "owners"]].tolist()
    ['IDN', 'CHN 100%']

    Notes
    -----
    C is the Shapley value of the game ``w(T) = sum_c (sum of s_v in T and c)^2`` and the only rule that adds up to the
    HHI, treats like sites alike, gives nothing to unused ones and is additive over kernels. It attributes; a site
    with a high C may still lower the HHI by growing. 1/s'K s: Leinster and Cobbold 2012; s'K s: Rao 1982.

    A country that the kernel has no number for gives missing centralities and a missing total, and the words say why.
    Complexity: one pass over the shipments per stage of the chain; other items than the stage's own sites: see
    :mod:`supplygraph.measures.passing`.
    """
    options: dict[str, Any] = {
        "stage": stage, "by": by, "of": of, "kernel": kernel, "blocs": blocs, "wgi": wgi, "t": t, "per": per,
        "bounds": bounds,
    }  # fmt: skip
    if isinstance(net, Ensemble):
        return _over(net, options, inescapable=inescapable)
    if of not in OF:
        raise UnknownNameError.of("option `of`", of, OF)
    if per is not None and per not in factories.PER:
        raise UnknownNameError.of("option `per`", per, factories.PER)
    together = [*([f"per={per!r}"] if per is not None else []), *(["bounds=True"] if bounds else [])]
    if together and of != "refining":
        problem = Problem("of", f"is {of!r}, but {' and '.join(together)}", "That is told of the sites of the stage.")
        raise DataError("these options do not go together", [problem])
    found = Attribution.of(net, stage=stage, by=by, kernel=kernel, blocs=blocs, wgi=wgi, t=t)
    params = {key: value for key, value in options.items() if value is not None} | {"kernel": found.kernel}
    params |= {name: "as given" for name in ("wgi", "t") if not isinstance(params.get(name, True), bool)}
    if per is not None:
        return factories.answer(found, per, params, inescapable=inescapable, bounds=bounds)
    figures = found.figures()
    table = _table(found, of)
    if bounds:
        figures |= _add_bounds(found, table)
    return CentralityResult(
        title=f"Concentration centrality of {found.mineral}, {stage}, by {by}{'' if of == 'refining' else f': {of}'}",
        table=table,
        params=params,
        network=net,
        figures=figures,
        explanation=words(found, table, figures),
    )


def _over(ensemble: Ensemble, options: dict[str, Any], *, inescapable: bool) -> CentralityResult:
    """Answer over draws; what could be done without a country is asked of the central network only."""
    if options["per"] is not None:
        told = spread.over(ensemble, refining_centrality, factories.SPREAD, **options, inescapable=False)
        if inescapable:
            told = factories.with_inescapable(told, refining_centrality(ensemble.net, **options))
        return told
    other = "country" if options["by"] == "owner" else "owner"
    what = spread.Spread(
        columns=("share", "centrality", "marginal", f"centrality_{other}"),
        rank="centrality",
        figures=("hhi", "effective_n", f"hhi_{other}", "unknown_share", "uncrossed_share"),
    )
    return spread.over(ensemble, refining_centrality, what, **options)


def _payoff(found: Attribution) -> Floats:
    """Return what each site of the stage pays per tonne of demand refined there, by column."""
    view, other = found.view, found.other
    paid = np.zeros((len(found.sites), 7))
    paid[:, _SHARE] = 1.0
    paid[:, _KNOWN], paid[:, _HIGH], paid[:, _LACKS] = view.ordinary, view.ordinary_high, view.doubtful
    if other is not None:
        paid[:, _OTHER], paid[:, _OTHER_LACKS] = other.ordinary, other.doubtful
        paid[:, _OTHER_NAMED] = other.kin.stakes.known > 0
    return paid


def _table(found: Attribution, of: str) -> pd.DataFrame:
    net, paid = found.net, _payoff(found)
    if of == "refining":
        rows, amount = found.sites, found.tonnes[:, None] * paid / found.crossed_t
        items = net.nodes
    else:
        traced = found.traced
        touches = over_edges(traced) if of == "edges" else tracing.visits(traced)
        items = net.nodes
        if of == "edges":
            items = Items.of(net, "edge").table
        rows = np.arange(len(items))
        if of == "passages":
            passage = (items["kind"] == "passage").to_numpy()
            touches = tuple(part[passage[touches[1]]] for part in touches)  # type: ignore[assignment]
        per_process = np.where(found.inside[:, None], paid[found.site], 0.0)
        amount = passing(traced, found.inside, per_process, touches, len(items)) / found.crossed_t
    told = _columns(found, amount)
    used = amount[:, _SHARE] > 0
    central = np.nan_to_num(told["centrality"], nan=-1.0)
    order = np.lexsort((rows, -told["share"], -central))
    kept = order[used[order]]
    place = rows[kept]
    # A link is not among the nodes, and has no owner.
    owners = owners_in_words(net, items.index[place])
    table: dict[str, Any] = {name: items[name].array.take(place) for name in ("name", "kind", "country")}
    table |= {"owners": owners} | {name: column[kept] for name, column in told.items()}
    return pd.DataFrame(table, index=items.index[place])


def _add_bounds(found: Attribution, table: pd.DataFrame) -> dict[str, float]:
    """Add columns with the bounds over all matchings; return those of the index."""
    ranges = mixing.of_all(found)
    place = np.searchsorted(found.sites, found.net.nodes.index.get_indexer(table.index))
    lacks = found.view.doubtful[place]
    for name, low, high in (
        ("share", ranges.low, ranges.high), ("centrality", ranges.central_low, ranges.central_high)
    ):  # fmt: skip
        for ending, side in (("low", low), ("high", high)):
            missing = lacks if name == "centrality" else np.zeros(len(place), dtype=np.bool_)
            table[f"{name}_bound_{ending}"] = np.where(missing, np.nan, side[0, place])
    unsure = len(found.view.lacking) > 0
    sides = {"hhi_bound_low": ranges.hhi_low, "hhi_bound_high": ranges.hhi_high}
    return {name: float("nan") if unsure else float(side[0]) for name, side in sides.items()}


def _columns(found: Attribution, amount: Floats) -> dict[str, Floats]:
    """Turn amounts of demand times payoff (over all demand that crossed) into the columns of the table."""
    share = amount[:, _SHARE]
    of_total = np.where(share > 0, share, 1.0)
    lacks = amount[:, _LACKS] > _NOTHING * share
    other_lacks = (amount[:, _OTHER_LACKS] > _NOTHING * share) | (amount[:, _OTHER_NAMED] <= _NOTHING * share)
    known = np.where(lacks, np.nan, amount[:, _KNOWN])
    other = np.where(other_lacks, np.nan, amount[:, _OTHER])
    mine, theirs = found.share_columns
    return {
        "share": share,
        mine: known / of_total,
        "centrality": known,
        "marginal": 2.0 * (known - share * found.view.total),
        "centrality_high": np.where(lacks, np.nan, amount[:, _HIGH]),
        theirs: other / of_total,
        f"centrality_{found.other_name}": other,
    }
