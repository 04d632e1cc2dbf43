"""The bundled candidate projects, and the check of a caller's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from supplygraph import facts
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.world.projects import COLUMNS, checked, projects


def own(**more):
    row = {"project": ["a"], "mineral": ["cobalt"], "stage": ["refining"], "country": ["FIN"], "capacity_t": [5.0],
           "capex_usd": [1e8], "build_years": [2]}  # fmt: skip
    return pd.DataFrame({**row, **{name: [value] for name, value in more.items()}})


def test_every_row_is_there_once_per_mineral():
    raw, table = facts.read("facts/projects.csv"), projects()
    assert table.index.is_unique
    assert set(table.index.str.removesuffix("-M")) == set(raw["project"])
    assert len(table) == len(raw) - (raw["stage"] == "magnet").sum() + (raw["mineral"] == "rare_earths").sum()
    assert tuple(table.columns) == COLUMNS
    assert table["reference"].isin(facts.read("facts/references.csv")["reference"]).all()


def test_blanks_are_not_zeros():
    raw = facts.read("facts/projects.csv").set_index("project")
    table = projects()
    blank = raw.index[raw["capacity_t"].isna()]
    assert table.loc[blank.intersection(table.index), "capacity_t"].isna().all()
    assert table.loc[raw.index[raw["capex_musd"].isna()].intersection(table.index), "capex_usd"].isna().all()


def test_expansions_count_with_what_they_add():
    table = projects()
    assert table.loc["PJ-RE-13", "capacity_t"] == 6306 - 850
    assert table.loc["PJ-RE-16-M", "capacity_t"] == pytest.approx((3600 - 360) * 0.857)
    assert table.loc["PJ-LI-01", "capacity_t"] == 7515  # listed as under construction: nothing runs there yet


def test_letters_are_not_money():
    table = projects()
    assert table.loc["PJ-CU-08", "given_usd"] == 0  # a letter of EXIM
    assert table.loc["PJ-RE-20", "given_usd"] == 0  # letters of intent
    assert table.loc["PJ-GR-11", "given_usd"] == 0  # a conditional loan
    assert table.loc["PJ-CU-02", "given_usd"] == (1250 + 700 + 410) * 1e6
    assert table.loc["PJ-SB-02", "given_usd"] == 2900e6


def test_money_is_of_one_year():
    table, deflator = projects(), facts.read("facts/deflator.csv").set_index("year")["deflator_factor"]
    level = {int(year): value for year, value in deflator.items()}
    assert table.loc["PJ-GR-05", "capex_usd"] == pytest.approx(115e6 * level[2025] / level[2018], rel=1e-6)
    assert table.loc["PJ-CU-02", "capex_usd"] == 6600e6
    known = table["capex_usd"].notna()
    assert (table.loc[known, "capex_low_usd"] < table.loc[known, "capex_usd"]).all()
    assert (table.loc[known, "capex_usd"] < table.loc[known, "capex_high_usd"]).all()


def test_one_capital_cost_is_not_counted_twice():
    table = projects()
    assert table.loc["PJ-GA-01", "with_project"] == "PJ-CU-12"
    assert table.loc["PJ-RE-02-M", "with_project"] == "PJ-RE-02"
    assert table.loc["PJ-RE-21-M", "with_project"] == "PJ-RE-20"
    assert pd.isna(table.loc["PJ-RE-16-M", "with_project"])


def test_chances_and_times_are_in_order():
    table = projects()
    assert (table["failure_low"] <= table["failure"]).all()
    assert (table["failure"] <= table["failure_high"]).all()
    assert (table["build_low_years"] <= table["build_years"]).all()
    assert (table["build_years"] <= table["build_high_years"]).all()
    assert table["basis"].str.contains("estimated").all()
    rank = ["ramp_up", "construction", "permitted", "feasibility", "announced", "paused"]
    assert table.groupby("status")["failure"].first()[rank].is_monotonic_increasing


def test_unknown_mineral():
    with pytest.raises(UnknownNameError, match="Did you mean 'cobalt'"):
        projects("cobolt")
    assert set(projects(["cobalt", "nickel"])["mineral"]) == {"cobalt", "nickel"}


def test_the_bundled_table_passes_its_own_check():
    pd.testing.assert_frame_equal(
        checked(projects())[["capacity_t", "capex_usd"]], projects()[["capacity_t", "capex_usd"]]
    )


def test_defaults_of_own_projects():
    row = checked(own()).loc["a"]
    assert (row["failure"], row["ramp_years"], row["given_usd"]) == (0.0, 0.0, 0.0)
    assert row["capex_low_usd"] == row["capex_high_usd"] == 1e8
    assert np.isfinite(row["lon"])
    assert row["name"] == "a"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"capacity_t": -5.0}, "expected tonnes a year of at least 0"),
        ({"capacity_t": np.inf}, "expected tonnes a year"),
        ({"capex_usd": -1.0}, "expected dollars of 2025"),
        ({"build_years": 1.5}, "whole years"),
        ({"build_years": np.nan}, "nobody can say when"),
        ({"failure": 1.2}, "a chance from 0 to 1"),
        ({"country": "FINN"}, "Did you mean 'FIN'"),
        ({"owner_countries": "FIN;XXX"}, "unknown country 'XXX'"),
        ({"failure": 0.5, "failure_low": 0.7}, "are in no order"),
        ({"start_earliest": 20.0}, "a year such as 2028"),
        ({"colour": "red"}, "unknown column of projects"),
        ({"stage": None}, "is missing"),
    ],
)
def test_faults(change, words):
    with pytest.raises(DataError, match=words):
        checked(own(**change))


def test_missing_columns_and_doubled_ids():
    with pytest.raises(DataError, match="no column `capex_usd`"):
        checked(own().drop(columns="capex_usd"))
    with pytest.raises(DataError, match="doubled or missing: a"):
        checked(pd.concat([own(), own()]))
    with pytest.raises(DataError, match="expected a frame"):
        checked([1, 2])
    with pytest.raises(DataError, match="no column `project`"):
        checked(own().drop(columns="project"))
