"""Colours that can be read and told apart, in light and dark, whatever cones the reader has."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from supplygraph.maps.theme import DARK, LIGHT, SHARE_STEPS, for_script, variables

MODES = pytest.mark.parametrize("mode", [LIGHT, DARK], ids=["light", "dark"])
#: What is seen without one kind of cone, on linear light: Machado, Oliveira, Fernandes 2009, severity 1.
SIGHT = {
    "all cones": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                        [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                        [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                        [0.004733, 0.691367, 0.303900]]),
}
SIGHTS = pytest.mark.parametrize("sight", SIGHT)
KINDS = ("mine", "refinery", "factory", "port", "passage")
SIGNS = (*KINDS, "closed", "lane", "land_leg", "more", "less")


def light(colour):
    """Linear light of a #rrggbb colour."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(light(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def oklab(rgb):
    """Lightness and two axes of colour in which distances look alike: Ottosson 2020."""
    cones = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                      [0.0883024619, 0.2817188376, 0.6299787005]]) @ rgb
    return np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                     [0.0259040371, 0.7827717662, -0.8086757660]]) @ np.cbrt(cones)


def apart(a, b, sight):
    """How different two colours look, 100 from black to white; about 2 is just seen side by side."""
    seen = [oklab(np.clip(SIGHT[sight] @ light(colour), 0, 1)) for colour in (a, b)]
    return 100 * float(np.linalg.norm(seen[0] - seen[1]))


def least(colours, sight):
    return min(apart(a, b, sight) for a, b in itertools.combinations(colours, 2))


def test_the_measures_are_right():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert apart("#000000", "#ffffff", "all cones") == pytest.approx(100, abs=0.1)
    assert all(np.allclose(matrix.sum(axis=1), 1, atol=1e-5) for matrix in SIGHT.values())
    # The usual red and green of traffic lights lose most of their difference.
    assert apart("#c00000", "#5a6400", "deutan") < 0.4 * apart("#c00000", "#5a6400", "all cones")


@MODES
def test_words_reach_wcag_aa(mode):
    colours = mode.colours
    for word in ("ink", "mute", "accent", "closed", "focus"):
        # On the map every name has a rim of the halo around it.
        for ground in ("paper", "halo", "land", "ocean"):
            assert contrast(colours[word], colours[ground]) >= 4.5, (word, ground)
    for fill in (*mode.shares, *mode.tiers.values()):
        assert contrast(colours["ink"], fill) >= 4.5, fill
    assert contrast(colours["on_accent"], colours["accent"]) >= 4.5
    assert contrast(colours["ink"], colours["wash"]) >= 4.5


@MODES
def test_signs_stand_out_from_whatever_they_lie_on(mode):
    grounds = {"land": mode.colours["land"], "ocean": mode.colours["ocean"], **mode.tiers,
               **{f"share {i}": colour for i, colour in enumerate(mode.shares)}}
    for sign in (*(mode.colours[sign] for sign in (*SIGNS, "ink")), *mode.products):
        for name, ground in grounds.items():
            assert contrast(sign, ground) >= 3, (sign, name)


@MODES
@SIGHTS
def test_kinds_of_site_differ(mode, sight):
    assert least([mode.colours[kind] for kind in KINDS], sight) >= 6


@MODES
@SIGHTS
def test_products_differ_pairwise(mode, sight):
    assert least(mode.products, sight) >= 7
    # No mineral of ours has more than four; theirs differ more.
    assert least(mode.products[:4], sight) >= 12


@MODES
@SIGHTS
def test_more_and_less_and_the_same_differ(mode, sight):
    assert least([mode.colours[name] for name in ("more", "less", "same")], sight) >= 11
    assert apart(mode.colours["more"], mode.colours["less"], sight) >= 20


@MODES
@SIGHTS
def test_tiers_differ(mode, sight):
    assert least(mode.tiers.values(), sight) >= 3
    assert apart(mode.tiers["core"], mode.tiers["rival"], sight) >= 8


@MODES
@SIGHTS
def test_fills_step_away_from_the_land_with_the_share(mode, sight):
    steps = [mode.colours["land"], *mode.shares]
    assert len(mode.shares) == len(SHARE_STEPS) + 1
    assert all(apart(a, b, sight) >= 2.5 for a, b in itertools.pairwise(steps))
    away = [abs(luminance(colour) - luminance(steps[0])) for colour in steps]
    assert away == sorted(away)
    assert least([steps[0], steps[2], steps[5]], sight) >= 6


def test_scripts_and_style_sheets_read_the_same_colours():
    told = for_script()
    for name, mode in (("light", LIGHT), ("dark", DARK)):
        assert told[name]["colours"] == mode.colours
        assert told[name]["products"] == mode.products
        assert all(f"--{key.replace('_', '-')}: {colour};" in variables() for key, colour in mode.colours.items())
    assert set(LIGHT.colours) == set(DARK.colours)
    assert len(LIGHT.products) == len(DARK.products)
