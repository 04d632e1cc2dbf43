"""Colours that can be read and told apart."""

from __future__ import annotations

import itertools

import pytest

from supplygraph.maps.theme import COLOURS, SHARES, TIERS


def channels(colour):
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def luminance(colour):
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ink", ["ink", "mute", "accent", "closed"])
def test_words_reach_wcag_aa_on_paper(ink):
    assert contrast(COLOURS[ink], COLOURS["paper"]) >= 4.5


@pytest.mark.parametrize("sign", ["lane", "land_leg", "more", "less", "mine", "refinery", "factory", "port", "passage"])
def test_signs_stand_out_from_land_and_sea(sign):
    for ground in ("land", "ocean"):
        assert contrast(COLOURS[sign], COLOURS[ground]) >= 3


def test_fills_grow_darker_with_the_share():
    steps = [luminance(colour) for colour in SHARES]
    assert all(a > b for a, b in itertools.pairwise(steps))


def seen_by(colour, matrix):
    """Colour as seen without red or green cones (Machado et al. 2009, severity 1)."""
    return [sum(m * c for m, c in zip(row, channels(colour), strict=True)) for row in matrix]


DEUTAN = [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
PROTAN = [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]


@pytest.mark.parametrize("matrix", [DEUTAN, PROTAN], ids=["deutan", "protan"])
def test_more_and_less_differ_without_red_and_green(matrix):
    a, b = (seen_by(COLOURS[name], matrix) for name in ("more", "less"))
    assert sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5 > 0.4
    tiers = [seen_by(TIERS[name], matrix) for name in ("core", "rival")]
    assert sum((x - y) ** 2 for x, y in zip(*tiers, strict=True)) ** 0.5 > 0.15
