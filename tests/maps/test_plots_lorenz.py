"""The Lorenz curve and its Gini coefficient, against plain formulas."""

from __future__ import annotations

import numpy as np
import plotting
import pytest
from hypothesis import given
from hypothesis import strategies as st

import supplygraph as sg
from supplygraph.errors import DataError
from supplygraph.maps.plots.lorenz import curve, gini

AMOUNTS = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=30)


@given(AMOUNTS)
def test_gini_is_half_the_relative_mean_difference(amounts):
    x = np.array(amounts)
    pairs = np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) ** 2 * x.mean())
    assert gini(x) == pytest.approx(pairs, abs=1e-9)
    assert 0 <= gini(x) <= (len(x) - 1) / len(x) + 1e-12


@given(AMOUNTS)
def test_the_curve_runs_under_equality_and_never_bends_back(amounts):
    x, y = curve(np.array(amounts))
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.all(y <= x + 1e-9)
    assert np.all(np.diff(y, 2) >= -1e-9)


def test_known_cases():
    assert gini(np.array([5.0])) == 0
    assert gini(np.array([1.0, 1.0, 1.0])) == 0
    assert gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    assert gini(np.array([1.0] * 99 + [1e12])) == pytest.approx(0.99)


def test_it_runs_over_the_suppliers_that_make_something():
    answer = sg.concentration({"CHN": 700.0, "JPN": 150.0, "KOR": 50.0, "OTH": 100.0})
    axes = answer.plot("lorenz")
    [line] = plotting.parts(axes, "curve")
    np.testing.assert_allclose(line.get_xdata(), [0, 100 / 3, 200 / 3, 100])
    np.testing.assert_allclose(line.get_ydata(), np.array([0, 50, 200, 900]) / 9)
    told = " ".join(plotting.texts(axes, "told"))
    brute = sum(abs(a - b) for a in (700, 150, 50) for b in (700, 150, 50)) / (2 * 9 * 300)
    assert f"Gini {brute:.2f} (at most 0.67 among 3 countries)" in told
    assert f"HHI {answer.hhi:.2f}" in told
    assert f"effective number {answer.effective_n:.1f}" in told
    assert "countries that make something, 10\u00a0% without a known name left out" in plotting.caption(axes)
    assert plotting.texts(axes, "name") == ["China", "Japan", "South Korea"]


def test_no_band_is_made_up():
    many = sg.ensemble(sg.load("cobalt"), 5, seed=0)
    axes = sg.concentration(many, by="owner").plot("lorenz")
    assert "No band of the draws" in plotting.caption(axes)
    assert len(axes.collections) == 1  # the area to equality, and nothing else
    assert "owner countries" in axes.get_xlabel()


def test_nobody_makes_anything():
    answer = sg.concentration({"CHN": 1.0, "JPN": 1.0})
    table = answer.table.assign(quantity_t=0.0)
    with pytest.raises(DataError, match="no supplier that makes something"):
        answer.extended(tables={"table": table}).plot("lorenz")
