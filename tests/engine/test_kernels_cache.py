"""Kernels work where nothing can be written to disk."""

import numba

from supplygraph.engine import kernels


def test_without_a_place_for_the_cache_kernels_are_compiled_in_memory(monkeypatch):
    def njit(**options):
        if options.get("cache"):
            message = "cannot cache function: no locator available"
            raise RuntimeError(message)
        return numba.njit(**options)

    monkeypatch.setattr(kernels, "njit", njit)

    @kernels.compiled
    def twice(number):
        return 2 * number

    assert twice(21) == 42
    assert twice.signatures
