"""The answer of `chokepoints`: a ranking that can tell, for every row, what stops, who loses and what goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplygraph.errors import UnknownNameError
from supplygraph.measures import throughput, tracing
from supplygraph.measures.items import Items
from supplygraph.results import Result

if TYPE_CHECKING:
    import pandas as pd

#: Kilometres and days under this are not worth a word.
_TOLD = 0.05
#: Shipments, plants that step in, and losers that an explanation names.
_LINES, _LOSERS = 3, 8


class ChokepointResult(Result):
    """Single failures, the worst first.

    ``losses`` lists who loses what, ``gains`` which plants step in, ``dominated`` which demand has no route without
    an item, ``cuts`` each factory's minimum cut; ``stops(item)`` the shipments that stop.
    """

    if TYPE_CHECKING:
        _plan: pd.DataFrame | None

    def __init__(self, *, plan: pd.DataFrame | None, **given: Any) -> None:
        super().__init__(**given)
        self.__dict__["_plan"] = plan

    @property
    def plan(self) -> pd.DataFrame | None:
        """What is shipped while nothing of the table fails; None where that is what the network ships today."""
        return None if self._plan is None else self._plan.copy(deep=False)

    @property
    def losses(self) -> pd.DataFrame:
        """One row per item and losing site: ``item``, ``node``, ``name``, ``country``, ``demand_t``, ``lost_t``."""
        return self._tables["losses"].copy(deep=False)

    def stops(self, item: str) -> pd.DataFrame:
        """Return the shipments that touch an item: what stops, or finds another way, when it fails.

        Returns
        -------
        pandas.DataFrame
            The largest first: ``origin``, ``destination`` (names of the sites), ``origin_country``,
            ``destination_country``, ``product``, ``flow_t``. Of an owner's plants, all shipments.

        Raises
        ------
        UnknownNameError
            If the table has no such item.

        Examples
        --------
        >>> from toys import chain
        >>> from supplygraph.measures.chokepoints import chokepoints
        >>> chokepoints(chain(), by="passage").stops("suez")[["origin", "destination", "flow_t"]]
                   origin destination  flow_t
        shipment
        s5       Jinchuan      Erfurt    12.0
        s7        Kokkola      Ningde     3.0
        """
        self._row(item)
        net = self.network
        assert net is not None  # noqa: S101 - chokepoints always has one
        traced = tracing.trace(net, self._plan)
        items = Items.of(net, self.params["by"])
        shipments = net.shipments if self.plan is None else self.plan
        mine = shipments.loc[traced.shipments[throughput.touched(traced, items, item)]]
        mine = mine.sort_values("flow_t", ascending=False, kind="stable")
        ends = {side: mine[side].map(net.processes["node"]) for side in ("origin", "destination")}
        told = {side: node.map(net.nodes["name"]) for side, node in ends.items()}
        told |= {f"{side}_country": node.map(net.nodes["country"]) for side, node in ends.items()}
        return mine[["product", "flow_t"]].assign(**told)[[*told, "product", "flow_t"]]

    def explain(self, item: str | None = None) -> str:
        """Say what the ranking shows, or what happens when one item fails.

        Parameters
        ----------
        item
            An id of the table.

        Raises
        ------
        UnknownNameError
            If the table has no such item.

        Examples
        --------
        >>> from toys import chain
        >>> from supplygraph.measures.chokepoints import chokepoints
        >>> print(chokepoints(chain()).explain("kokkola"))
        Kokkola fails: 9 t of demand (9.1%) cannot be met (max flow, exact); 27 t go through it today.
          The rest of the network still delivers 90 t of 99 t.
          Stops: Kokkola to Erfurt (24 t), Tenke to Kokkola (20 t), Talvivaara to Kokkola (10 t) and 1 more.
          Erfurt (DEU) loses 6 t of 36 t.
          Ningde (CHN) loses 3 t of 63 t.
          Steps in: Jinchuan (CHN) 18 t more.
          Each tonne still delivered takes 5,168 km more, 9.0 days more, 54 USD of freight more.
        """
        if item is None:
            return super().explain()
        row = self._row(item)
        return "\n".join([self._headline(row), *self._stopping(item), *self._who(item), *self._detour(row)])

    def _row(self, item: str) -> pd.Series:
        table = self._tables["table"]
        if item not in table.index:
            raise UnknownNameError.of("item", item, table.index)
        row: pd.Series = table.loc[[item]].iloc[0]
        return row

    def _headline(self, row: pd.Series) -> str:
        loss, share, through = row["loss_t"], row["loss_share"], row["throughput_t"]
        known = [] if through != through else [f"{through:,.0f} t go through it today"]  # noqa: PLR0124 - missing
        if loss != loss:  # noqa: PLR0124 - missing
            return "; ".join([f"{row['name']} fails: what that costs was not computed ({row['method']})", *known]) + "."
        lost = f"{loss:,.0f} t of demand ({share:.1%}) cannot be met ({row['method']})"
        before = self._figures["delivered_t"]
        rest = f"\n  The rest of the network still delivers {before - loss:,.0f} t of {before:,.0f} t."
        return "; ".join([f"{row['name']} fails: {lost}", *known]) + "." + rest

    def _stopping(self, item: str) -> list[str]:
        if not len(self._tables["losses"].columns):
            return []
        stops = self.stops(item)
        told = [f"{one.origin} to {one.destination} ({one.flow_t:,.0f} t)" for one in stops.head(_LINES).itertuples()]
        more = f" and {len(stops) - _LINES} more" if len(stops) > _LINES else ""
        return [f"  Stops: {', '.join(told)}{more}."] if told else []

    def _who(self, item: str) -> list[str]:
        losses, gains = (self._tables[name] for name in ("losses", "gains"))
        mine = losses[losses["item"] == item]
        lines = [
            f"  {_place(loser)} loses {loser.lost_t:,.0f} t of {loser.demand_t:,.0f} t."
            for loser in mine.head(_LOSERS).itertuples(index=False)
        ]
        rest = mine["lost_t"].iloc[_LOSERS:]
        if len(rest):
            lines.append(f"  {len(rest)} more lose {rest.sum():,.0f} t together.")
        steps = gains[gains["item"] == item].head(_LINES)
        told = [f"{_place(one)} {one.more_t:,.0f} t more" for one in steps.itertuples(index=False)]
        return [*lines, *([f"  Steps in: {', '.join(told)}."] if told else [])]

    @staticmethod
    def _detour(row: pd.Series) -> list[str]:
        if not (abs(row["days"]) > _TOLD or abs(row["km"]) > _TOLD):
            return []
        km, days, cost = (
            f"{abs(row[column]):,.{digits}f} {unit} {'more' if row[column] >= 0 else 'less'}"
            for column, digits, unit in (("km", 0, "km"), ("days", 1, "days"), ("cost_usd_t", 0, "USD of freight"))
        )
        return [f"  Each tonne still delivered takes {km}, {days}, {cost}."]


def _place(site: Any) -> str:
    """Return a site's name, with its country where that is known."""
    return f"{site.name} ({site.country})" if isinstance(site.country, str) else str(site.name)
