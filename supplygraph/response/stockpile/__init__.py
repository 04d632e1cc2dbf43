"""Stockpiles: what to hold of what, who holds it, bought when, at least expected or tail loss within a budget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from supplygraph.errors import DataError, Problem
from supplygraph.money import YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from supplygraph.money import Money
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.stockpile.answer import Stockpile
    from supplygraph.response.stockpile.ask import Ask
    from supplygraph.response.stockpile.holders import Holder
    from supplygraph.response.stockpile.master import Master, Plan
    from supplygraph.scenario.alignment import Alignment
    from supplygraph.scenario.outages import Outages

__all__ = ["project_vault", "stockpile"]

#: Published size of Project Vault and its aim (facts/stockpiles.csv, facts/instruments.csv): 10 bn USD of loan by EXIM
#: and about 2 (first told as 1.67) bn of private money; 60 days; Wood Mackenzie estimates 45 if spread evenly.
VAULT_USD, VAULT_LOW_USD, VAULT_DAYS, VAULT_ESTIMATE_DAYS = 12e9, 11.67e9, 60, 45
#: Draws must be refilled; within which time was not published. An assumption.
VAULT_REFILL_MONTHS = 12


def stockpile(
    net: SupplyNetwork,
    scenarios: Outages | Mapping[str, Any] | pd.DataFrame | Stockpile,
    *,
    budget: float | str | Money,
    for_: str | Iterable[str] | Alignment = "world",
    zone: str = "linked",
    holders: Holder | Iterable[Holder] | None = None,
    products: str | Iterable[str] | None = None,
    prices: Mapping[str, Any] | None = None,
    value: float | Mapping[str, Any] | None = None,
    minimise: str = "loss",
    risk: str = "expected",
    level: float = 0.95,
    years: int = 5,
    period: str = "quarter",
    rationing: str = "proportional",
    ramp: float | None = 0.2,
    adjust_months: int = 0,
    elasticity: float | Mapping[str, float] | None = None,
    most_share: float = 0.1,
    in_shock: str | float = "wait",
    hurdle: float = 0.0,
    aim_days: float | None = None,
    batches: int = 8,
    curve: int = 0,
    gap: float = 1e-3,
    seconds: float = 240.0,
    year: int = YEAR,
) -> Stockpile:
    r"""Find what to stockpile within a budget so that least is lost over scenarios of disruption.

    Parameters
    ----------
    net
        The network, of one or several minerals.
    scenarios
        What may happen: paths drawn by :func:`supplygraph.outages`; a mapping from name to ``{"shock", "probability",
        "start", "months"}`` or a table with these columns (they exclude each other; what is left of probability 1 is:
        nothing happens; months count from 0); a table of shortfalls (``scenario, product, month, shortfall_t``, and
        ``country``, ``probability`` where they differ); or an earlier answer, whose shortfalls are used
        again, for the same countries or some of them.
    budget
        USD of ``year`` for purchases and for fees that the budget pays: a number, ``"12 bn USD"`` or ``Money``.
    for_
        Whose unmet demand counts: ``"world"``, countries (ISO alpha-3), or an Alignment, whose members from tier
        ``zone`` on count.
    holders
        Who may hold, with which rules; by default one public stock without rules.
    products
        What may be held: products that final users take; by default all that any scenario makes short.
    prices
        USD a tonne by product or mineral where the reference price lacks or does not suit.
    value
        What a lost tonne costs: USD by product or mineral, or a multiple of the price; by default the price.
    minimise
        ``"loss"`` (USD), ``"unmet"`` (tonnes, all alike), or ``"days"`` (days of each product's demand, summed).
    risk, level
        ``"expected"``, or ``"cvar"``: the mean of the worst ``1 - level``.
    years, period
        Horizon; ``"month"``, ``"quarter"``, ``"half-year"`` or ``"year"`` as the step of purchases and releases.
    rationing, ramp
        Who goes without when supply falls short, and how much plants can add, as in :func:`supplygraph.reroute`.
    adjust_months
        Months until rerouting is complete: the shortfall falls evenly from what is lost if nobody reroutes to that
        after the best rerouting. 0: at once, a lower bound.
    elasticity
        Per cent more tonnes offered to the buyer for one per cent more price; by default short-run supply plus demand
        from ``data/facts/elasticities.csv`` (low confidence).
    most_share
        Most that may be bought in a period, as a share of what the world uses in it.
    in_shock
        ``"wait"``: purchases planned while a product is short are made when it is not; a number: they are made, dearer
        by so much (0.5 = 50 %), and the budget holds on average.
    hurdle
        USD of loss that a dollar of budget must save at least to be spent.
    aim_days
        Days of cover of everything to hold the plan against.
    batches
        Plans made from that many parts of the drawn paths, for the interval of holdings; 0 = none.
    curve
        Points of a curve of loss against budget, up to what the plan spends; 0 = none.
    gap, seconds
        Stop when proved within ``gap`` of the best, or after so long; the answer says how far the proof is.
    year
        The year whose dollars all amounts are in.

    Returns
    -------
    Stockpile
        See there for its tables and figures.

    Raises
    ------
    DataError
        If an amount is no money of ``year`` in USD, a product has no price, a number is out of range, a holder
        serves nobody, ...; every problem is listed.
    UnknownNameError
        If an option, or a name in a shock, does not exist.

    Notes
    -----
    With purchases :math:`x_{h t}` (one plan), shortfalls :math:`d_{s t}` and releases :math:`r`, each scenario loses
    :math:`L_s(x) = \sum_m v_m (\sum_t d_{mst} - \max \sum_{ht} r_{mhst})`, the maximum over releases within stocks,
    release limits and sharing. The maximum is a maximum flow; its minimum cut is found by a recursion over periods
    (exact, all paths at once) and is a cut for the plan. The plan is a linear program with the budget, the steps of the
    supply curve and these cuts (L-shaped method: Van Slyke and Wets 1969; CVaR: Rockafellar and Uryasev 2000), so
    the bound is proved. The price of all tonnes of a period rises to ``p (1 + share / elasticity)``, in eight chords
    between nothing and ``most_share``. Purchases of a period are there from the next one on. Each
    network is solved once per set of concurrent disruptions. Plans from batches: Mak, Morton and Wood 1999.

    Examples
    --------
    >>> import supplygraph as sg
    >>> shock = sg.Shock.ban("CHN", product="gallium-refined")
    >>> told = {"ban": {"shock": shock, "probability": 0.2, "start": 12, "months": 12}}
    >>> answer = sg.stockpile(sg.load("gallium"), told, budget="2 m USD", for_="USA")
    >>> answer.table["hold_t"].round(2).to_dict()
    {'gallium-refined / stock': 3.36}
    """
    from supplygraph.response.stockpile.ask import Ask, Options
    from supplygraph.response.stockpile.master import solve

    _check(batches=batches, curve=curve, gap=gap, seconds=seconds, aim_days=aim_days)
    options = Options(
        budget, for_, zone, holders, products, prices, value, minimise, risk, level, years, period, rationing, ramp,
        adjust_months, elasticity, most_share, in_shock, hurdle, year,
    )  # fmt: skip
    ask = Ask.of(net, scenarios, options)
    plan, master = solve(ask.arrays, gap=gap, seconds=seconds)
    points = _curve(ask, master, plan, curve, gap, seconds)
    parts = _batches(ask, batches, gap, seconds)
    return _answer(ask, plan, parts, points, {"gap": gap, "batches": batches, "aim_days": aim_days})


def _answer(ask: Ask, plan: Plan, parts: list[Any], points: pd.DataFrame, more: dict[str, Any]) -> Stockpile:
    from supplygraph.response.stockpile.answer import build
    from supplygraph.response.stockpile.told import counted

    options = ask.options
    params = {
        "budget_usd": ask.arrays.budget, "for_": ask.shortfalls.consumers, "products": ask.shortfalls.products,
        "holders": ask.holders, "minimise": options.minimise, "value": counted(options),
        "risk": options.risk, "level": options.level,
        "years": options.years, "period": options.period, "rationing": options.rationing, "ramp": options.ramp,
        "adjust_months": options.adjust_months, "most_share": options.most_share, "in_shock": options.in_shock,
        "hurdle": options.hurdle, "year": options.year, "scenarios": len(ask.labels), **more,
    }  # fmt: skip
    return build(ask, plan, parts, points, params, more["aim_days"])


def _check(*, batches: Any, curve: Any, gap: Any, seconds: Any, aim_days: Any) -> None:
    problems = []
    for name, value, most in (("batches", batches, 50), ("curve", curve, 50)):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            problems.append(Problem(name, f"is {value!r}; expected a whole number from 0 to {most}", ""))
    given = (("gap", gap), ("seconds", seconds), *((("aim_days", aim_days),) if aim_days is not None else ()))
    for name, value in given:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            problems.append(Problem(name, f"is {value!r}; expected a number above 0", ""))
    if problems:
        raise DataError("the stockpile cannot be asked for like this", problems)


def _curve(ask: Ask, master: Master, plan: Plan, points: int, gap: float, seconds: float) -> pd.DataFrame:
    """Return loss against budget: the cuts of the plan serve every other budget too."""
    import numpy as np
    import pandas as pd

    from supplygraph.response.stockpile.master import solve

    rows: list[tuple[float, Plan]] = []
    # denser where the first dollars save most
    for budget in plan.cost * np.linspace(0.0, 1.0, points + 1)[:points] ** 2 if plan.cost > 0 else ():
        other, _ = solve(replace(ask.arrays, budget=float(budget)), gap=gap, seconds=seconds / points, master=master)
        rows.append((float(budget), other))
    if points:
        rows.append((ask.arrays.budget, plan))
    charge = ask.arrays.hurdle
    told = [(budget, one.cost, one.loss - charge * one.cost, one.bound - charge * one.cost) for budget, one in rows]
    frame = pd.DataFrame(told, columns=["budget_usd", "cost_usd", "objective", "bound"])
    return frame.astype("float64").rename_axis("point")


def _batches(ask: Ask, count: int, gap: float, seconds: float) -> list[Any]:
    import numpy as np

    from supplygraph.response.stockpile.master import solve

    paths = len(ask.labels)
    if not ask.sampled or count < 2 or paths < 2 * count:
        return []
    return [
        solve(ask.arrays.of(np.arange(number, paths, count)), gap=gap, seconds=seconds / count)[0].buys
        for number in range(count)
    ]


def project_vault(
    net: SupplyNetwork | None = None,
    scenarios: Any = None,
    *,
    n: int = 1000,
    seed: int = 0,
    budget: float | str | Money = VAULT_USD,
    refill_months: int | None = VAULT_REFILL_MONTHS,
    **options: Any,
) -> Stockpile:
    """Ask what Project Vault should hold for the United States, and what its 60 days of everything would do.

    Parameters
    ----------
    net
        The network; by default all bundled minerals.
    scenarios
        As for :func:`stockpile`; by default ``n`` paths of the built-in restrictions, drawn with ``seed``.
    budget
        USD; by default the published 10 bn of EXIM loan and about 2 bn (first told as 1.67) of private money, which
        are dollars of 2026 and counted as of 2025, since no deflator of 2026 is bundled.
    refill_months
        Manufacturers may draw if they refill; within which time was not published: 12 months is an assumption.
    options
        Of :func:`stockpile`; ``for_`` is the United States, ``aim_days`` 60.

    Returns
    -------
    Stockpile
        ``.cover`` has days of cover by product beside the aim.

    Raises
    ------
    DataError, UnknownNameError
        As :func:`stockpile`.

    Notes
    -----
    Terms as told in the press (``data/facts/instruments.csv``): manufacturers pay fees and carrying costs (rates were
    not published, so none are charged here), may draw if they refill, have full access in a major disruption. Products
    without a reference price are left out; of the 60 minerals named only the bundled ones are here.

    Examples
    --------
    >>> import supplygraph as sg
    >>> vault = sg.project_vault(sg.load(["gallium", "tungsten"]), n=50, batches=0)
    >>> vault.aim_days, vault.cost_usd < 12e9
    (60.0, True)
    """
    from supplygraph.response.stockpile.holders import Holder
    from supplygraph.scenario.outages import outages
    from supplygraph.world.datasets import load

    asked = load() if net is None else net
    if "products" not in options:
        uses = asked.processes.loc[asked.processes["role"] == "use", "input"].dropna().unique()
        priced = asked.products["price_usd_t"].reindex(sorted(uses)).dropna()
        options["products"] = tuple(priced.index)
    holder = Holder("vault", "private", countries="USA", refill_months=refill_months, paid_by="users")
    given: dict[str, Any] = {"for_": "USA", "aim_days": float(VAULT_DAYS), "holders": holder} | options
    drawn = outages(asked, n, seed=seed, years=given.get("years", 5)) if scenarios is None else scenarios
    return stockpile(asked, drawn, budget=budget, **given)
