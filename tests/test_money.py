"""Money keeps its currency and its year; what cannot be added is refused with the remedy."""

import pickle

import pytest

import supplygraph as sg
from supplygraph.errors import DataError
from supplygraph.money import dollars


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        (12e9, 12e9),
        (0, 0),
        ("12e9", 12e9),
        ("12 bn USD", 12e9),
        ("1.5 million usd 2025", 1.5e6),
        ("250,000 USD (2025)", 250e3),
        ("3 k", 3e3),
        ("USD 5", None),
        (sg.Money(7), 7),
    ],
)
def test_amounts_are_read(given, amount):
    problems = []
    read = dollars("budget", given, problems)
    assert (read if not problems else None) == amount


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("5000 t", "a weight"),
        ("5 kt REO", "a weight"),
        ("12 bn EUR", "is in EUR"),
        (sg.Money(1, "JPY"), "no rate is assumed"),
        (sg.Money(1, year=2022), ".in_year(2025)"),
        ("1 bn USD 2030", "prices of 2030"),
        (-1, "at least 0"),
        ("-3 bn", "at least 0"),
        (float("nan"), "expected dollars"),
        (float("inf"), "expected dollars"),
        (True, "expected dollars"),
        (None, "expected dollars"),
        ("much", "expected dollars"),
        ({"USD": 3}, "expected dollars"),
    ],
)
def test_what_is_no_amount_is_refused_with_the_remedy(given, told):
    problems = []
    assert dollars("budget", given, problems) == 0
    (problem,) = problems
    assert problem.where == "budget"
    assert told in str(problem)
    assert problem.remedy


def test_mixing_is_refused_and_sums_of_one_kind_are_not():
    assert sg.Money(1, "EUR", 2020) + sg.Money(2, "EUR", 2020) == sg.Money(3, "EUR", 2020)
    for other in (sg.Money(1, "USD", 2020), sg.Money(1, "EUR", 2021)):
        with pytest.raises(DataError, match="cannot be added"):
            sg.Money(1, "EUR", 2020) + other
    with pytest.raises(TypeError):
        sg.Money(1) + 1


def test_the_year_changes_there_and_back_by_the_deflator_only():
    old = sg.Money(100, year=2017)
    assert old.in_year(2024).amount == pytest.approx(125.22)
    assert old.in_year(2024).in_year(2017).amount == pytest.approx(100)
    with pytest.raises(DataError, match="no deflator of 1950"):
        sg.Money(1, year=1950).in_year(2025)
    with pytest.raises(DataError, match="only the deflator of the dollar"):
        sg.Money(1, "EUR", 2020).in_year(2021)


def test_every_fault_of_an_amount_is_told_at_once():
    with pytest.raises(DataError) as caught:
        sg.Money("x", "dollar", 20)
    assert [problem.where for problem in caught.value.report] == ["amount", "currency", "year"]


def test_money_is_a_frozen_value():
    money = sg.Money(5, "USD", 2025)
    assert pickle.loads(pickle.dumps(money)) == money  # noqa: S301 - our own bytes
    assert len({money, sg.Money(5)}) == 1
    with pytest.raises(AttributeError):
        money.amount = 6
