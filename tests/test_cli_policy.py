"""The commands about policy say what the calls say, and refuse with one message."""

import io
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import supplygraph as sg
from supplygraph.cli import app


def run(*words, code=0):
    found = CliRunner().invoke(app, list(words))
    assert found.exit_code == code, found.stderr
    return found


def test_agreements_of_a_country():
    shown = json.loads(run("agreements", "--country", "COD", "--json").stdout)
    assert [row["agreement"] for row in shown] == list(sg.agreements(country="COD"))
    assert "in force" in run("agreements", "--no-memoranda").stderr


def test_a_floor_is_the_equilibrium_under_it():
    words = ("prices", "gallium", "--floor", "gallium-refined=700000", "--draws", "0", "--show", "prices", "--csv")
    shown = pd.read_csv(io.StringIO(run(*words).stdout), index_col=0)
    floor = sg.PriceFloor("gallium-refined", 700_000, zone=(sg.forge("2026-07-01"), "linked"))
    asked = sg.equilibrium(sg.load("gallium"), floor, draws=0)
    assert shown.loc["gallium-refined", "zone_usd_t"] == pytest.approx(asked.zone_price_usd_t)


def test_a_tariff_on_one_origin_comes_through_others():
    words = ("--tariff", "gallium-refined=0.25", "--origin", "CHN", "--member", "USA", "--draws", "0")
    shown = json.loads(run("prices", "gallium", *words, "--show", "diversion", "--json").stdout)
    assert sum(row["through_t"] for row in shown) > 0


def test_plans_of_stock_and_projects():
    told = run("stockpile", "gallium", "--budget", "20 m", "--paths", "20")
    assert "gallium-refined" in told.stdout
    assert "60 days" in told.stderr
    told = run("invest", "lithium", "--budget", "2 bn", "--json")
    plan = sg.invest(sg.load("lithium"), budget=2e9)
    assert [row["funded"] for row in json.loads(told.stdout)] == plan.table["funded"].tolist()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("prices", "gallium", "--floor", "gallium=7"), 2, "Did you mean 'gallium-feed'"),
        (("prices", "gallium", "--floor", "gallium-refined"), 2, "PRODUCT=NUMBER"),
        (("prices", "gallium", "--floor", "gallium-refined=-1"), 1, "at least 0"),
        (("prices", "gallium", "--draws", "0", "--show", "nothing"), 2, "expected one of"),
        (("stockpile", "gallium", "--budget", "5000 t"), 1, "a weight"),
        (("invest", "lithium", "--budget", "2 bn EUR"), 1, "no rate is assumed"),
    ],
)
def test_what_is_wrong_is_one_message(words, code, told):
    found = run(*words, code=code)
    assert told in found.stderr
    assert "Traceback" not in found.stderr
