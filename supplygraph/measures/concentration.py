"""Concentration: how much of a stage lies in few hands.

With the shares ``S`` of countries (owners, sites) in a stage, the Herfindahl-Hirschman index is
``HHI = sum S^2``, in (0, 1]; ``1 / HHI`` is the effective number of suppliers. A rest ``r`` of
unknown origin adds nothing to it and between nothing and ``r^2`` to the truth, because it comes
from places that are not among the named ones. Weighed with governance and trade it is the EU's
``HHI_WGI,t = sum S^2 WGI' t``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import governance, quantities, spread, stages, tracing
from supplygraph.measures.quantities import HhiResult, Shares, of_tonnes
from supplygraph.world.ensemble import Ensemble

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from supplygraph.measures.stages import Blocs
    from supplygraph.network.network import SupplyNetwork

    Floats = NDArray[np.float64]
    #: Scores by country, ``True`` for the bundled ones, ``False`` for none.
    Scores = pd.Series | Mapping[str, float] | bool | None

__all__ = ["ConcentrationResult", "Shares", "concentration", "delivered", "of_processes", "of_tonnes", "production"]

_WEIGHTS = ("production", "demand")
#: What varies between the draws of an ensemble, beside the figures that were asked for.
_FIGURES = ("hhi", "hhi_10000", "effective_n", "top1", "top3", "n_minus_1", "n_minus_1_iea", "unknown_share", "total_t")
_WEIGHTED = ("hhi_wgi", "hhi_wgi_t")
_KINDS = {"country": "countries", "owner": "owner countries", "bloc": "blocs", "node": "sites"}


class ConcentrationResult(HhiResult):
    """Concentration of one stage.

    ``table`` has one row per country (owner, bloc, node): ``quantity_t``, ``share``, ``rank``, and ``wgi`` (mean of the
    six indicators) and ``t`` where they are used. ``missing`` says which figures are missing, and why. Figures with
    bounds have them as ``..._low`` and ``..._high``: from what has no name and, with an ensemble, from uncertain
    quantities as well.
    """

    @property
    def hhi_10000(self) -> float:
        """The index on the scale of competition law, 0 to 10 000."""
        return float(self.figures["hhi_10000"])

    @property
    def top1(self) -> float:
        """Share of the largest."""
        return float(self.figures["top1"])

    @property
    def top3(self) -> float:
        """Share of the three largest."""
        return float(self.figures["top3"])

    @property
    def n_minus_1(self) -> float:
        """Supply left without the largest supplier, over demand."""
        return float(self.figures["n_minus_1"])

    @property
    def n_minus_1_iea(self) -> float:
        """The same as the IEA counts: the demand of the largest supplier's own country is left out, too."""
        return float(self.figures["n_minus_1_iea"])

    @property
    def unknown_share(self) -> float:
        """Share of unknown origin."""
        return float(self.figures["unknown_share"])


def concentration(
    what: SupplyNetwork | Ensemble | pd.Series | Mapping[str, float],
    *,
    stage: str = "refining",
    by: str = "country",
    blocs: Blocs | None = None,
    weight: str = "production",
    wgi: Scores = None,
    t: Scores = None,
    demand: float | pd.Series | Mapping[str, float] | None = None,
    unit: str | None = None,
) -> ConcentrationResult:
    """Measure how concentrated a stage is.

    Parameters
    ----------
    what
        A network with one mineral in the stage, an ensemble of it, or plain tonnes by ISO alpha-3 code, in which
        ``OTH`` or a missing key is the unnamed rest.
    stage
        ``mining``, ``refining``, ... ; ``refining`` means separation where nothing else refines.
    by
        ``"country"`` (where the sites stand), ``"owner"`` (countries of their owners), ``"bloc"`` or ``"node"`` (the
        site; ``"facility"`` is another word for it).
    blocs
        For ``by="bloc"``: the bloc of each country, or an alignment, whose tiers are the blocs.
    weight
        ``"production"`` (tonnes made) or ``"demand"`` (tonnes of final demand by their last process
        of the stage).
    wgi
        Governance by country, to weigh with: estimates of the World Bank or their mean, -2.5 to 2.5, higher is better.
        ``True``: the bundled mean of six, 2023, in which New Caledonia and French Polynesia, which have none, take that
        of France. A network is always weighed with it; ``False`` leaves it out.
    t
        Trade parameter by country, 1 without restriction. ``True``, and by default on a network: that of the EU study
        of 2023 for the mineral and stage, which predates China's export licences of 2023 to 2025; suppliers that it
        does not list have 1, unless a restriction is on record.
    demand
        For plain tonnes: demand, or demand by country. Without it demand is the supply.
    unit
        For plain quantities: ``"t"``, ``"share"`` or ``"pct"``; shares must sum to 1 (100) within rounding.

    Returns
    -------
    ConcentrationResult
        Table indexed by country (owner, bloc, node) with ``quantity_t``, ``share``, ``rank``, ``wgi``, ``t``; figures
        ``hhi``, ``hhi_10000``, ``effective_n``, ``top1``, ``top3``, ``n_minus_1``, ``hhi_wgi``, ``hhi_wgi_t``, each
        with ``_low`` and ``_high``, and ``n_minus_1_iea``; table ``missing`` with what could not be told, and why. An
        ensemble adds bounds to shares and figures, and the stability of ranks.

    Raises
    ------
    DataError
        If the tonnes cannot be right (totals among the rows, duplicates, negative or unknown entries, shares that do
        not sum to one; all are listed), or if several minerals share the stage.
    UnknownNameError
        If there is no such stage, grouping, weight or unit.

    Examples
    --------
    >>> told = concentration({"CHN": 750.0, "JPN": 150.0, "OTH": 100.0}, wgi={"CHN": -0.3, "JPN": 1.3})
    >>> round(told.hhi, 4), round(told.hhi_high, 4)
    (0.585, 0.595)
    >>> round(told.hhi_wgi, 4), round(told.hhi_wgi_high, 4)
    (3.204, 3.304)
    >>> told.table
             quantity_t  share  rank  wgi
    country
    CHN           750.0   0.75     1 -0.3
    JPN           150.0   0.15     2  1.3

    Notes
    -----
    The weighted index is ``sum S^2 x 2 (2.5 - WGI) x t`` (European Commission 2017), 0 to 10 times t. A named country
    without governance score makes it missing; its bounds let that score run from best to worst. The unnamed rest is at
    worst one place with the worst score and the largest t. N-1 after the IEA's Global Critical Minerals Outlook 2025.
    Complexity: linear in the processes; ``weight="demand"`` traces the shipments once.
    """
    by = "node" if by == "facility" else by
    if weight not in _WEIGHTS:
        raise UnknownNameError.of("weight", weight, _WEIGHTS)
    if by not in stages.GROUPINGS:
        raise UnknownNameError.of("grouping", by, stages.GROUPINGS)
    if isinstance(what, Ensemble):
        return _over(what, stage=stage, by=by, blocs=blocs, weight=weight, wgi=wgi, t=t)
    params = {"stage": stage, "by": by, "weight": weight} | ({} if blocs is None else {"blocs": blocs})
    if isinstance(what, (pd.Series, Mapping)):
        return _of_plain(what, params, blocs=blocs, wgi=wgi, t=t, demand=demand, unit=unit)
    inside = stages.in_stage(what, stage)
    made = production(what, inside) if weight == "production" else delivered(what, inside)
    wanted = _wanted(what, inside, final=weight == "demand")
    counted = of_processes(what, made, by=by, blocs=blocs)
    if weight == "demand":  # shares are of the demand that crossed the stage
        wanted *= counted.total / wanted.sum()
    home = _home(what, counted.tonnes.index, by)
    scores = _scores(counted, home, "bundled" if wgi is None else wgi, t, key=(_one_mineral(what, inside), stage))
    return _answer(counted, params, network=what, wanted=_by_label(wanted, by, blocs), scores=scores)


def _over(ensemble: Ensemble, **options: Any) -> ConcentrationResult:
    """Answer for an ensemble; what is not weighed has no bounds."""
    asked = () if options["wgi"] is False else _WEIGHTED[: 1 if options["t"] is False else 2]
    what = spread.Spread(columns=("quantity_t", "share"), rank="share", figures=(*_FIGURES, *asked))
    return spread.over(ensemble, concentration, what, **options)


def _of_plain(
    what: pd.Series | Mapping[str, float], params: dict[str, Any], *, blocs: Blocs | None, wgi: Scores, t: Scores,
    demand: float | pd.Series | Mapping[str, float] | None, unit: str | None,
) -> ConcentrationResult:  # fmt: skip
    by = str(params["by"])
    if params["weight"] != "production":
        problem = Problem("weight", "plain tonnes cannot be traced.", 'Use weight="production".')
        raise DataError("no network to trace", [problem])
    if t is True:
        problem = Problem("t", "the mineral of plain tonnes is not known.", "Give t by country.")
        raise DataError("no trade parameter", [problem])
    wgi, t = (False if given is None else given for given in (wgi, t))
    if t is not False and wgi is False:
        problem = Problem("t", "given without wgi.", "The EU's index weighs with both: give wgi=True or by country.")
        raise DataError("no governance to weigh with", [problem])
    counted = of_tonnes(what, by="country" if by == "bloc" else by, unit=unit)
    home = None if by in {"bloc", "node"} else counted.tonnes.index.to_numpy()
    scores = _scores(counted, home, wgi, t)
    if by == "bloc":
        counted = Shares(pd.Series(_by_label(counted.tonnes, by, blocs)).sort_index().rename_axis(by), counted.total)
    wanted: Mapping[str, float] = {"": counted.total}
    if quantities.is_plain(demand):
        taken = of_tonnes(demand, unit=unit, label="demand")  # type: ignore[arg-type]
        rest = taken.total - math.fsum(taken.tonnes)
        wanted = {**_by_label(taken.tonnes, by, blocs), **({"": rest} if rest > 0 else {})}
    elif demand is not None:
        wanted = {"": _positive(demand)}
    if unit in {"share", "pct"}:
        params = {**params, "unit": unit}
    return _answer(counted, params, network=None, wanted=wanted, scores=scores)


def _positive(demand: object) -> float:
    value = quantities.number(demand)
    if value is None or not 0.0 < value < math.inf:
        raise DataError("no demand", [Problem("demand", f"{demand!r} is no quantity.", "Give tonnes above zero.")])
    return value


def production(network: SupplyNetwork, inside: pd.Series) -> pd.Series:
    """Return the tonnes that each process of a stage makes; refuse unknown ones."""
    made: pd.Series = network.processes["activity_t"][inside.to_numpy(dtype=bool)]
    if made.hasnans:
        problems = [
            Problem(f"processes row {process}, column `activity_t`", "no activity.", "Estimate the flows first.")
            for process in made.index[made.isna()]
        ]
        raise DataError("the stage's production is not known", problems)
    return made


def delivered(network: SupplyNetwork, inside: pd.Series) -> pd.Series:
    """Return the tonnes of final demand by their last process of a stage."""
    traced = tracing.trace(network)
    return pd.Series(traced.last(inside.to_numpy(dtype=bool)), index=inside.index)[inside]


def of_processes(network: SupplyNetwork, made: pd.Series, *, by: str, blocs: Blocs | None = None) -> Shares:
    """Group tonnes by process into tonnes by country, owner, bloc or node."""
    processes = network.processes
    node = processes["node"].to_numpy()[processes.index.get_indexer(made.index)]
    site, names = pd.factorize(node)
    at_site = np.bincount(site, weights=made.to_numpy(dtype=np.float64), minlength=len(names))
    who = stages.behind(network, by, blocs)
    row = pd.Index(names).get_indexer(pd.Index(who["node"]))
    here = row >= 0
    label, labels = pd.factorize(who["by"].to_numpy()[here])
    tonnes = np.bincount(label, weights=who["share"].to_numpy()[here] * at_site[row[here]], minlength=len(labels))
    order = np.argsort(labels)
    order = order[tonnes[order] > 0]
    grouped = pd.Series(tonnes[order], index=pd.Index(labels[order], name=by, dtype="str"))
    return Shares(grouped, math.fsum(at_site))


def _wanted(network: SupplyNetwork, inside: pd.Series, *, final: bool) -> pd.Series:
    """Return by country what processes and final demand take of the stage's products.

    Without takers, what was made. ``final`` counts final demand only, for tonnes of that kind.
    """
    processes = network.processes
    mine = inside.to_numpy(dtype=bool)
    role, output = processes["role"].to_numpy(), processes["output"]
    if final:
        takers = role == "use"
    else:
        takers = processes["input"].isin(set(output.to_numpy()[mine])).to_numpy() & ~np.isin(role, ["stock", "trade"])
        takers &= processes["input"].notna().to_numpy()
    # Final demand makes nothing: what it takes is what it wants.
    recovery = processes["recovery"].to_numpy(dtype=np.float64)
    plain = output.isna().to_numpy() | np.isnan(recovery)
    activity = processes["activity_t"].to_numpy(dtype=np.float64)
    takers = takers & ~np.isnan(activity)
    if not activity[takers].sum() > 0:
        takers, plain = mine, np.ones_like(plain)
    taken = (activity / np.where(plain, 1.0, recovery))[takers]
    nodes = network.nodes["country"]
    country = nodes.to_numpy()[nodes.index.get_indexer(processes["node"].to_numpy()[takers])]
    code, codes = pd.factorize(country)
    found = np.bincount(code[code >= 0], weights=taken[code >= 0], minlength=len(codes))
    return pd.Series([*found, taken[code < 0].sum()], index=[*codes, ""])


def _by_label(tonnes: pd.Series, by: str, blocs: Blocs | None) -> dict[str, float]:
    """Sum tonnes by country into labels; what has none stands under an empty one."""
    if by != "bloc" or blocs is None:
        return {str(country): float(value) for country, value in tonnes.items()}
    bloc = stages.bloc_of([str(country) for country in tonnes.index if country], blocs)
    found: dict[str, float] = {}
    for country, value in tonnes.items():
        label = bloc.get(str(country), "")
        found[label] = found.get(label, 0.0) + float(value)
    return found


def _home(network: SupplyNetwork, labels: pd.Index, by: str) -> NDArray[np.object_] | None:
    """Return the country of each label, where it has one."""
    if by == "bloc":
        return None
    return network.nodes["country"].reindex(labels).to_numpy() if by == "node" else labels.to_numpy()


def _one_mineral(network: SupplyNetwork, inside: pd.Series) -> str:
    return str(network.processes["mineral"].to_numpy()[inside.to_numpy(dtype=bool)][0])


@dataclass(frozen=True)
class _Scores:
    """Governance and trade of each label, what they make of the index, and what is missing or assumed."""

    columns: Mapping[str, Floats]
    figures: Mapping[str, float]
    missing: tuple[tuple[str, str, str], ...] = ()
    assumed: tuple[str, ...] = ()
    source: str = ""
    studied: bool = False
    borrowed: tuple[str, ...] = ()


def _scores(
    counted: Shares, home: NDArray[np.object_] | None, wgi: Any, t: Any, key: tuple[str, str] | None = None
) -> _Scores:
    """Weigh shares with governance and trade, as far as asked and known."""
    if wgi is False:
        return _Scores({}, {})
    figures = _WEIGHTED if t is not False else _WEIGHTED[:1]
    if home is None:
        rows = [(figure, "every bloc", "a bloc has no governance of its own") for figure in figures]
        return _Scores({}, _bounds(figures, (math.nan,) * 3), tuple(rows))
    bundled = wgi is True or isinstance(wgi, str)
    score = governance.wgi_by_country() if bundled else governance.given_wgi(wgi)
    raw = np.array([score.get(country, math.nan) for country in home], dtype=np.float64)
    shares = counted.shares.to_numpy()
    lacking = _named(home, np.isnan(raw))
    source = f"WGI {governance.WGI_YEAR}" if bundled else "WGI as given"
    missing = [(figure, country, f"no governance score ({source})") for figure in figures for country in lacking]
    weights = governance.Weights(governance.scaled(raw))
    borrowed = tuple(sorted(governance.STANDS_FOR.keys() & set(home))) if bundled else ()
    columns = {"wgi": raw}
    found = _bounds(("hhi_wgi",), governance.weighted(shares, counted.unknown, weights))
    if t is False:
        return _Scores(columns, found, tuple(missing), source=source, borrowed=borrowed)
    trade = governance.trade_parameter(*key) if key and (t is None or t is True) else None
    if trade is None and not quantities.is_plain(t):
        why = f"the EU has not studied {' '.join(key).replace('_', ' ') if key else 'it'}"
        missing.append(("hhi_wgi_t", "trade parameter", why))
        found |= _bounds(("hhi_wgi_t",), (math.nan,) * 3)
        return _Scores(columns, found, tuple(missing), source=source, borrowed=borrowed)
    weights, unknown, assumed = _with_trade(weights, home, trade, t)
    missing += [("hhi_wgi_t", country, "no trade parameter") for country in unknown]
    found |= _bounds(("hhi_wgi_t",), governance.weighted(shares, counted.unknown, weights))
    columns["t"] = weights.t if weights.t is not None else raw
    return _Scores(columns, found, tuple(missing), tuple(assumed), source, trade is not None, borrowed)


def _with_trade(
    weights: governance.Weights, home: NDArray[np.object_], trade: governance.TradeParameter | None, t: Any
) -> tuple[governance.Weights, list[str], list[str]]:
    """Add trade parameters; return also the countries without any, and those with an assumed one."""
    if trade is None:
        given = governance.given_t(t)
        values = np.array([given.get(country, math.nan) for country in home], dtype=np.float64)
        assumed = np.zeros(len(home), dtype=bool)
        lowest, highest = min(given.values(), default=1.0), max(given.values(), default=1.0)
    else:
        pairs = [trade.of(country) for country in home]
        values = np.array([value for value, _ in pairs], dtype=np.float64)
        assumed = np.array([guess for _, guess in pairs], dtype=bool)
        lowest, highest = trade.lowest, trade.highest
    unsure = np.isnan(values) | assumed
    low, high = np.where(unsure, lowest, values), np.where(unsure, highest, values)
    weighed = governance.Weights(weights.wgi, values, low, high, (lowest, highest))
    return weighed, _named(home, np.isnan(values)), _named(home, assumed & ~np.isnan(values))


def _named(home: NDArray[np.object_], where: NDArray[np.bool_]) -> list[str]:
    return sorted({str(country) for country in home[where]})


def _bounds(figures: Iterable[str], values: tuple[float, ...]) -> dict[str, float]:
    """Return a value, its lower and its upper bound under their names."""
    return {f"{name}{end}": value for name in figures for end, value in zip(("", "_low", "_high"), values, strict=True)}


def _answer(
    counted: Shares, params: dict[str, Any], *, network: SupplyNetwork | None, wanted: Mapping[str, float],
    scores: _Scores,
) -> ConcentrationResult:  # fmt: skip
    by = str(params["by"])
    if counted.tonnes.empty:
        problem = Problem(f"by={by!r}", "nobody is named behind any tonne.", "Ask by another grouping.")
        raise DataError("nothing to measure", [problem])
    tonnes = counted.tonnes.to_numpy()
    # Largest first; equal ones by id.
    order = np.lexsort((counted.tonnes.index.to_numpy(dtype=str), -tonnes))
    in_tonnes = "unit" not in params
    columns = {
        "quantity_t": tonnes[order] if in_tonnes else np.full(len(tonnes), np.nan),
        "share": counted.shares.to_numpy()[order],
        "rank": np.arange(1, len(order) + 1),
        **{name: values[order] for name, values in scores.columns.items()},
    }
    table = pd.DataFrame(columns, index=counted.tonnes.index[order])
    figures, why = _figures(counted, columns["share"], table.index, wanted, by)
    figures |= {"total_t": counted.total if in_tonnes else math.nan, **scores.figures}
    rows = (*why, *scores.missing)
    of = "" if network is None else f" of {_mineral(network)}"
    return ConcentrationResult(
        title=f"Concentration{of}, {params['stage']}, by {by}",
        table=table,
        params=params,
        network=network,
        figures=figures,
        tables={"missing": governance.missing_table(rows)},
        explanation=_words(table, figures, _called(network, table.index[:3], by), by, scores, rows),
    )


def _figures(
    counted: Shares, shares: Floats, labels: pd.Index, wanted: Mapping[str, float], by: str
) -> tuple[dict[str, float], list[tuple[str, str, str]]]:
    """Return the figures, largest share first, and why some are missing."""
    rest, hhi, top1, top3 = counted.unknown, counted.hhi, float(shares[0]), math.fsum(shares[:3])
    demand = math.fsum(wanted.values())
    left = 1.0 - top1
    iea, why = math.nan, []
    at_home = wanted.get(str(labels[0]), 0.0)
    if by == "node":
        why = [("n_minus_1_iea", str(labels[0]), "a site has no demand of its own")]
    elif set(wanted) <= {""}:
        why = [("n_minus_1_iea", str(labels[0]), "demand by country is not given")]
    elif not demand - at_home > 1e-12 * demand:
        why = [("n_minus_1_iea", str(labels[0]), "nobody else has any demand")]
    else:
        iea = left * counted.total / (demand - at_home)
    # The rest may be one place, larger than all that have a name.
    with_rest = np.sort([*shares[:3], rest])[::-1]
    scale = counted.total / demand if demand > 0 else math.nan
    return {
        **_bounds(("hhi",), (hhi, hhi, counted.hhi_high)),
        **_bounds(("hhi_10000",), (1e4 * hhi, 1e4 * hhi, 1e4 * counted.hhi_high)),
        **_bounds(("effective_n",), (1.0 / hhi, 1.0 / counted.hhi_high, 1.0 / hhi)),
        **_bounds(("top1",), (top1, top1, max(top1, rest))),
        **_bounds(("top3",), (top3, top3, math.fsum(with_rest[:3]))),
        **_bounds(("n_minus_1",), (left * scale, (1.0 - max(top1, rest)) * scale, left * scale)),
        "n_minus_1_iea": iea,
        "unknown_share": rest,
    }, why


def _mineral(network: SupplyNetwork) -> str:
    return ", ".join(sorted(network.processes["mineral"].unique())).replace("_", " ")


def _called(network: SupplyNetwork | None, labels: pd.Index, by: str) -> list[str]:
    """Return names for people; an id without one stands for itself."""
    if network is not None:
        table = network.nodes if by == "node" else network.countries
        at = table.index.get_indexer(labels)
        own = table["name"].to_numpy()
        rows = [(label, own[row]) for label, row in zip(labels, at, strict=True) if row >= 0]
        found = {label: name for label, name in rows if isinstance(name, str)}
    else:
        found = {}
    known = {} if by == "node" else quantities.country_names()
    return [str(found.get(label, known.get(str(label), label))) for label in labels]


def _words(
    table: pd.DataFrame, figures: Mapping[str, float], called: list[str], by: str, scores: _Scores,
    missing: tuple[tuple[str, str, str], ...],
) -> str:  # fmt: skip
    shares = [f"{name} {share:.1%}" for name, share in zip(called, table["share"].to_numpy(), strict=False)]
    total = figures["total_t"]
    words = [
        f"{'Shares' if math.isnan(total) else f'Of {total:,.0f} t'}: {', '.join(shares)}.",
        f"HHI {figures['hhi']:.4f}, as concentrated as {figures['effective_n']:.1f} equal {_KINDS[by]}.",
        f"Without the largest, {figures['n_minus_1']:.0%} of demand could be met.",
    ]
    if not math.isnan(figures["n_minus_1_iea"]):
        words.append(f"As the IEA counts, without its demand too, {figures['n_minus_1_iea']:.0%}.")
    if figures["unknown_share"] > 1e-9:
        words.append(
            f"Unknown origin: {figures['unknown_share']:.1%}; were it one place, the HHI would be "
            f"{figures['hhi_high']:.4f}."
        )
        if by == "owner":
            most = figures["hhi_high"] + 2.0 * figures["top1"] * figures["unknown_share"]
            words.append(f"Were it the largest owner's, {most:.4f}.")
    words += _weighted_words(figures, scores)
    reasons: dict[tuple[str, str], list[str]] = {}
    for figure, item, reason in missing:
        reasons.setdefault((figure, reason), []).append(item)
    words += [f"{figure} is missing: {', '.join(items)}: {reason}." for (figure, reason), items in reasons.items()]
    return " ".join(words)


def _weighted_words(figures: Mapping[str, float], scores: _Scores) -> list[str]:
    words = []
    if not math.isnan(figures.get("hhi_wgi", math.nan)):
        words.append(f"Weighed with governance ({scores.source}; 0 best, 10 worst): {figures['hhi_wgi']:.2f}.")
    names = quantities.country_names()
    stands = governance.STANDS_FOR
    words += [f"{names[own]}'s is that of {names[stands[own]]}." for own in scores.borrowed]
    if not math.isnan(figures.get("hhi_wgi_t", math.nan)):
        words.append(f"With the trade parameter as well: {figures['hhi_wgi_t']:.2f}.")
    if scores.studied:
        words.append("It is of the EU's study of 2023, which predates China's export licences of 2023 to 2025.")
    if scores.assumed:
        words.append(f"Not listed there, taken as 1: {', '.join(scores.assumed)}.")
    return words
