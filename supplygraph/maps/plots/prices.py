"""Prices under instruments: before and after by country, who gains, and one floor at many levels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from supplygraph.errors import UnknownNameError
from supplygraph.maps import markets
from supplygraph.maps.plots import rows, style, words
from supplygraph.maps.plots.rows import Row
from supplygraph.maps.theme import COLOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MILLION, _THOUSAND = 1e6, 1e3
_ROWS = 14  # a sweep is as tall as so many bars
#: Prices that differ by less than this share stand still.
_TINY = 1e-4
#: Break-even levels named at most.
_NAMED = 3
#: Where their names stand: the first, and steps upwards, as parts of the panel.
_FIRST, _STEP = 0.03, 0.15


def prices(result: Any, *, size: str, ax: Any, top: int, product: str | None = None) -> Any:
    """Draw the price of a product by country after, with its interval, and a mark where it was before."""
    table = result.table
    chosen = markets.product_of(result) if product is None else product
    if chosen not in set(table["product"]):
        raise UnknownNameError.of("product", chosen, set(table["product"]))
    here = table[(table["product"] == chosen) & table["price_usd_t"].notna()]
    here = here.sort_values("used_before_t", ascending=False, kind="stable")
    shown = here.head(top)
    named = words.country_names(result.network)
    drawn = [_price_row(named, row) for row in shown.to_dict("records")]
    text = style.size_of(size).text
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, f"price of {markets.plain(chosen)}, USD per tonne contained")
        before = shown["price_before_usd_t"].to_numpy(dtype=np.float64)
        sheet.axes.plot(before, np.arange(len(before)), linestyle="", marker="|", markersize=1.5 * text, zorder=4,
                        markeredgewidth=0.16 * text, color=COLOURS["more"], gid="before")  # fmt: skip
        left = len(here) - len(shown)
        sheet.finish(markets.plain(result.title), _told(result), words.caption(
            "Upright mark: price today; largest users first", _draws(result),
            f"{left} more countries in .table" if left > 0 else "", words.doubt(result.network),
            words.source(result.network)))  # fmt: skip
    return sheet.axes


def _price_row(named: Any, row: dict[str, Any]) -> Row:
    now, before = float(row["price_usd_t"]), float(row["price_before_usd_t"])
    low, high = (float(row.get(f"price_{end}_usd_t", math.nan)) for end in ("low", "high"))
    change = (now - before) / before if before > 0 else math.nan
    told = f"{change:+.0%}".replace("%", f"{style.GAP}%") if abs(change) > _TINY else "unchanged"
    country = str(row["country"])
    look = "main" if row["zone"] else "light"
    whole = before if before > now else math.nan  # keeps the label clear of the mark
    return Row(str(named.get(country, "Unknown country")), now, f"{now:,.0f} ({told})", low, high, look, whole)


def gains(result: Any, *, size: str, ax: Any, top: int) -> Any:
    """Draw what each country gains or loses in all, the largest first."""
    table = result.surplus
    order = table["total_usd"].abs().sort_values(ascending=False, kind="stable").index
    shown = table.loc[order[:top]].sort_values("total_usd", ascending=False, kind="stable")
    named = words.country_names(result.network)
    drawn = [
        Row(str(named.get(str(code), "Unknown country")), value / _MILLION, f"{style.number(value / _MILLION)} m",
            look="main" if value >= 0 else "more")
        for code, value in zip(shown.index, shown["total_usd"].to_numpy(dtype=np.float64), strict=True)
    ]  # fmt: skip
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=len(drawn))
        rows.draw(sheet, drawn, "change of consumers' and producers' surplus, rents, duties and payments, m USD a year")
        sheet.finish(markets.plain(result.title), _told(result), words.caption(
            "Central estimate; consumers are the final users of the product, not of what holds it",
            words.doubt(result.network), words.source(result.network)))  # fmt: skip
    return sheet.axes


def levels(result: Any, *, size: str, ax: Any, top: int) -> Any:  # noqa: ARG001 - a sweep has no rows
    """Draw price, output and cost to users against the level of a floor, with intervals where there are any."""
    table = result.table
    level = table.index.to_numpy(dtype=np.float64) / _THOUSAND
    with style.look(style.size_of(size)):
        sheet = style.Sheet(size, ax, rows=_ROWS, panels=(3.0, 2.4, 2.0))
        upper, middle, lower = sheet.panels
        text = sheet.size.text
        _line(upper, level, table, "zone_price_usd_t", _THOUSAND, text, "zone")
        upper.plot(level, table["world_price_usd_t"] / _THOUSAND, color=COLOURS["mute"], linestyle="--",
                   linewidth=0.12 * text, label="world")  # fmt: skip
        upper.plot(level, level, color=COLOURS["line"], linewidth=0.1 * text, label="floor", zorder=1)
        upper.legend(loc="upper left", ncols=3)
        upper.set_ylabel("price, thousand\nUSD/t")
        scale, unit = style.unit_of(float(table["zone_output_t"].max()))
        _line(middle, level, table, "zone_output_t", scale, text, "")
        middle.set_ylabel(f"made in the\nzone, {unit}")
        _marks(middle, result, text, sheet.inches)
        _line(lower, level, table, "cost_to_users_usd", _MILLION, text, "users lose")
        lower.plot(level, table["revenue_usd"] / _MILLION, color=COLOURS["mute"], linestyle="--",
                   linewidth=0.12 * text, label="duties")  # fmt: skip
        lower.set_ylabel("m USD a year")
        lower.legend(loc="upper left", ncols=2)
        lower.set_xlabel("floor, thousand USD per tonne contained")
        for axes in (upper, middle, lower):
            axes.grid(axis="y")
            axes.tick_params(length=0)
            axes.margins(x=0.02)
        for axes in (middle, lower):
            axes.set_ylim(bottom=0)
        upper.tick_params(labelbottom=False)
        middle.tick_params(labelbottom=False)
        title = f"What a floor for {markets.plain(str(result.params['product']))} does"
        sheet.finish(title, _swept(result), words.caption(
            _draws(result, "Bands"), "No zone floor has been published: the levels are the caller's",
            words.doubt(result.network), words.source(result.network)))  # fmt: skip
    return np.array([upper, middle, lower], dtype=object)


def _line(axes: Any, level: Floats, table: Any, column: str, scale: float, text: float, label: str) -> None:
    stem, _, unit = column.rpartition("_usd_t") if column.endswith("_usd_t") else column.rpartition("_")
    unit = "usd_t" if column.endswith("_usd_t") else unit
    low, high = (words.number(table, f"{stem}_{end}_{unit}").to_numpy() / scale for end in ("low", "high"))
    if np.isfinite(low).any():
        axes.fill_between(level, low, high, color=rows.BAR, alpha=0.25, linewidth=0, gid="interval")
    axes.plot(level, table[column] / scale, color=COLOURS["accent"], linewidth=0.17 * text, marker="o",
              markersize=0.3 * text, label=label or None)  # fmt: skip


def _marks(axes: Any, result: Any, text: float, inches: float) -> None:
    """Mark the levels from which producers get the price at which they run, the first ones by name."""
    even = result.breakeven.dropna(subset=["floor_usd_t"])
    even = even[even["floor_usd_t"] > result.table.index[0]]
    named = even.sort_values("capacity_t", ascending=False, kind="stable").head(_NAMED).index
    height = _FIRST
    for process, row in even.iterrows():
        at = row["floor_usd_t"] / _THOUSAND
        axes.axvline(at, color=COLOURS["more"], linewidth=0.06 * text, alpha=0.6, gid="breakeven")
        if process in named:
            name = style.shorten(str(row["name"]), 0.25 * inches, 0.8 * text)
            axes.annotate(name, (at, height), xycoords=("data", "axes fraction"), xytext=(0.3 * text, 0),
                          textcoords="offset points", fontsize=0.8 * text, color=COLOURS["more"], va="bottom",
                          path_effects=rows.halo(text), parse_math=False)  # fmt: skip
            height += _STEP


def _swept(result: Any) -> str:
    even = result.breakeven
    reached = int(even["floor_usd_t"].notna().sum())
    estimated = int((even["basis"] != "cost").sum())
    doubt = f" ({estimated} of these prices estimated)" if estimated else ""
    return f"Upright lines: from there producers get the price at which they run, {reached} of {len(even)}{doubt}"


def _told(result: Any) -> str:
    given = result.figures
    users, revenue = (style.number(given[name] / _MILLION) for name in ("cost_to_users_usd", "revenue_usd"))
    held = "" if given["held"] else "; a levy alone cannot hold it everywhere"
    return f"Final users lose {users} m USD a year, duties bring {revenue} m{held}"


def _draws(result: Any, what: str = "Whiskers") -> str:
    count = result.params["draws"]
    if not count:
        return "No intervals: none were asked for"
    return f"{what}: 5 to 95{style.GAP}% of {count} draws of elasticities, costs and implied prices"
