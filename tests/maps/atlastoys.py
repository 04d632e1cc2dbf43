"""Plain values for the written pages of an atlas; every text in them can be replaced by a hostile one."""

from __future__ import annotations

import base64
from typing import Any

PICTURE = "data:image/png;base64," + base64.b64encode(
    bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000"
                  "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082")
).decode()  # fmt: skip


def table(
    name: str, columns: list[str], cells: list[list[Any]], rows: int | None = None, text: str = ""
) -> dict[str, Any]:
    return {"name": name, "columns": columns, "rows": len(cells) if rows is None else rows, "cells": cells,
            "csv": f"tables/{name}.csv", "year": "2025", "source": text or "A yearbook"}  # fmt: skip


def evidence(text: str = "") -> list[dict[str, Any]]:
    row = {
        "stage": text or "refining", "figure": "share", "about": text or "China in refining", "ours": 0.6,
        "ours_low": 0.55, "ours_high": 0.65, "published": 0.75, "published_low": 0.745, "published_high": 0.755,
        "difference": -0.15, "verdict": "disagrees", "year": 2024, "our_year": 2024, "independent": True,
        "note": text, "source": text or "A report",
    }  # fmt: skip
    return [row, {**row, "verdict": "agrees", "published": 0.6, "difference": 0.0, "independent": False}]


def shares(name: str, top: float, text: str = "") -> dict[str, Any]:
    ends = {"share_low": top - 0.05, "share_high": top + 0.03}
    rows = [
        {"country": "CHN", "name": text or "China", "share": top, **ends, "row": 1},
        {"country": "FIN", "name": text or "Finland", "share": 0.1, "share_low": 0.1, "share_high": 0.1, "row": 2},
    ]
    return {"table": name, "rows": rows, "hhi": top**2, "hhi_low": top**2 - 0.05, "hhi_high": top**2 + 0.04,
            "effective_n": 1 / top**2}  # fmt: skip


def tables(text: str = "") -> list[dict[str, Any]]:
    word = text or "Kokkola"
    failing = ["node", "name", "country", "loss_t", "loss_share", "zone_loss_t"]
    country = ["country", "quantity_t", "share", "share_low", "share_high"]
    both = [["CHN", 180.0, 0.7561, 0.7226, 0.7741], ["FIN", 20.0, 0.085, 0.085, 0.085]]
    return [
        table("key_figures", ["figure", "value", "value_low", "value_high", "unit"],
              [[word, 0.58, 0.54, 0.61, word]] * 10, text=text),
        table("quality", ["stage", "year", "statistic_t", "notes"], [[word, 2025, None, word]], text=text),
        table("mining", country, both),
        table("refining", country, both, text=text),
        table("refining_by_owner", country, both),
        table("chokepoints_countries", failing, [["CHN", word, "CHN", 175.0, 0.74, 10.0]]),
        table("chokepoints_sites", failing, [["k", word, "FIN", 43.0, 0.18, None]]),
        table("chokepoints_straits", ["node", "name", "days", "km"], [["suez", word, 0.53, 283.0]]),
        table("reroute_unmet", ["node", "name", "unmet_t", "zone"], [["k", word, 1.0, True]] * 10, rows=500),
        table("reroute_cut", ["item", "limit_t"], []),
        table("floors", ["floor_usd_t", "held"], [[50e3, True], [60e3, False]]),
        table("build", ["project", "name"], [["p", word]]),
        table("policies", ["policy", "unmet_t"], [[word, 9.0]]),
        table(text or "own_table", [text or "own_column", "wide"], [[word, word]]),
        table("exposure", ["country", *[f"C{k}" for k in range(20)]], [["CHN", *[0.05] * 20]]),
    ]  # fmt: skip


def policy(text: str = "") -> dict[str, Any]:
    """Return what an atlas tells of prices and projects of one mineral."""
    word = text or "A plant"
    level = {"zone_price_usd_t": 60e3, "zone_output_t": 12.0, "imports_t": 9.0, "cost_to_users_usd": 2e6,
             "revenue_usd": 1e6, "buying_t": 4.0, "row": 1}  # fmt: skip
    figures = {"zone_price_before_usd_t": 50e3, "zone_price_usd_t": 58e3, "zone_output_before_t": 10.0,
               "zone_output_t": 12.0, "zone_output_low_t": 11.0, "zone_output_high_t": 14.0, "cost_to_users_usd": 2e6,
               "cost_to_users_low_usd": 1e6, "cost_to_users_high_usd": 3e6, "revenue_usd": 1e6, "buying_t": 4.0,
               "buying_usd": 2e5, "held": False}  # fmt: skip
    levels = [{**level, "floor_usd_t": 50e3 * m, "multiple": m, "held": m < 1.1} for m in (1.0, 1.2)]
    plant = {"name": word, "stage": text or "refining", "country": text or "FIN", "year": 2026.0, "start": 2029.0,
             "capacity_t": 5e3, "capex_usd": 3e8, "capex_low_usd": 2e8, "capex_high_usd": 4e8,
             "loss_avoided_last_t": 900.0, "row": 1}  # fmt: skip
    built = {"loss_before_t": 9e3, "loss_after_t": 8e3, "loss_after_low_t": 7e3, "loss_after_high_t": 9e3,
             "cost_usd": 3e8, "gap": 0.0, "funded": 1.0, "hhi_before": 0.5, "hhi_after": 0.4}  # fmt: skip
    row = {"policy": word, "demand_t": 100.0, "unmet_t": 9.0, "zone_unmet_t": 4.0, "stock_t": 0.0, "hhi": 0.4,
           "largest": text or "CHN", "largest_share": 0.6, "added_freight_usd": 1e6, "public_usd": None,
           "row": 1}  # fmt: skip
    return {
        "missing": {},
        "policies": {"shock": word, "words": word, "rows": [row]},
        "floor": {"multiple": 1.2, "words": word, "figures": figures, "levels": levels},
        "build": {"words": word, "candidates": 3, "left_out": 1, "horizon": [2026.0, 2035.0], "figures": built,
                  "rows": [plant]},
    }  # fmt: skip


def stock(text: str = "") -> dict[str, Any]:
    """Return what an atlas tells of a stockpile."""
    word = text or "toyium-refined"
    row = {"product": word, "mineral": word, "demand_t": 100.0, "hold_t": 40.0, "value_usd": 2e6,
           "days_of_cover": 146.0, "days_low": 90.0, "days_high": 150.0, "unmet_t": 1.0, "shortfall_t": 9.0,
           "chance_short": 0.4}  # fmt: skip
    figures = {"loss_before_usd": 6e8, "loss_after_usd": 1e8, "cost_usd": 5e9, "budget_usd": 12e9, "aim_days": 60.0,
               "aim_cost_usd": 4e9, "aim_loss_usd": 4e8, "equal_days": 69.0, "gap": 0.001}  # fmt: skip
    return {"words": f"First line\n{word}", "paths": 100, "figures": figures, "rows": [row]}


def mineral(key: str = "toyium", *, text: str = "", top: float = 0.75, unmet: float = 20.0) -> dict[str, Any]:
    """Return what an atlas tells of one mineral; ``text`` stands in every field that holds words."""
    word = text or "Kokkola"
    failures = {
        kind: {
            "rows": [{"name": text or ("China" if kind == "countries" else word), "country": text or "CHN",
                      "throughput_t": 500.0, "loss_t": 175.0, "loss_share": 0.74, "loss_short_t": 177.0,
                      "zone_loss_t": 10.0, "days": 0.53, "km": 283.0, "row": 1}],
            "notes": [text or "Worst together: A and B."],
        }
        for kind in ("countries", "sites", "straits")
    }  # fmt: skip
    keys = ("hhi_mining", "hhi_refining", "hhi_owners", "zone_demand_t", "cut_t", "zone_unmet_t", "recovered",
            "ruled_zone_unmet_t", "rest_unmet_t", "added_cost_usd_t")  # fmt: skip
    return {
        "mineral": key, "title": text or key.capitalize(), "failures": failures, "names": {"CHN": text or "China"},
        "shares": {"mining": shares("mining", 0.6, text), "refining": shares("refining", top, text)},
        "owners": shares("refining_by_owner", 0.77, text),
        "forge": {"refiner": "CHN", "refiner_name": text or "China", "shock": "", "zone_demand_t": 200.0, "cut_t": 60.0,
                  "zone_unmet_t": unmet, "rest_unmet_t": 5.0, "ruled_zone_unmet_t": 50.0, "coverage": [],
                  "added_cost_usd_t": 12.0, "words": text or "China halves its exports."},
        "figures": {name: {"row": place} for place, name in enumerate(keys, 1)},
        "evidence": {"mineral": key, "title": text or key.capitalize(), "words": word, "draws": 50,
                     "rows": evidence(text)},
        "policy": policy(text),
        "quality": [{"stage": "mining", "year": 2025}, {"stage": "refining", "year": None}],
        "weak": [text or "refining: half of the tonnes at unnamed sites"],
        "network": {"sites": 12, "shipments": 40, "fingerprint": "abc"},
        "maps": [{"href": f"{key}/map.html", "title": text or "Who supplies whom", "text": text or "Flows."}],
        "tables": tables(text),
    }  # fmt: skip


def notebook(text: str = "", name: str = "01-toy") -> dict[str, Any]:
    """Return what a notebook showed; ``text`` stands in its words, code and outputs."""
    word = text or "A toy"
    markup = f"<table><thead><tr><th>{word}</th></tr></thead><tr><td>{word}</td></tr></table>"
    return {
        "name": name,
        "cells": [
            {"kind": "markdown", "source": f"# {word}\n\nFirst words: {word}\n\n| a |\n| - |\n| {word} |\n"},
            {"kind": "markdown", "source": f"### {word}\n\n- one `{word}`\n- [{word}](javascript:alert(1))\n"},
            {"kind": "code", "source": f"# {word}\nprint('x', 1)\n{word}", "outputs": [
                {"kind": "text", "text": word},
                {"kind": "html", "html": markup},
                {"kind": "picture", "src": PICTURE},
                {"kind": "map", "href": f"{name}-map-1.html", "title": word},
            ]},
        ],
    }  # fmt: skip


def country(text: str = "") -> dict[str, Any]:
    """Return what an atlas tells of one country; ``text`` stands in every field that holds words."""
    word = text or "A treaty"
    signed = {"parties": word, "date": text or "2026-02-04", "title": word, "minerals": word, "provisions": word,
              "status": word, "in_force": True, "why_not": "", "binding": True, "source": word,
              "confidence": text or "high"}  # fmt: skip
    return {
        "country": "FIN", "name": text or "Finland", "tier": "core", "basis": word, "through_union": 2,
        "shares": [{"title": text or "Toyium", "stage": "refining", "share": 0.1, "share_low": 0.05, "share_high": 0.2,
                    "href": "toyium/tables.html#refining-2"}],
        "agreements": [signed, {**signed, "in_force": False, "why_not": text or "later", "binding": False}],
        "restrictions": [{"title": word, "since": text or "2025-01-01", "until": None, "words": text or "No exports",
                          "in_force": None, "source": word}],
    }  # fmt: skip
