"""Import reliance in both definitions, against the USGS's own tables and on networks."""

import math

import pandas as pd
import pytest
from measure_nets import random_chain

from supplygraph import facts
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures.import_reliance import import_reliance_eu, net_import_reliance

#: How each chapter of the USGS Mineral Commodity Summaries 2026 defines apparent consumption: rows that are produced,
#: imported, exported, and held in stock at the end of the year (stocks of the year before are needed).
CHAPTERS = {
    "Antimony": (
        ["Production, Smelter: Primary", "Production, Smelter: Secondary"],
        ["Imports for consumption: Oxide", "Imports for consumption: Unwrought, powder"],
        ["Exports: Oxide", "Exports: Unwrought, powder"],
        [],
    ),
    "Cobalt": (
        ["Production: Secondary"],  # mine production leaves the country as concentrate
        ["Imports for consumption"],
        ["Exports"],
        ["Stocks, yearend: Industry", "Stocks, yearend: LME, U.S. warehouse"],
    ),
    "Copper": (
        ["Production, Refinery: Primary (from ore)", "Copper recovered from old (post-consumer) scrap"],
        ["Imports for consumption: Refined"],
        ["Exports: Refined"],
        ["Stocks, refined, held by U.S. producers, consumers, and metal exchanges, yearend"],
    ),
    "Graphite (Natural)": (["Production, mine"], ["Imports for consumption"], ["Exports"], []),
    "Nickel": (
        ["Consumption: Reported, secondary, purchased scrap"],  # scrap counts as produced
        ["Imports: Primary"],
        ["Exports: Primary"],
        ["Stocks, yearend: LME U.S. warehouses"],
    ),
}  # fmt: skip
#: Chapters whose inputs are withheld or not available (W, NA), or whose exports hold ore as well (rare earths).
LEFT_OUT = {"Gallium", "Germanium", "Lithium", "Rare Earths", "Rare Earths (Heavy)", "Tungsten"}


def salient():
    table = facts.read("facts/usgs_commodities.csv")
    table = table[table["section"].str.startswith("Salient")]
    printed = table.assign(value=table["value"].replace("—", "0").str.replace(",", ""))
    return printed.set_index(["commodity", "detail", "period"])["value"]


def total(values, commodity, details, year):
    return sum(float(values[commodity, detail, str(year)]) for detail in details)


def published():
    """Yield commodity, year, inputs as numbers, and the percentage printed."""
    values = salient()
    for commodity, (made, bought, sold, stocks) in CHAPTERS.items():
        for year in range(2021 + bool(stocks), 2026):
            before = total(values, commodity, stocks, year - 1) if stocks else 0.0
            released = before - total(values, commodity, stocks, year)
            inputs = {
                "production": total(values, commodity, made, year), "imports": total(values, commodity, bought, year),
                "exports": total(values, commodity, sold, year), "stock_decrease": released,
            }  # fmt: skip
            names = [detail for of, detail, when in values.index if of == commodity and when == str(year)]
            reliance = next(name for name in names if name.startswith("Net import reliance"))
            yield commodity, year, inputs, float(values[commodity, reliance, str(year)])


PUBLISHED = list(published())
#: Rows that its own inputs do not give: in 2025 more cobalt went into stock than the table of stocks shows.
OTHERWISE = {("Cobalt", 2025)}


def test_every_chapter_is_checked_or_left_out_for_a_reason():
    assert set(salient().index.get_level_values("commodity")) == set(CHAPTERS) | LEFT_OUT
    assert len(PUBLISHED) == 22


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row[0]}-{row[1]}")
def test_us_net_import_reliance_as_the_usgs_prints_it(row):
    commodity, year, inputs, percent = row
    told = net_import_reliance(**inputs)
    # Printed in whole per cents from figures that are rounded to three digits.
    assert (abs(100 * told.net_import_reliance - percent) <= 0.6) == ((commodity, year) not in OTHERWISE)


def test_cobalt_2025_follows_from_the_consumption_printed():
    inputs = next(inputs for commodity, year, inputs, _ in PUBLISHED if (commodity, year) == ("Cobalt", 2025))
    printed = float(salient()["Cobalt", "Consumption (includes secondary): Apparent", "2025"])
    unseen = printed - net_import_reliance(**inputs).apparent_consumption_t
    assert unseen == -1356.0  # tonnes into stock that the table does not show
    told = net_import_reliance(**{**inputs, "stock_decrease": inputs["stock_decrease"] + unseen})
    assert round(100 * told.net_import_reliance) == 79


def test_apparent_consumption_of_copper_as_printed():
    values = salient()
    for commodity, year, inputs, _ in PUBLISHED:
        if commodity == "Copper":
            printed = float(values["Copper", "Consumption: Apparent, primary refined copper and copper from old scrap",
                                   str(year)])
            assert net_import_reliance(**inputs).apparent_consumption_t == pytest.approx(printed, rel=0.01)


def test_the_two_definitions_differ_by_stocks():
    flows = {"production": 20.0, "imports": 90.0, "exports": 10.0}
    assert import_reliance_eu(**flows).import_reliance_eu == 0.8
    assert net_import_reliance(**flows).net_import_reliance == 0.8
    assert net_import_reliance(**flows, stock_decrease=100.0).net_import_reliance == 0.9


def test_net_exporters_are_negative_and_flagged():
    told = import_reliance_eu(production=100.0, imports=10.0, exports=60.0)
    assert told.import_reliance_eu == -1.0
    assert told.net_exporter is True
    assert "a net exporter" in told.explain()


def test_by_country():
    told = net_import_reliance(
        production=pd.Series({"CHN": 80.0, "USA": 0.0}), imports={"CHN": 20.0, "USA": 50.0, "NAM": 5.0},
        exports={"CHN": 0.0, "USA": 0.0, "NAM": 0.0},
    )
    assert told.table["net_import_reliance"].dropna().to_dict() == {"CHN": 0.2, "USA": 1.0}
    assert told.missing.loc["net_import_reliance", "item"] == "NAM"
    assert told.missing.loc["net_import_reliance", "reason"] == "production not known"
    assert "NAM: production not known" in told.explain()


@pytest.mark.parametrize("lacking", ["production", "imports", "exports"])
def test_a_missing_number_makes_it_missing(lacking):
    flows = {"production": 20.0, "imports": 90.0, "exports": 10.0}
    for nothing in ({lacking: None}, {lacking: float("nan")}):
        told = net_import_reliance(**{**flows, **nothing})
        assert math.isnan(told.net_import_reliance)
        assert f"{lacking} not known" in told.explain()


def test_nothing_used_has_no_reliance():
    told = import_reliance_eu(production=10.0, imports=0.0, exports=10.0)
    assert math.isnan(told.import_reliance_eu)
    assert "no apparent consumption" in told.explain()


def test_every_fault_is_told_at_once():
    with pytest.raises(DataError) as caught:
        net_import_reliance(production=-1.0, imports="many", exports=float("inf"))
    assert len(caught.value.report) == 3
    with pytest.raises(DataError) as caught:
        net_import_reliance(production={"GER": 1.0, "World total": 3.0}, imports=1.0, exports=0.0)
    assert "Did you mean 'DEU'" in str(caught.value)
    assert "counts twice" in str(caught.value)


def test_a_network_by_country_and_as_one():
    net = random_chain(3, stock=True)
    told = net_import_reliance(net)
    where = net.nodes["country"]
    processes, shipments = net.processes, net.shipments
    country = processes["node"].map(where)
    metal = shipments[shipments["product"] == "metal"]
    source, target = metal["origin"].map(country), metal["destination"].map(country)
    for code, row in told.table.iterrows():
        made = processes.loc[(processes["output"] == "metal") & (processes["role"] != "stock") & (country == code)]
        assert row["production_t"] == pytest.approx(made["activity_t"].sum())
        assert row["imports_t"] == pytest.approx(metal.loc[(target == code) & (source != code), "flow_t"].sum())
        assert row["exports_t"] == pytest.approx(metal.loc[(source == code) & (target != code), "flow_t"].sum())
        # What is left is what is used there, whatever stocks give and take.
        used = processes.loc[(processes["input"] == "metal") & (processes["role"] == "use") & (country == code)]
        if row["apparent_consumption_t"] > 1e-6:
            assert row["apparent_consumption_t"] == pytest.approx(used["activity_t"].sum())
    world = net_import_reliance(net, of="all", blocs=dict.fromkeys(where.dropna(), "all"))
    assert world.imports_t == world.exports_t == 0.0
    # The world imports nothing; only what its stocks release counts.
    assert world.net_import_reliance == pytest.approx(world.stock_decrease_t / world.apparent_consumption_t)


def test_refusals_on_networks():
    net = random_chain(1)
    with pytest.raises(UnknownNameError, match="country in the table"):
        net_import_reliance(net, of="ZZZ")
    with pytest.raises(DataError, match="production: given beside a network"):
        net_import_reliance(net, production=3.0)
    with pytest.raises(DataError, match="is shipped"):
        import_reliance_eu(net, stage="manufacturing")
