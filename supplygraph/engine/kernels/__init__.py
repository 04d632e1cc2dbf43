"""Compiled loops over integer arrays: no names, no tables, no Python objects.

``csr`` groups arcs by an end, ``order`` finds stages and loops; ``maxflow`` solves and cuts; ``vitality`` says what
each failure costs (its loops: ``rerouting``); ``dominators`` who has no route without what; ``kbest`` finds the k best
routes to all targets (``circles``: where they could run in circles); ``tracing`` follows flows back to where they
began. Every kernel releases the GIL, is compiled once per machine and gives the same integers on every run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

#: Whole numbers of any width.
Integers = NDArray[Any]

_Kernel = TypeVar("_Kernel", bound="Callable[..., Any]")


def compiled(kernel: _Kernel) -> _Kernel:
    """Compile a loop: cached on disk, without the GIL. A kernel calls only kernels of its own file.

    The cache of a file is renewed when that file changes, not when another one does. Where nothing can be written to
    disk, kernels are compiled anew in each process.
    """
    made: _Kernel
    try:
        made = njit(cache=True, nogil=True)(kernel)
    except RuntimeError:  # numba found no place for its cache
        made = njit(nogil=True)(kernel)
    return made
