"""EU supply risk: how likely supply to the EU is to fail, from concentration, governance, trade and ways out.

``SR = [HHI_GS IR / 2 + HHI_EU (1 - IR / 2)] (1 - EoL_RIR) SI_SR`` with the weighted concentration ``HHI_WGI,t`` of
world supply (GS) and of what the EU buys (EU), import reliance ``IR``, the recycling input rate ``EoL_RIR`` and the
substitution index ``SI_SR`` (European Commission, Methodology for establishing the EU list of critical raw materials,
2017). Where one of the two concentrations is missing the other counts alone. Each stage has its own risk; the largest
is that of the material, which is critical from ``SR >= 1`` and economic importance ``EI >= 2.8``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.measures import governance, quantities, spread
from supplygraph.measures.concentration import concentration
from supplygraph.measures.governance import Input
from supplygraph.results import Result
from supplygraph.scenario.stages import known_stages
from supplygraph.world import datasets
from supplygraph.world.ensemble import Ensemble

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supplygraph.network.network import SupplyNetwork

    Scores = pd.Series | Mapping[str, float]
    Told = tuple[str, str, str]

#: Thresholds of the EU for a critical raw material.
CRITICAL_SR, CRITICAL_EI = 1.0, 2.8
_INPUTS = ("hhi_gs", "hhi_eu", "import_reliance", "eol_rir", "si_sr")
_SOURCES = ("network", "study")
#: ``HHI_WGI,t`` reaches 10 times the largest trade parameter.
_LARGEST_HHI = 15.0
_VARIANTS = {(True, True): "both", (True, False): "world supply only", (False, True): "EU supply only"}


class SupplyRiskResult(Result):
    """EU supply risk of a material.

    ``table`` has one row per stage, the riskiest first: ``hhi_gs``, ``hhi_eu``, ``import_reliance``, ``eol_rir``,
    ``si_sr``, ``variant`` (which concentrations count), ``sr`` with ``sr_low`` and ``sr_high``, ``rank``. ``inputs``
    has every input with its bounds, year, reference and note; ``missing`` what could not be told, and why. ``stage`` is
    the stage that counts, ``critical`` whether both thresholds are reached (``None`` where that is not known).
    """

    @property
    def sr(self) -> float:
        """The supply risk: that of the riskiest stage."""
        return float(self.figures["sr"])

    @property
    def critical(self) -> bool | None:
        """Whether supply risk and economic importance reach the EU's thresholds; ``None``: not known."""
        known: bool | None = self.figures["critical"]
        return known


def supply_risk(
    what: SupplyNetwork | Ensemble | str | None = None,
    *,
    stage: str | Sequence[str] | None = None,
    shares: str = "network",
    hhi_gs: float | None = None,
    hhi_eu: float | None = None,
    import_reliance: float | None = None,
    eol_rir: float | None = None,
    si_sr: float | None = None,
    economic_importance: float | None = None,
    global_supply: Scores | None = None,
    eu_sourcing: Scores | None = None,
    wgi: Scores | None = None,
    t: Scores | None = None,
) -> SupplyRiskResult:
    """Measure the EU's supply risk of a material.

    Parameters
    ----------
    what
        A network with one mineral, an ensemble of it, or the name of a mineral. What is not given is then filled in
        from the bundled facts. Left out, only what is given counts.
    stage
        The stage or stages to look at. Left out: mining and refining (rare earths: separation), as far as known.
    shares
        Where the shares in world supply are from: ``"network"`` (this network; by name the bundled one) or ``"study"``
        (the EU's own, 2023).
    hhi_gs, hhi_eu
        Published ``HHI_WGI,t`` of world and of EU supply, on the scale 0 to 10 (times t).
    import_reliance, eol_rir, si_sr
        Published inputs as fractions, 0 to 1.
    economic_importance
        Published economic importance, for ``critical``.
    global_supply, eu_sourcing
        Shares (or tonnes) by country to compute the two concentrations from, in place of ``hhi_gs`` and ``hhi_eu``.
    wgi, t
        Governance and trade parameter by country, as in :func:`concentration`. Left out: the bundled ones.

    Returns
    -------
    SupplyRiskResult
        Table by stage, ``sr``, ``stage``, ``critical``, ``inputs``, ``missing``.

    Raises
    ------
    DataError
        If inputs cannot be right (per cents, another scale, shares that do not sum to one): all are listed.
    UnknownNameError
        If there is no such stage or mineral.

    Examples
    --------
    Antimony in the study of 2017, where it is 4.3:

    >>> told = supply_risk(hhi_gs=7.1, hhi_eu=5.7, import_reliance=1.0, eol_rir=0.28, si_sr=0.9,
    ...                    economic_importance=4.3)
    >>> round(told.sr, 2), told.critical
    (4.15, True)

    Notes
    -----
    Bundled inputs are of different years (``inputs`` says which): substitution is of 2017, import reliance mostly, the
    trade parameter of 2023 predates China's export licences of 2023 to 2025. A missing input makes the score missing.
    Bounds come from shares without a name and, with an ensemble, from uncertain quantities. Linear in the processes.
    """
    if shares not in _SOURCES:
        raise UnknownNameError.of("source of shares", shares, _SOURCES)
    published = {"hhi_gs": hhi_gs, "hhi_eu": hhi_eu, "import_reliance": import_reliance, "eol_rir": eol_rir,
                 "si_sr": si_sr, "economic_importance": economic_importance}  # fmt: skip
    by_country = {"global_supply": global_supply, "eu_sourcing": eu_sourcing, "wgi": wgi, "t": t}
    if isinstance(what, Ensemble):
        asked = spread.Spread(columns=("hhi_gs", "sr"), rank="sr", figures=("sr",))
        return spread.over(what, supply_risk, asked, stage=stage, shares=shares, **published, **by_country)
    given = _given(published, by_country)
    network, mineral = _asked(what, shares)
    wanted = (stage,) if isinstance(stage, str) else tuple(stage) if stage is not None else _stages(network, mineral)
    facts = governance.material(mineral) if mineral else {}
    rows: list[dict[str, Any]] = []
    inputs: list[tuple[str, str, Input]] = []
    why: list[Told] = []
    for name in wanted:
        found = {**_concentrations(name, network, mineral, by_country), **_fractions(facts), **given}
        rows.append(_row(name, found, why))
        inputs += [(name, key, value) for key, value in found.items() if key in _INPUTS]
    importance = given.get("economic_importance", facts.get("economic_importance", Input(note="not given")))
    return _answer(rows, inputs, why, importance, mineral, network, {"stage": stage, "shares": shares})


def _asked(what: SupplyNetwork | str | None, shares: str) -> tuple[SupplyNetwork | None, str]:
    """Return the network to take shares from, and the mineral."""
    if what is None:
        return None, ""
    if isinstance(what, str):
        known = set(datasets.datasets()["mineral"])
        if what in known and shares == "network":
            return datasets.load(what), what
        studied = set(governance.materials())
        if what not in studied | known:
            raise UnknownNameError.of("mineral", what, studied | known)
        return None, what
    minerals = sorted(set(what.processes["mineral"]))
    if len(minerals) != 1:
        problem = Problem("network", f"it holds {', '.join(minerals)}.", "Ask for one: net.select(mineral=...).")
        raise DataError("several minerals have no common supply risk", [problem])
    return (what if shares == "network" else None), minerals[0]


def _stages(network: SupplyNetwork | None, mineral: str) -> tuple[str, ...]:
    """Return the stages that the EU looks at, as far as there is anything known of them."""
    if not mineral:
        return ("given",)
    if network is not None:
        return tuple(stage for stage in ("mining", "refining") if stage in known_stages(network))
    found = tuple(stage for stage in ("mining", "refining") if governance.studied_supply(mineral, stage, "world"))
    return found or ("refining",)


def _given(published: Mapping[str, float | None], by_country: Mapping[str, Scores | None]) -> dict[str, Input]:
    """Check what is given by name; refuse per cents and other scales, all at once."""
    problems: list[Problem] = []
    found: dict[str, Input] = {}
    for name, value in published.items():
        if value is None:
            continue
        most = 1.0 if name in {"import_reliance", "eol_rir", "si_sr"} else _LARGEST_HHI
        number = quantities.number(value)
        if number is not None and math.isnan(number):
            found[name] = Input(note="given as missing")
        elif number is None or not 0.0 <= number <= most:
            if most == 1.0:
                remedy = f"Give a fraction: {number / 100:g} for {number:g} %." if number and number > 1 else (
                    "A net exporter has an import reliance of 0." if name == "import_reliance" else "Give 0 to 1.")
            else:
                remedy = "HHI_WGI,t runs from 0 to 10 (times t); from the 0-10 000 scale divide by 10 000."
            problems.append(Problem(name, f"{value!r} is not between 0 and {most:g}.", remedy))
        else:
            found[name] = Input.exact(number, note="as given")
    for one, other in (("hhi_gs", "global_supply"), ("hhi_eu", "eu_sourcing")):
        if published[one] is not None and by_country[other] is not None:
            problems.append(Problem(one, f"given together with {other}.", "Give one of the two."))
    if problems:
        raise DataError("these inputs cannot be right", problems)
    return found


def _fractions(facts: Mapping[str, Input]) -> dict[str, Input]:
    return {name: facts.get(name, Input(note="not given")) for name in ("import_reliance", "eol_rir", "si_sr")}


def _concentrations(
    stage: str, network: SupplyNetwork | None, mineral: str, by_country: Mapping[str, Any]
) -> dict[str, Input]:
    """Return the weighted concentrations of world and EU supply in one stage."""
    wgi = True if by_country["wgi"] is None else by_country["wgi"]
    t = by_country["t"]
    found = {"hhi_gs": Input(note="not given"), "hhi_eu": Input(note="not given")}
    if by_country["global_supply"] is not None:
        found["hhi_gs"] = _of_shares(by_country["global_supply"], wgi, t, mineral, stage, "as given")
    elif network is not None:
        told = concentration(network, stage=stage, wgi=wgi, t=t)
        found["hhi_gs"] = _weighed(told, None, "the network")
    elif mineral:
        found["hhi_gs"] = _studied(mineral, stage, "world", wgi, t)
    if by_country["eu_sourcing"] is not None:
        found["hhi_eu"] = _of_shares(by_country["eu_sourcing"], wgi, t, mineral, stage, "as given")
    elif mineral:
        found["hhi_eu"] = _studied(mineral, stage, "EU", wgi, t)
    return found


def _of_shares(given: Scores, wgi: Any, t: Scores | None, mineral: str, stage: str, note: str) -> Input:
    """Return the concentration of shares that are given; t is the bundled one where a mineral is named, else given."""
    if t is None:
        trade = governance.trade_parameter(mineral, stage)
        if trade is None:
            why = "no trade parameter: give t by country (1 without restriction)"
            return Input(note=why)
        t = {str(country): trade.of(str(country))[0] for country in given.keys()}  # noqa: SIM118 - of a series, keys
    return _weighed(concentration(given, wgi=wgi, t=t), None, note)


def _studied(mineral: str, stage: str, of: str, wgi: Any, t: Scores | None) -> Input:
    """Return the concentration of supply as the EU's study has it; what its shares lack has no name."""
    supply = governance.studied_supply(mineral, stage, of)
    if supply is None:
        return Input(note=f"the study has no {of} supply of it at this stage")
    # Published shares stay as they are: rounding may carry their sum a little above one, and what it lacks has no name.
    counted = quantities.Shares(supply.shares.sort_index(), 1.0)
    scores = governance.wgi_by_country() if wgi is True else governance.given_wgi(wgi)
    told = governance.of_shares(counted, scores, governance.given_t(supply.t if t is None else t))
    note = f"shares of the study, {counted.unknown:.0%} without a name" if counted.unknown > 0.005 else ""
    return Input(*told, supply.year, supply.reference, note)


def _weighed(told: Any, year: int | None, reference: str) -> Input:
    figures = told.figures
    value = float(figures["hhi_wgi_t"])
    lacking = told.missing[told.missing.index == "hhi_wgi_t"]
    note = "; ".join(f"{item}: {reason}" for item, reason in lacking.itertuples(index=False))
    return Input(value, float(figures["hhi_wgi_t_low"]), float(figures["hhi_wgi_t_high"]), year, reference, note)


def _row(stage: str, found: Mapping[str, Input], why: list[Told]) -> dict[str, Any]:
    """Return the row of one stage; note why its score is missing."""
    gs, eu = found["hhi_gs"], found["hhi_eu"]
    two = (("hhi_gs", gs), ("hhi_eu", eu))
    # Only a concentration that nobody has measured gives way to the other; one that lacks a weight is missing.
    have = (not math.isnan(gs.low), not math.isnan(eu.low))
    needed = [*(name for name, one in two if not math.isnan(one.low)), "eol_rir", "si_sr"]
    needed += ["import_reliance"] if all(have) else []
    lacking = [name for name in needed if math.isnan(found[name].value)]
    if not any(have):
        lacking += ["hhi_gs", "hhi_eu"]
    why += [("sr", f"{stage}, {name}", found[name].note or "not given") for name in lacking]
    rest = (1.0 - found["eol_rir"].value) * found["si_sr"].value
    part = found["import_reliance"].value / 2.0
    scores = []
    for end in ("value", "low", "high"):
        world, europe = getattr(gs, end), getattr(eu, end)
        scores.append((world * part + europe * (1.0 - part) if all(have) else world if have[0] else europe) * rest)
    variant = _VARIANTS.get(have, "none")
    row = {name: found[name].value for name in _INPUTS}
    return {"stage": stage, **row, "variant": variant, "sr": scores[0], "sr_low": scores[1], "sr_high": scores[2]}


def _answer(
    rows: list[dict[str, Any]], inputs: list[tuple[str, str, Input]], why: list[Told], importance: Input, mineral: str,
    network: SupplyNetwork | None, params: dict[str, Any],
) -> SupplyRiskResult:  # fmt: skip
    table = pd.DataFrame(rows).set_index("stage")
    table = table.iloc[np.argsort(-np.nan_to_num(table["sr"].to_numpy(dtype=np.float64), nan=-1.0), kind="stable")]
    table["rank"] = np.arange(1, len(table) + 1)
    first = table.iloc[0]
    sr = float(first["sr"])
    critical: bool | None = None
    if importance.value < CRITICAL_EI or (sr < CRITICAL_SR and table["sr"].notna().all()):
        critical = False
    elif sr >= CRITICAL_SR and importance.value >= CRITICAL_EI:
        critical = True
    figures = {
        "sr": sr, "sr_low": float(first["sr_low"]), "sr_high": float(first["sr_high"]),
        "economic_importance": importance.value, "critical": critical,
        "stage": str(table.index[0]) if not math.isnan(sr) else None,
    }  # fmt: skip
    columns = ["stage", "input", "value", "low", "high", "year", "reference", "note"]
    listed = [
        (stage, name, one.value, one.low, one.high, one.year, one.reference, one.note) for stage, name, one in inputs
    ]
    frame = pd.DataFrame(listed, columns=columns).astype({"year": "Int64"}).set_index("stage")
    if critical is None and math.isnan(importance.value):
        why = [*why, ("critical", "economic_importance", importance.note or "not given")]
    title = f"EU supply risk{f' of {mineral}' if mineral else ''}".replace("_", " ")
    return SupplyRiskResult(
        title=title,
        table=table,
        params={key: value for key, value in params.items() if value is not None},
        network=network,
        figures=figures,
        tables={"inputs": frame, "missing": governance.missing_table(why)},
        explanation=_words(title, table, figures, why),
    )


def _words(title: str, table: pd.DataFrame, figures: Mapping[str, Any], why: list[Told]) -> str:
    words = []
    for stage, row in table.iterrows():
        if math.isnan(row["sr"]):
            continue
        tail = "" if row["variant"] == "both" else f" ({row['variant']})"
        words.append(f"{stage} {row['sr']:.2f}{tail}")
    said = [f"{title}: {', '.join(words)}." if words else f"{title}: missing."]
    if len(words) > 1:
        said.append(f"The largest counts: {figures['sr']:.2f} ({figures['stage']}).")
    if figures["critical"] is not None:
        said.append("Critical." if figures["critical"] else "Not critical.")
    said += [f"{figure} is missing ({item}): {reason}." for figure, item, reason in why]
    said.append("The EU's trade parameter predates China's export licences of 2023 to 2025.")
    return " ".join(said)
