"""The stages of each mineral: which product feeds which, and which statistic closes it."""

from __future__ import annotations

from dataclasses import dataclass

from supplygraph import facts
from supplygraph.errors import UnknownNameError


@dataclass(frozen=True)
class Step:
    """One product of a chain.

    Attributes
    ----------
    series
        Series of ``production.csv`` that closes the stage; or ``intake`` (sized by what the next stage
        takes), ``feed`` (drawn on site by those who need it), ``rest`` (what the other users leave).
    rest
        Country of the unnamed rest of an ``intake`` step; empty = unknown.
    restricted
        Countries that held this product back by an export restriction in the base year.
    """

    mineral: str
    product: str
    stage: str
    order: int
    inputs: tuple[str, ...]
    series: str
    year: int
    rest: str
    recovery: float
    gross_t_per_t: float
    price_usd_t: float
    price_reference: str
    restricted: tuple[str, ...]
    note: str
    reference: str
    confidence: str


def minerals() -> list[str]:
    """Return the bundled minerals in order."""
    return sorted(set(facts.read("facts/chains.csv")["mineral"]))


def chain(mineral: str) -> tuple[Step, ...]:
    """Return the steps of a mineral, raw first.

    Raises
    ------
    UnknownNameError
        If the mineral is not bundled.
    """
    table = facts.read("facts/chains.csv")
    rows = table[table["mineral"] == mineral].sort_values(["order", "product"])
    if rows.empty:
        raise UnknownNameError.of("mineral", mineral, minerals())
    return tuple(_step(row) for row in rows.fillna({c: "" for c in _TEXT}).to_dict("records"))


_TEXT = ("input", "rest", "price_reference", "restricted", "note")


def _step(row: dict[str, object]) -> Step:
    def listed(cell: object) -> tuple[str, ...]:
        return tuple(str(cell).split(";")) if cell else ()

    recovery = float(str(row["recovery"]))
    return Step(
        mineral=str(row["mineral"]),
        product=str(row["product"]),
        stage=str(row["stage"]),
        order=int(str(row["order"])),
        inputs=listed(row["input"]),
        series=str(row["series"]),
        year=int(str(row["year"])),
        rest=str(row["rest"]),
        recovery=1.0 if recovery != recovery else recovery,
        gross_t_per_t=float(str(row["gross_t_per_t"])),
        price_usd_t=float(str(row["price_usd_t"])),
        price_reference=str(row["price_reference"]),
        restricted=listed(row["restricted"]),
        note=str(row["note"]),
        reference=str(row["reference"]),
        confidence=str(row["confidence"]),
    )
