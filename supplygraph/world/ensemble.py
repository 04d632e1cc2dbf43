"""An ensemble: many networks that are all compatible with what is known, drawn from one seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from supplygraph.network.network import SupplyNetwork

_Told = TypeVar("_Told")


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Draws of a network.

    Attributes
    ----------
    net
        The central network.
    n, seed
        How many draws, and the seed that reproduces them.
    """

    net: SupplyNetwork
    n: int
    seed: int

    def draw(self, number: int) -> SupplyNetwork:
        """Return one draw, 0 to n - 1."""
        raise NotImplementedError(number)

    def each(self, function: Callable[[SupplyNetwork], _Told]) -> Iterator[_Told]:
        """Yield what a function says of each draw, in order."""
        for number in range(self.n):
            yield function(self.draw(number))
