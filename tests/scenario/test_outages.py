"""Paths of disruptions: rates and lengths as stated, the same seed the same paths, faults refused."""

import datetime as dt

import numpy as np
import pytest

import supplygraph as sg
from supplygraph.errors import DataError
from supplygraph.scenario.outages import Hazard, outages

SHOCK = sg.Shock.ban("CHN", product="gallium-refined")


@pytest.fixture(scope="module")
def net():
    return sg.load("gallium")


def test_paths_begin_as_often_and_last_as_long_as_stated(net):
    """Renewal by hand: begins at rate r while it does not hold; lengths rounded up add half a month."""
    rate, mean = 0.5, 4.0
    drawn = outages(net, 20_000, years=10, hazards=[Hazard("halt", SHOCK, per_year=rate, months=mean)])
    paths = drawn.paths
    first = paths.groupby(level=0)["start_month"].min()
    none = 1 - len(first) / drawn.n
    assert none == pytest.approx(np.exp(-rate * 10), abs=3 * np.sqrt(np.exp(-5) / drawn.n))
    rounded = 1 / (1 - np.exp(-1 / mean))  # mean of a rounded-up exponential length
    assert paths["months"].mean() == pytest.approx(rounded, rel=0.02)
    started = len(paths) / drawn.n
    assert started == pytest.approx(10 * 12 / (12 / rate + rounded) , rel=0.05)


def test_a_hazard_that_holds_does_not_begin_again(net):
    drawn = outages(net, 500, years=10, hazards=[Hazard("halt", SHOCK, per_year=3.0, months=5)])
    rows = drawn.paths.reset_index()
    end = rows["start_month"] + rows["months"]
    same = rows["path"].eq(rows["path"].shift())
    assert (rows["start_month"] >= end.shift())[same].all()
    assert rows["start_month"].between(0, 119).all()
    assert (rows["months"] >= 1).all()


def test_the_seed_decides_and_another_hazard_leaves_the_draws_alone(net):
    one = Hazard("a", SHOCK, per_year=0.3, months=6)
    two = Hazard("b", SHOCK, per_year=0.3, months=6, law="fixed")
    first, again = (outages(net, 100, seed=4, hazards=[one]).paths for _ in range(2))
    assert first.equals(again)
    both = outages(net, 100, seed=4, hazards=[one, two]).paths
    assert both[both["hazard"] == "a"].equals(first)
    assert (both.loc[both["hazard"] == "b", "months"] == 6).all()
    assert not outages(net, 100, seed=5, hazards=[one]).paths.equals(first)


def test_strengths_are_equally_likely_and_scale_multiplies_rates(net):
    shocks = [SHOCK, sg.Shock.ban("CHN", product="gallium-refined", keep=0.5)]
    few = outages(net, 4000, hazards=[Hazard("a", shocks, per_year=0.05, months=6)])
    many = outages(net, 4000, hazards=[Hazard("a", shocks, per_year=0.05, months=6)], scale=4)
    assert many.paths["variant"].mean() == pytest.approx(0.5, abs=0.04)
    hit = [one.paths.index.nunique() / 4000 for one in (few, many)]
    assert hit == pytest.approx([1 - np.exp(-0.25), 1 - np.exp(-1)], abs=0.03)


def test_builtin_hazards_follow_the_record():
    """Once each in the years from the first recorded start; the mean length of bans by hand from the facts."""
    table = outages(sg.load("cobalt"), 10).table
    assert set(table.index) == {"drc-cobalt-ban-2025", "drc-cobalt-quota-2025"}
    known = [one for one in sg.scenarios(kind="restriction") if one.shock is not None]
    end = dt.date(2026, 7, 1)
    start = min(dt.date.fromisoformat(one.start) for one in known)
    assert table["per_year"].tolist() == pytest.approx([365.25 / (end - start).days] * 2)
    bans = [one for one in known if one.type == "ban"]
    ends = [end if one.end is None else min(dt.date.fromisoformat(one.end), end) for one in bans]
    spans = [max((last - dt.date.fromisoformat(one.start)).days, 0) for one, last in zip(bans, ends, strict=True)]
    ended = sum(last < end and span > 0 for last, span in zip(ends, spans, strict=True))
    want = sum(spans) / 365.25 * 12 / ended
    assert table.loc["drc-cobalt-ban-2025", "months"] == pytest.approx(want, abs=0.06)
    assert "low confidence" in outages(sg.load("cobalt"), 10).explain()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n": 0}, "n: is 0; expected a whole number from 1 to 1,000,000"),
        ({"n": 5, "years": 0.5}, "years: is 0.5; expected a whole number from 1 to 50"),
        ({"n": 5, "seed": -1}, "seed: is -1; expected a whole number of at least 0"),
        ({"n": 5, "scale": 0}, "scale: is 0; expected a number above 0. 1 leaves all rates as they are."),
        ({"n": 5, "hazards": []}, "hazards: is empty"),
        ({"n": 5, "hazards": ["halt"]}, "hazards: holds 'halt'; expected a Hazard"),
    ],
)
def test_what_cannot_be_drawn_is_refused(net, options, told):
    with pytest.raises(DataError) as caught:
        outages(net, **options)
    assert told in str(caught.value)


def test_hazards_check_themselves_and_names_are_unique(net):
    with pytest.raises(DataError) as caught:
        Hazard("", "no shock", per_year=0, months=-1, law="normal")
    assert len(caught.value.report) == 5
    one = Hazard("a", SHOCK, per_year=1, months=1)
    with pytest.raises(DataError, match="'a' stands there 2 times"):
        outages(net, 5, hazards=[one, one])
