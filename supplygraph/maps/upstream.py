"""All that is upstream of a factory (country, bloc) as a scenario: what lights up, and who stands behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from supplygraph.errors import DataError, Problem, UnknownNameError
from supplygraph.maps.answers import ranked
from supplygraph.maps.layers import spaced
from supplygraph.maps.scenarios import Scenario, shipments_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supplygraph.maps.layers import Payload
    from supplygraph.network.network import SupplyNetwork

#: Rows shown unless they are named: the largest.
_SHOWN = 12
#: Columns that are no suppliers.
_NO_SUPPLIER = ("unknown", "none")


def tells(result: Any) -> bool:
    """Return whether an answer traces what stands behind demand."""
    return hasattr(result, "behind") and "demand_t" in result.table.columns


@dataclass(frozen=True)
class Upstream:
    """The rows of an exposure that a map shows, each behind its own step of the choice.

    Attributes
    ----------
    result
        The exposure.
    rows
        Ids of the rows, in the order of the choice.
    """

    result: Any
    rows: tuple[str, ...]

    @classmethod
    def of(cls, result: Any, rows: Sequence[str] | str | None) -> Upstream:
        """Choose the rows to show; the largest where none are named.

        Raises
        ------
        UnknownNameError
            If the exposure has no such row.
        DataError
            If an empty list is given.
        """
        table = result.table
        if rows is None:
            largest = table["demand_t"].sort_values(ascending=False, kind="stable")
            return cls(result, tuple(str(row) for row in largest.head(_SHOWN).index))
        chosen = [rows] if isinstance(rows, str) else list(rows)
        if not chosen:
            problem = Problem("rows", "is empty", "Name rows of .table, or leave it out for the largest.")
            raise DataError("nothing to light up", [problem])
        for row in chosen:
            if row not in table.index:
                raise UnknownNameError.of("row", row, table.index)
        return cls(result, tuple(dict.fromkeys(chosen)))

    def scenarios(self, net: SupplyNetwork) -> list[Scenario]:
        """Return one scenario per row: what it ships is what reaches that demand."""
        names = self._names(net)
        return [
            Scenario(
                f"Behind {names[row]}",
                shipments_of(self.result.behind(row)),
                self._figures(row),
                behind=row,
            )
            for row in self.rows
        ]

    def overlay(self, builder: Payload, countries: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return per row who stands behind it, with intervals, and which site it is."""
        return [self._behind(row, builder, countries) for row in self.rows]

    def _names(self, net: SupplyNetwork) -> dict[str, str]:
        known = net.countries["name"] if self.result.table.index.name == "country" else net.nodes["name"]
        return {row: str(known.get(row, row)) for row in self.rows}

    def _figures(self, row: str) -> dict[str, object]:
        """Return the demand of a row; who stands behind it is told by the list."""
        demand = float(self.result.table.loc[row, "demand_t"])
        return {"Demand, estimated": f"{spaced(demand)} t a year"}

    def _suppliers(self, row: str) -> pd.DataFrame:
        """Return the suppliers of a row by share, with the interval of the draws where there is one."""
        tables = self.result.tables
        columns = [name for name in tables["table"].columns if name not in {"demand_t", *_NO_SUPPLIER}]
        parts = {"share": tables["table"].loc[row, columns]}
        for end in ("low", "high"):
            frame = tables.get(end)
            parts[f"share_{end}"] = (
                frame.loc[row].reindex(columns) if frame is not None else pd.Series(float("nan"), index=columns)
            )
        table = pd.DataFrame(parts).astype(float)
        return table[table["share"] > 0].sort_values("share", ascending=False, kind="stable")

    def _behind(self, row: str, builder: Payload, countries: Mapping[str, Any]) -> dict[str, Any]:
        table = self._suppliers(row)
        to = self.result.params["to"]
        names = builder.nodes["name"]
        places = [_place(str(key), to, builder, countries) for key in table.index]
        told = [
            [place, countries[key][0] if place == key else str(names.get(key, key))]
            for place, key in zip(places, map(str, table.index), strict=True)
        ]
        stage = self.result.params["stage"]
        label = {"passage": "Passes", "owner": f"Owner at {stage}"}.get(to, f"Comes from, at {stage}")
        shares = {
            place: round(float(share), 4) for place, share in zip(places, table["share"], strict=True)
            if isinstance(place, str)
        }
        found: dict[str, Any] = {"label": label, **ranked(table, "share", told)}
        if shares:
            found["shares"] = dict(sorted(shares.items()))
        if row in builder.place:
            found["node"] = builder.place[row]
        elif row in countries:
            found["iso"] = row
        return found


def _place(key: str, to: str, builder: Payload, countries: Mapping[str, Any]) -> int | str | None:
    """Return where a supplier stands: the number of a site or strait, the code of a country, or nowhere."""
    if to in {"node", "passage"}:
        return builder.place.get(key)
    return key if key in countries else None
