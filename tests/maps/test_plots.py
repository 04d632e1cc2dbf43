"""Charts draw the numbers of the table, and say what is missing."""

from __future__ import annotations

import builtins

import maptoys
import numpy as np
import pytest

from supplygraph.errors import DataError, MissingDependencyError
from supplygraph.maps import plots
from supplygraph.measures.concentration import concentration
from supplygraph.response.frontier import alignment_frontier
from supplygraph.scenario.alignment import forge
from supplygraph.scenario.shock import Shock


@pytest.fixture(scope="module")
def answer():
    shock = Shock.close(node="mine-b")
    return alignment_frontier(maptoys.network(), shock, alignment=forge("2026-07-01"), shares=[0, 0.5, 0.8, 1])


@pytest.fixture(autouse=True)
def closed():
    import matplotlib as mpl

    mpl.use("Agg")
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


def test_the_frontier_draws_the_numbers_of_its_table(answer):
    upper, lower = answer.plot()
    table = answer.table
    lines = {line.get_label(): line for line in upper.get_lines()}
    shares = 100 * table.index.to_numpy()
    assert np.ptp(table["zone_served_t"]) > 0  # the case has something to show
    for label, tonnes in (("served", table["zone_served_t"]),
                          ("asked for", table["zone_served_t"] + table["zone_unmet_t"])):
        x, y = lines[label].get_data()
        np.testing.assert_allclose(x, shares)
        np.testing.assert_allclose(y * (1000 if "kt" in upper.get_ylabel() else 1), tonnes)
    np.testing.assert_allclose(lower.get_lines()[0].get_ydata(), table["change_usd"] / table["zone_served_t"])
    assert "USD per tonne" in lower.get_ylabel()
    assert "%" in lower.get_xlabel()
    assert upper.get_shared_x_axes().joined(upper, lower)


def test_axes_of_ones_own(answer):
    from matplotlib import pyplot as plt

    figure, given = plt.subplots(2, 1)
    assert list(answer.plot(ax=given)) == list(given)
    assert len(figure.axes) == 2
    with pytest.raises(DataError, match="two axes"):
        answer.plot(ax=given[0])


@pytest.mark.parametrize("kind", plots.FORMATS)
def test_the_same_chart_is_the_same_file(answer, tmp_path, kind):
    first, second = (plots.save(answer.plot(), tmp_path / f"{name}{kind}") for name in "ab")
    assert first.stat().st_size > 5_000
    assert first.read_bytes() == second.read_bytes()


def test_other_files_are_refused(answer, tmp_path):
    with pytest.raises(DataError, match=r"expected \.png"):
        plots.save(answer.plot(), tmp_path / "chart.doc")
    assert list(tmp_path.iterdir()) == []


def test_nothing_served_has_no_cost(answer):
    from supplygraph.response.frontier import Frontier

    table = answer.table
    table.loc[1.0, ["zone_served_t", "zone_unmet_t"]] = 0.0, float(table["zone_served_t"].iloc[0])
    none = Frontier(title="x", table=table, params=answer.params)
    assert np.isnan(none.plot()[1].get_lines()[0].get_ydata()[-1])


def test_only_a_frontier_is_drawn_as_one():
    with pytest.raises(DataError, match="alignment_frontier"):
        plots.frontier(concentration(maptoys.network()))


def test_without_matplotlib_the_message_has_the_install_line(answer, monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingDependencyError, match=r"pip install 'supplygraph\[plot\]'"):
        answer.plot()
