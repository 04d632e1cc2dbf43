"""Quantiles in bounded memory, and what an answer over draws carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import supplygraph as sg
from supplygraph.measures import spread
from supplygraph.results import Result


@pytest.fixture(scope="module")
def cobalt():
    return sg.ensemble(sg.load("cobalt"), 12, 3)


@pytest.mark.parametrize("draws", [1, 7, 500, 2047])
def test_few_draws_are_exact(draws):
    rows = np.random.default_rng(draws).normal(size=(draws, 3))
    seen = spread.Quantiles(3)
    for row in rows:
        seen.add(row)
    np.testing.assert_allclose(seen.at(0.05), np.quantile(rows, 0.05, axis=0))


def test_many_draws_stay_near_in_bounded_memory():
    rows = np.random.default_rng(0).random((50_000, 2))
    seen = spread.Quantiles(2, kept=256)
    for row in rows:
        seen.add(row)
    held = sum(len(block) for block in seen._blocks if block is not None) + len(seen._rows)
    assert held <= 256 * 9  # log2(50,000 / 256) blocks, and the rows not yet in one
    for share in (0.05, 0.5, 0.95):
        true = (rows <= seen.at(share)).mean(axis=0)  # its true rank
        assert np.abs(true - share).max() < np.log2(50_000 / 256) / (2 * 256)


def test_a_missing_number_makes_its_quantile_missing():
    seen = spread.Quantiles(2, kept=2)
    for draw in range(9):
        seen.add(np.array([np.nan if draw == 4 else draw, draw]))
    low = seen.at(0.05)
    assert np.isnan(low[0])
    assert low[1] == 0.0


@dataclass
class Draws:
    """Three tables, as an ensemble hands them out."""

    net: pd.DataFrame
    drawn: list[pd.DataFrame]
    n: int = 3
    seed: int = 0

    def each(self, function):
        return (function(table) for table in self.drawn)


def answer(table, **_options):
    return Result(title="t", table=table, figures={"hhi": float(table.iloc[:, 0].sum()), "hhi_high": 9.0})


def frame(values, ids="abc"):
    return pd.DataFrame({"share": values}, index=pd.Index(list(ids[: len(values)]), name="node"))


def test_columns_figures_and_ranks_get_their_bounds():
    draws = Draws(frame([3.0, 2.0, 1.0]), [frame([3.0, 2, 1]), frame([1.0, 2, 3]), frame([2.0, 5], "ab")])
    told = spread.over(draws, answer, spread.Spread(columns=("share",), rank="share", figures=("hhi",)))
    expected = np.quantile([[3.0, 2, 1], [1, 2, 3], [2, 5, 0]], [0.05, 0.95], axis=0)  # c has nothing in the third
    np.testing.assert_allclose(told.table[["share_low", "share_high"]].to_numpy().T, expected)
    np.testing.assert_allclose(told.table["rank_low"], np.quantile([[1.0, 2, 3], [3, 2, 1], [2, 1, 3]], 0.05, axis=0))
    assert told.table["stability"].tolist() == [1.0, 1.0, 1.0]
    assert told.figures["hhi_low"] == pytest.approx(np.quantile([6.0, 6, 7], 0.05))
    assert told.figures["hhi_high"] == 9.0  # the answer's own upper bound, at its 95 %
    assert told.params["draws"] == 3


def test_a_wide_table_gets_tables_of_bounds():
    def wide(one, two):
        return pd.DataFrame({"demand_t": [1.0], "CHN": [one], "FIN": [two]}, index=pd.Index(["d"], name="node"))

    draws = Draws(wide(0.6, 0.4), [wide(0.6, 0.4), wide(0.3, 0.7), wide(0.9, 0.1)])
    told = spread.over(draws, lambda t, **_: Result(title="t", table=t), spread.Spread(wide=True, ids=("demand_t",)))
    assert told.low.columns.tolist() == ["CHN", "FIN"]
    assert told.low.loc["d", "CHN"] == pytest.approx(np.quantile([0.6, 0.3, 0.9], 0.05))
    assert told.stability.loc["d"].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_a_set_tells_how_often_the_draws_choose_the_same():
    def chosen(net, **_options):
        return Result(title="s", table=frame([1.0] * len(net[0]), net[0]), figures={"loss_t": net[1]})

    draws = Draws(("ab", 10.0), [("ab", 9.0), ("ac", 12.0), ("ab", 10.0)])
    told = spread.sets(draws, chosen, ("loss_t",))
    assert told.table["stability"].to_dict() == {"a": 1.0, "b": pytest.approx(2 / 3)}
    assert told.chosen["items"].tolist() == ["a;b", "a;c"]
    assert told.chosen["share"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert told.chosen["loss_t"].tolist() == [9.5, 12.0]
    assert told.figures["loss_t"] == 10.0
    assert told.figures["loss_t_low"] == pytest.approx(9.1)
    assert "67% choose the same set" in told.explain()


def test_chokepoints_of_an_ensemble(cobalt):
    told = sg.chokepoints(cobalt, by="country", lenses=("structure", "capacity"))
    central = sg.chokepoints(cobalt.net, by="country", lenses=("structure", "capacity"))
    pd.testing.assert_frame_equal(told.table[central.table.columns], central.table)
    by_hand = np.array(
        [
            sg.chokepoints(cobalt.draw(k), by="country", lenses=("loss",)).table.loc["CHN", "loss_t"]
            for k in range(cobalt.n)
        ]
    )
    assert told.table.loc["CHN", "loss_t_low"] == pytest.approx(np.quantile(by_hand, 0.05))
    assert told.table.loc["CHN", "loss_t_high"] == pytest.approx(np.quantile(by_hand, 0.95))
    assert told.table.loc["CHN", "stability"] == 1.0


def test_the_loss_alone_is_the_loss_of_the_capacity_lens():
    net = sg.load("gallium")
    whole = sg.chokepoints(net, by="country", lenses=("capacity",)).table
    alone = sg.chokepoints(net, by="country", lenses=("loss",)).table
    assert alone["loss_t"].to_dict() == whole["loss_t"].to_dict()
    assert alone["loss_existing_t"].isna().all()
    assert alone["loss_short_t"].isna().all()


def test_interdiction_and_defence_of_an_ensemble(cobalt):
    few = sg.ensemble(cobalt.net, 3)
    told = sg.interdict(few, k=2, by="country")
    own = [sg.interdict(few.draw(k), k=2, by="country") for k in range(3)]
    assert told.figures["loss_t_high"] == pytest.approx(np.quantile([one.loss_t for one in own], 0.95))
    assert told.table["stability"].tolist() == [
        np.mean([item in one.table.index for one in own]) for item in told.table.index
    ]
    assert set(sg.defend(few, k=1, j=1, by="country").chosen.columns) == {"items", "share", "loss_t", "before_t"}
