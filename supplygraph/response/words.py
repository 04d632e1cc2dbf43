"""A rerouting in words: what changed its way, and what the answer says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from supplygraph.engine.expanded import Expanded, Floats
    from supplygraph.network.network import SupplyNetwork
    from supplygraph.response.phases import Flows

_COLUMNS = (
    "product", "from_before", "to_before", "from_after", "to_after", "flow_t", "share_of_loss", "was", "becomes",
    "km_added", "days_added", "cost_added_usd_t", "words",
)  # fmt: skip
#: What two shipments must have in common to be one change: in this order.
_SAME = (("origin", "destination"), ("destination",), ("origin",))


def changed_routes(net: SupplyNetwork, table: pd.DataFrame, *, least_t: float) -> pd.DataFrame:
    """Match, product by product, the tonnes that stopped with the tonnes that started.

    First those between the same two plants (a changed way), then those that the same plant takes (another
    supplier), then those that the same plant sends (another customer); each in falling order of tonnes. What
    stopped without a successor has no row: it is unmet, or was not needed any more.

    Returns
    -------
    pandas.DataFrame
        One row per match, largest first, indexed from 1 (``rank``). ``share_of_loss``: of all tonnes of the product
        that stopped.
    """
    moved = table[table["difference_t"].abs() > least_t]
    speak = _Ways(net)
    rows = []
    for product, group in moved.groupby("product", sort=True):
        shifts = [_Shift(*row) for row in group[list(_Shift._fields)].itertuples(index=False, name=None)]
        lost = -sum(min(shift.difference_t, 0.0) for shift in shifts)
        for old, new, flow in _matches(shifts, least_t):
            added = (new.km - old.km, new.days - old.days, new.cost_usd_t - old.cost_usd_t)
            was, becomes = speak(old), speak(new)
            words = (
                f"{flow:,.0f} t ({percent(flow, lost)} of the loss): was {was}; becomes {becomes} "
                f"({added[0]:+,.0f} km, {added[1]:+.1f} days)"
            )
            ends = (old.origin, old.destination, new.origin, new.destination)
            rows.append((product, *ends, flow, flow / lost, was, becomes, *added, words))
    found = pd.DataFrame(rows, columns=list(_COLUMNS))
    found = found.sort_values(["flow_t", "to_after", "words"], ascending=[False, True, True], ignore_index=True)
    found.index = pd.RangeIndex(1, len(found) + 1, name="rank")
    return found


class _Shift(NamedTuple):
    """A shipment that changed."""

    origin: str
    destination: str
    product: str
    route: object
    difference_t: float
    km: float
    days: float
    cost_usd_t: float


def _matches(shifts: list[_Shift], least_t: float) -> list[tuple[_Shift, _Shift, float]]:
    order = sorted(range(len(shifts)), key=lambda i: (-abs(shifts[i].difference_t), i))
    left = {i: -shifts[i].difference_t for i in order if shifts[i].difference_t < 0}
    room = {i: shifts[i].difference_t for i in order if shifts[i].difference_t > 0}
    found = []
    for same in _SAME:
        waiting: dict[tuple[str, ...], list[int]] = {}
        for new in room:
            waiting.setdefault(tuple(getattr(shifts[new], part) for part in same), []).append(new)
        for old in list(left):
            for new in waiting.get(tuple(getattr(shifts[old], part) for part in same), []):
                flow = min(left[old], room[new])
                if flow > least_t:
                    left[old] -= flow
                    room[new] -= flow
                    found.append((shifts[old], shifts[new], flow))
    return found


class _Ways:
    """Speaks a route: its origin, ports and straits, its destination."""

    def __init__(self, net: SupplyNetwork) -> None:
        self._node = net.processes["node"].to_dict()
        self._target = net.edges["target"].to_dict()
        self._name = net.nodes["name"].to_dict()

    def __call__(self, shift: _Shift) -> str:
        first, last = self._node[shift.origin], self._node[shift.destination]
        if first == last:
            return f"{self._name[first]} (on site)"
        stops = [first]
        if isinstance(shift.route, str):
            stops += [self._target[edge] for edge in shift.route.split(";")]
        names = [str(self._name.get(stop, stop)) for stop in stops]
        return " – ".join(name for place, name in enumerate(names) if not place or name != names[place - 1])


def average(flow: Floats, quantity: Floats, delivered: float) -> float:
    """Return ``sum(flow x quantity)`` per tonne delivered; NaN where nothing is delivered."""
    return float(np.sum(flow * quantity) / delivered) if delivered > 0 else float("nan")


def burdens(graph: Expanded, flows: Flows, delivered: float) -> tuple[float, float, float]:
    """Return km, days and freight (USD) of all shipments per tonne delivered; NaN where nothing is."""
    steps = flows.steps
    sums = (
        np.where(steps >= 0, amount[steps], 0.0).sum(axis=1) if steps.shape[1] else np.zeros(len(flows.flow))
        for amount in (graph.km, graph.days, graph.cost)
    )
    km, days, cost = (average(flows.flow, quantity, delivered) for quantity in sums)
    return km, days, cost


def percent(part: float, whole: float) -> str:
    """Return a share in words."""
    return f"{100 * part / whole:.0f} %" if whole > 0 else "0 %"


def number(amount: float) -> str:
    """Return an amount for people: three digits where small, whole where large."""
    return f"{amount:,.0f}" if abs(amount) >= 1000 else f"{amount:.3g}"


def tonnes(amount: float) -> str:
    """Return tonnes for people."""
    return f"{amount:,.0f} t"


def usd(amount: float) -> str:
    """Return dollars for people: three digits that count, in bn, m or k.

    Examples
    --------
    >>> usd(5.608e9), usd(-387_860.0), usd(250.0)
    ('5.61 bn USD', '-388 k USD', '250 USD')
    """
    size = abs(amount)
    for scale, word in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if size >= scale:
            return f"{amount / scale:,.3g} {word} USD"
    return f"{amount:,.3g} USD"
