"""What the atlas's page of countries says: how a country is aligned, what binds it, what it restricts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supplygraph import facts
from supplygraph.maps.chapter import link
from supplygraph.scenario.agreements import agreements
from supplygraph.scenario.alignment import EU, forge
from supplygraph.scenario.library import scenarios

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: A country is listed for a share of mining or refining of at least this.
_LEAST = 0.01


def countries(minerals: Sequence[Mapping[str, Any]], as_of: str) -> list[dict[str, Any]]:
    """Return what is known of each country that signed, restricts, mines or refines, by name, as plain values.

    Parameters
    ----------
    minerals
        Summaries of the atlas's chapters, with ``mineral``, ``title``, ``shares`` and ``tables``.
    as_of
        The day, ``YYYY-MM-DD``.
    """
    zone, signed, rules = forge(as_of), agreements(as_of), scenarios(as_of=as_of, kind="restriction")
    names = facts.read("facts/countries.csv").set_index("country")["name"]
    titles = facts.read("facts/references.csv").set_index("reference")["title"]
    shares = _shares(minerals)
    chosen = {str(mineral["mineral"]) for mineral in minerals}
    parties = {code for text in signed.table["countries"] for code in text.split(";") if code}
    everyone = {*parties, *(str(rule.country) for rule in rules), *shares, EU}
    told = []
    for code in sorted(everyone):
        own = signed.of(code).table
        named = own["parties"].str.contains(code).astype(bool)
        told.append(
            {
                "country": code,
                "name": "European Union" if code == EU else str(names.get(code, code)),
                "tier": zone.tier(code),
                "basis": _basis(zone.table, code, titles),
                "shares": shares.get(code, []),
                "agreements": _agreements(own[named], titles),
                "through_union": int((own["in_force"] & ~named).sum()),
                "restrictions": [
                    _restriction(rule, as_of, titles)
                    for rule in rules
                    if rule.country == code and chosen & set(rule.minerals)
                ],
            }
        )
    return sorted(
        (row for row in told if any(row[key] for key in ("agreements", "through_union", "restrictions", "shares"))),
        key=lambda row: (str(row["name"]), str(row["country"])),
    )


def _basis(table: Any, code: str, titles: Any) -> str:
    """Say why a country has its tier, with date, confidence and source."""
    if code not in table.index:
        return "No fact about it was found."
    row = table.loc[code]
    source = titles.get(row["reference"], row["reference"])
    return f"{row['basis'][:1].upper()}{row['basis'][1:]} ({row['date']}; confidence {row['confidence']}; {source})."


def _restriction(rule: Any, as_of: str, titles: Any) -> dict[str, Any]:
    return {
        "title": rule.title,
        "since": rule.start,
        "until": rule.end,
        "words": "" if rule.shock is None else rule.shock.describe(),
        "in_force": rule.in_force(as_of),
        "source": str(titles.get(rule.reference, "")),
    }


def _agreements(table: Any, titles: Any) -> list[dict[str, Any]]:
    rows = table.assign(source=table["reference"].map(titles)).fillna("").to_dict("records")
    kept = ("parties", "date", "title", "minerals", "provisions", "status", "in_force", "why_not", "binding", "source",
            "confidence")  # fmt: skip
    return [{key: row[key] for key in kept} for row in rows]


def _shares(minerals: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return each country's shares of mining and refining that its chapters name, the largest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for mineral in minerals:
        for stage, leaders in mineral["shares"].items():
            for row in leaders["rows"]:
                if row["share"] >= _LEAST:
                    href = link(mineral, leaders["table"], row["row"])
                    told = {"title": mineral["title"], "stage": stage, "href": href}
                    found.setdefault(row["country"], []).append({**told, **row})
    return {code: sorted(rows, key=lambda row: -float(row["share"])) for code, rows in found.items()}
