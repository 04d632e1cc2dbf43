"""Spatial price equilibrium with stages on a network, under floors, tariffs and contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from supplygraph.errors import DataError, Problem
from supplygraph.response.prices import accounts, intervals, policy, tables, words
from supplygraph.response.prices.buying import buying
from supplygraph.response.prices.model import model as read_model
from supplygraph.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.prices.accounts import State
    from supplygraph.response.prices.intervals import Drawn
    from supplygraph.response.prices.model import Model
    from supplygraph.scenario.instruments import Instrument

#: Largest number of draws: a mistake beyond.
_MOST = 10_000


class Equilibrium(Result):
    """The answer of :func:`equilibrium`.

    ``table`` has one row per market (index ``market``, ``country:product``): prices, what is produced, used, imported
    and exported, before and after, with intervals. Further tables:

    - ``prices`` (index ``product``): reference price with its basis, world and zone price before and after;
    - ``quantities`` (index ``process``): every plant and mine;
    - ``flows`` (index ``pair``, ``origin>destination:product``);
    - ``duties`` (index ``pair``): landed price, tariff, levy and revenue of every taxed pair, also of those over which
      nothing comes any more;
    - ``revenue`` (index ``country``): duties collected, contracts paid;
    - ``viable`` (index ``process``): at which price a producer runs, and whether it gets it;
    - ``diversion`` (index ``market``): what comes through third countries past a duty;
    - ``missed``: what enters the zone further down the chain;
    - ``surplus`` (index ``country``): who gains;
    - ``buying`` (index ``market``): what would hold a floor that a levy cannot;
    - ``elasticities`` (index ``kind, product``).

    Figures: ``cost_to_users_usd`` (what final users of the zone lose a year), ``revenue_usd``, ``payments_usd``,
    ``welfare_usd`` (world), ``buying_t``, ``buying_usd``, ``zone_output_before_t``, ``zone_output_t``; of the first
    product with an instrument ``world_price_usd_t``, ``zone_price_usd_t`` and both before
    (``world_price_before_usd_t``, ``zone_price_before_usd_t``); ``residual`` (below 1e-6); ``held`` (whether the levy
    holds every floor).
    """


def equilibrium(
    net: SupplyNetwork,
    instruments: Instrument | Iterable[Instrument] | None = None,
    *,
    run: str = "long",
    prices: Mapping[str, Any] | None = None,
    elasticities: Mapping[str, Any] | None = None,
    costs: Mapping[str, Any] | None = None,
    projects: pd.DataFrame | None = None,
    relink_usd_t: float = 300.0,
    draws: int = 40,
    seed: int = 0,
) -> Equilibrium:
    """Return prices, quantities and who pays under price instruments, at every stage and in every country.

    A market is a product in a country and has one price. Plants buy at home, make and sell at home; links carry goods
    between markets; final users buy. All conditions hold at once: nobody who runs loses on the last tonne, nobody who
    does not run could gain, every market clears. With no instrument the baseline comes back.

    Parameters
    ----------
    net
        The network; its shipments are the baseline.
    instruments
        :class:`PriceFloor`, :class:`Tariff`, :class:`OfftakeFloor`, one or several.
    run
        ``"long"``: plants are built and curves follow long-run elasticities; ``"short"``: within a year or two, at
        most listed capacity.
    prices
        Price of products where the network has none or you know better: USD/t, Money or a text.
    elasticities
        Your own: ``{"supply": 1.5, "demand": (0.2, 0.4, 0.8), "origins": 4}``, one number or (low, central, high).
    costs
        Cost of plants beside their input, by process or node: an amount or (low, central, high), USD per t of output.
    projects
        Plants that do not stand yet: a frame indexed by ``project`` (or with that column) with ``country``,
        ``product``, ``capacity_t``, ``cost_usd_t`` (all cost beside the input, capital included) and, if wanted,
        ``name``, ``input`` (empty = buys nothing), ``recovery``, ``cost_low_usd_t``, ``cost_high_usd_t``. They run
        when that pays.
    relink_usd_t
        What a tonne beyond today's relations pays on top of its way.
    draws
        Equilibria at drawn elasticities, costs and implied prices, for the intervals; 0 = none.
    seed
        Of the draws.

    Returns
    -------
    Equilibrium
        Before (no instrument; projects that pay run) and after.

    Raises
    ------
    DataError
        If a mineral has no price, an instrument does not fit the network, or an option is out of range.
    UnknownNameError
        If a product, plant, country, run or elasticity does not exist.
    InfeasibleError
        If no equilibrium is found; an answer that is only near is never returned.

    Notes
    -----
    Conditions (Takayama and Judge 1971; with stages and duties as a mixed complementarity problem): for every activity
    ``0 <= x`` complementary to ``marginal cost + inputs + duty - price >= 0``. Curves go through the baseline (positive
    mathematical programming, Howitt 1995), their slopes from elasticities (``facts/elasticities.csv``), those of links
    from the Armington elasticity. A floor: ``0 <= levy`` complementary to ``landed price + levy - floor >= 0``. One
    price per country means that goods may be sold on, so a duty on one origin invites others. Prices are those of
    ``products.price_usd_t``, each of its own date, not brought to one year. Complexity: a few dozen sparse systems of
    the size of the markets per equilibrium.

    Examples
    --------
    >>> from toys import chain
    >>> from supplygraph.scenario.instruments import PriceFloor
    >>> price = {"cobalt-intermediate": 12_000, "cobalt-refined": 35_000}
    >>> floor = PriceFloor("cobalt-refined", 40_000, zone=["DEU", "FIN"])
    >>> answer = equilibrium(chain(), floor, prices=price, draws=0)
    >>> answer.table.loc["DEU:cobalt-refined", ["price_before_usd_t", "price_usd_t"]].round().tolist()
    [35070.0, 40000.0]
    >>> answer.duties["levy_usd_t"].round().tolist()
    [11892.0, 6070.0]
    """
    given = policy.listed(instruments)
    check_draws(draws, seed)
    asked = read_model(net, run=run, prices=prices, elasticities=elasticities, costs=costs, projects=projects,
                       relink_usd_t=relink_usd_t)  # fmt: skip
    under = policy.read(asked.base, given)
    after = asked.under(under) if given else asked.free
    drawn = intervals.draw(asked, under, after, draws=draws, seed=seed) if draws else None
    return answer(asked, given, after, drawn, params={"draws": draws, "seed": seed})


def answer(
    asked: Model, given: tuple[Instrument, ...], after: State, drawn: Drawn | None, params: dict[str, Any]
) -> Equilibrium:
    """Put the answer together."""
    before = asked.free
    bought, held = buying(after)
    gains = accounts.gains(before, after)
    named = {
        "table": tables.markets(before, after), "quantities": tables.makers(before, after),
        "flows": tables.flows(before, after), "duties": tables.duties(after), "revenue": tables.revenue(after),
        "viable": tables.viable(before, after), "diversion": tables.diversion(before, after),
        "missed": tables.missed(asked, before, after), "surplus": gains, "buying": bought,
        "prices": _prices(asked, before, after), "elasticities": asked.elasticities.table,
    }  # fmt: skip
    figures = _figures(before, after, gains, named)
    figures["residual"] = max(state.found.residual for state in (before, after, held) if state is not None)
    if drawn is not None:
        _with_intervals(asked, named, figures, drawn)
    figures["draws"] = params["draws"]
    explanation = words.explain(asked, after, given, figures, named)
    what = "; ".join(one.describe() for one in given) or "no instrument"
    references = {*asked.net.references.index, *asked.elasticities.references, *asked.costs["reference"].dropna()}
    return Equilibrium(
        title=f"Prices under a {what}" if given else "Prices today", table=named.pop("table"),
        params={"instruments": tuple(one.describe() for one in given), "run": asked.run,
                "relink_usd_t": asked.relink_usd_t, **params, "members": after.policy.members},
        network=asked.net, explanation=explanation, tables=named, figures=figures, references=references,
    )  # fmt: skip


def check_draws(draws: object, seed: object) -> None:
    """Refuse a number of draws or a seed that cannot be used."""
    problems = []
    for name, value, most in (("draws", draws, _MOST), ("seed", seed, 2**32)):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            problems.append(Problem(name, f"is {value!r}; expected a whole number from 0 to {most}"))
    if problems:
        raise DataError("the equilibrium cannot be asked like this", problems)


def _prices(asked: Model, before: State, after: State) -> pd.DataFrame:
    """One row per product: what it is worth, where that is from, and world and zone price before and after."""
    table = asked.quotes.table.loc[asked.base.products].rename(columns={
        "price_usd_t": "reference_usd_t", "price_low_usd_t": "reference_low_usd_t",
        "price_high_usd_t": "reference_high_usd_t",
    })  # fmt: skip
    inside = np.isin(asked.base.country, list(intervals.payers(after)))
    for name, state in (("before_usd_t", before), ("usd_t", after)):
        table[f"world_{name}"] = accounts.world(state, state.taken_at())
        table[f"zone_{name}"] = accounts.world(state, state.taken_at(), inside)
    return table.rename_axis("product")


def _figures(before: State, after: State, gains: pd.DataFrame, named: dict[str, pd.DataFrame]) -> dict[str, Any]:
    bought = named["buying"]
    figures: dict[str, Any] = {
        "cost_to_users_usd": intervals.users_cost(after, gains), "revenue_usd": float(gains["duties_usd"].sum()),
        "payments_usd": float(-gains["payments_usd"].sum()), "welfare_usd": float(gains["total_usd"].sum()),
        "buying_t": float(bought["buying_t"].sum()), "buying_usd": float(bought["cost_usd"].sum()),
        "held": not len(bought),
    }  # fmt: skip
    about = intervals.touched(after)
    base = after.base
    home = np.isin(base.country, list(intervals.payers(after)))
    figures["zone_output_before_t"] = float(before.made_at()[home & about[base.product]].sum())
    figures["zone_output_t"] = float(after.made_at()[home & about[base.product]].sum())
    if about.any():
        first = named["prices"].index.get_loc(base.products[about][0])
        for place in ("world", "zone"):
            for when in ("before_", ""):
                level = named["prices"][f"{place}_{when}usd_t"].to_numpy(dtype=np.float64)[first]
                figures[f"{place}_price_{when}usd_t"] = float(level)
    return {name: 0.0 if isinstance(value, float) and value == 0 else value for name, value in figures.items()}


def _with_intervals(asked: Model, named: dict[str, pd.DataFrame], figures: dict[str, Any], drawn: Drawn) -> None:
    """Put 5 to 95 % of the draws beside the central numbers."""
    base = asked.base
    for column, values in (("price_{}_usd_t", drawn.price), ("change_{}_usd_t", drawn.change),
                           ("produced_{}_t", drawn.produced), ("imported_{}_t", drawn.imported)):  # fmt: skip
        found = intervals.ends(values)
        named["table"][column.format("low")], named["table"][column.format("high")] = found
    process = pd.Index(base.makers.process, dtype="str")
    for name, column, values in (("quantities", "after_{}_t", drawn.made),
                                 ("viable", "break_even_{}_usd_t", drawn.break_even)):  # fmt: skip
        found = intervals.ends(values)
        rows = process.get_indexer(named[name].index)
        for end, level in zip(("low", "high"), found, strict=True):
            named[name][column.format(end)] = level[rows]
    rows = tables.pair_ids(base).get_indexer(named["flows"].index)
    for end, level in zip(("low", "high"), intervals.ends(drawn.flow), strict=True):
        named["flows"][f"after_{end}_t"] = tables.clean(level, base)[rows]
    for name, values in (("cost_to_users_{}_usd", drawn.users), ("revenue_{}_usd", drawn.revenue),
                         ("payments_{}_usd", drawn.payments), ("zone_output_{}_t", drawn.zone_output)):  # fmt: skip
        found = intervals.ends(values[:, None])
        figures[name.format("low")], figures[name.format("high")] = (float(level[0]) + 0.0 for level in found)
