"""A preferential zone and the duties at its border, for the map: who is inside, who pays what on the way in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.errors import DataError, Problem
from supplygraph.network import codes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from supplygraph.maps.layers import Payload

#: Specific and ad valorem duty; a row has one of them, or both.
_AMOUNTS = ("duty_usd_t", "duty_share")
_KNOWN = {"exporter", "importer", "product", *_AMOUNTS}


def overlay(zone: Iterable[str] | None, duties: pd.DataFrame | None, builder: Payload) -> dict[str, Any]:
    """Return what the page shows of a zone and of duties.

    Parameters
    ----------
    zone
        Members, ISO alpha-3.
    duties
        One row per pair of countries (and product): ``exporter``, ``importer`` (ISO alpha-3), ``duty_usd_t``
        (specific, USD per tonne of contained material) or ``duty_share`` (ad valorem, 0.25 = 25 % of the value) or
        both, and, where it is on one product only, ``product``.
    builder
        The drawn network.

    Raises
    ------
    DataError
        If a code, product or amount is wrong, or the zone is empty; every problem is listed.
    """
    problems: list[Problem] = []
    members = [zone] if isinstance(zone, str) else [str(code) for code in zone or ()]
    if zone is not None and not members:
        problems.append(Problem("zone", "has no members", "Give ISO alpha-3 codes, or leave it out."))
    problems += [Problem("zone", f"no country {code!r}", codes.suggest(code)) for code in members
                 if code not in codes.ALPHA3]
    rows = [] if duties is None else _rows(duties, builder, problems)
    if problems:
        raise DataError("this zone and these duties cannot be drawn", problems)
    found: dict[str, Any] = {}
    if members:
        found["zone"] = sorted(set(members))
    if rows:
        found["duties"] = rows
    return found


def _rows(duties: pd.DataFrame, builder: Payload, problems: list[Problem]) -> list[list[Any]]:
    lacking = [name for name in ("exporter", "importer") if name not in duties.columns]
    if not set(_AMOUNTS) & set(duties.columns):
        lacking.append(" or ".join(_AMOUNTS))
    strange = sorted(map(str, set(duties.columns) - _KNOWN))
    problems += [Problem("duties", f"lacks the column {name}", "") for name in lacking]
    known = f"Known: {', '.join(sorted(_KNOWN))}"
    problems += [Problem("duties", f"unknown column {name!r}", known) for name in strange]
    if lacking or strange:
        return []
    table = duties.reindex(columns=["exporter", "importer", "product", *_AMOUNTS])
    rows = []
    for at, row in enumerate(table.to_dict("records")):
        amounts = [_amount(row[name], f"duties, row {at}, column {name}", problems) for name in _AMOUNTS]
        problems += [
            Problem(f"duties, row {at}, column {name}", f"no country {row[name]!r}", codes.suggest(str(row[name])))
            for name in ("exporter", "importer") if row[name] not in codes.ALPHA3
        ]
        product = row["product"] if isinstance(row["product"], str) else None
        if product is not None and product not in builder.net.products.index:
            problems.append(Problem(f"duties, row {at}, column product", f"no product {product!r}", ""))
        if product in builder.number or product is None:
            rows.append([row["exporter"], row["importer"], builder.number.get(str(product), -1), *amounts])
    return rows


def _amount(value: Any, where: str, problems: list[Problem]) -> float | None:
    """Return a duty, None where it is missing; negative and endless ones are refused."""
    if value is None or pd.isna(value):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (0 <= number < math.inf):
        problems.append(Problem(where, f"is {value!r}; expected 0 or more", ""))
        return None
    return number
