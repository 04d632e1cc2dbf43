"""Built-in scenarios: complete, sourced, and at home in every bundled network of their mineral."""

import pickle
import re

import pandas as pd
import pytest
import toys

import supplygraph as sg
from supplygraph import facts
from supplygraph.errors import DataError, UnknownNameError
from supplygraph.scenario.library import scenarios
from supplygraph.scenario.shock import Shock

ALL = scenarios()
REAL = [item for item in ALL if item.kind == "restriction"]
ROWS = facts.read("facts/restrictions.csv").set_index("restriction")
CHAINS = facts.read("facts/chains.csv")
BUNDLED = sorted(CHAINS["mineral"].unique())


@pytest.fixture(scope="module")
def load():
    known = {}
    return lambda mineral: known.setdefault(mineral, sg.load(mineral))


def test_every_restriction_on_a_bundled_mineral_is_listed():
    about = ROWS["mineral"].str.split(";").map(lambda names: bool(set(names) & set(BUNDLED)))
    assert {item.id for item in REAL} == set(ROWS.index[about])
    assert {"china-minor-metals-licence-2025", "gabon-manganese-ban-2029"}.isdisjoint(item.id for item in REAL)
    assert {
        "china-gallium-licence-2023", "china-germanium-licence-2023", "china-usa-ban-2024",
        "china-graphite-licence-2023", "china-antimony-licence-2024", "china-rare-earths-quota-2010",
        "china-rare-earths-halt-japan-2010",
        "china-rare-earths-licence-2025", "china-tungsten-licence-2025", "indonesia-nickel-ore-ban-2014",
        "indonesia-nickel-ore-ban-2020", "indonesia-copper-concentrate-ban-2023", "drc-cobalt-ban-2025",
        "drc-cobalt-quota-2025", "zimbabwe-lithium-ban-2026", "myanmar-rare-earths-halt-china-2024",
        "malaysia-rare-earths-ban-2024", "vietnam-rare-earths-ban-2026", "namibia-rare-earths-ban-2023",
    } <= {item.id for item in REAL}  # fmt: skip


def test_the_columns_that_say_what_a_row_covers():
    assert ROWS.index.is_unique
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in ROWS.index)
    products = set(CHAINS["product"].dropna())
    mineral_of = CHAINS.dropna(subset="product").drop_duplicates("product").set_index("product")["mineral"]
    for name, row in ROWS.iterrows():
        covers = [] if pd.isna(row["covers"]) else row["covers"].split(";")
        assert set(covers) <= products, name
        assert covers == sorted(set(covers)), name
        wanted = set(row["mineral"].split(";"))
        wanted |= {"magnet_rare_earths"} if "rare_earths" in wanted else set()
        assert not covers or {mineral_of[product] for product in covers} == wanted, name
        assert covers or row["type"] == "tax" or pd.notna(row["caveat"]) or not wanted & set(BUNDLED), name
    sized = ROWS[ROWS["limit_t"].notna()]
    assert set(sized["type"]) == {"quota"}
    assert not sized["covers"].str.contains(";").any()
    # The size of a quota is the one that its own row states.
    said = sized["product"].str.replace(r"(?<=\d) (?=\d)", "", regex=True)
    assert all(f"{row.limit_t:.0f}" in text for row, text in zip(sized.itertuples(), said, strict=True))
    days = ROWS["unknown_from"].dropna()
    assert days.str.fullmatch(r"\d{4}-\d{2}-\d{2}").all()


def test_a_scenario_has_a_shock_or_a_reason():
    for item in ALL:
        assert (item.shock is None) == bool(item.reason), item.id
        assert item.title
        assert item.reference
        assert item.confidence in {"high", "medium", "low"}
    assert {item.id for item in REAL if item.shock is None} == {
        "china-dual-use-ban-japan-2026", "china-rare-earths-licence-2025-10", "china-rare-earths-suspension-2025",
        "china-rare-earths-tax-2006", "china-rare-earths-technology-2023", "china-usa-ban-suspension-2025",
        "indonesia-copper-concentrate-tax-2014", "namibia-lithium-ore-ban-2023", "zimbabwe-lithium-ore-ban-2022",
    }  # fmt: skip
    assert "tax" in ALL["china-rare-earths-tax-2006"].reason
    assert "concentrate" in ALL["zimbabwe-lithium-ore-ban-2022"].reason


def test_there_is_a_closure_for_each_strait_of_the_bundled_networks(load):
    passed = {name for mineral in BUNDLED for name in load(mineral).nodes.query("kind == 'passage'").index}
    closed = {clause for item in ALL if item.kind == "strait" for part in item.shock.clauses for clause in part.passage}
    assert {f"passage-{name}" for name in closed} == passed
    assert ALL["strait-bab-el-mandeb"].shock == Shock.close(passage="bab_el_mandeb")
    for item in ALL:
        if item.kind == "strait":
            found = [item.shock.resolve(load(mineral)).node_factor for mineral in BUNDLED]
            assert any((factor == 0).any() for factor in found), item.id


@pytest.mark.parametrize("mineral", BUNDLED)
def test_every_scenario_resolves_on_the_networks_of_its_mineral(mineral, load):
    net = load(mineral)
    stage = net.products["stage"]
    of_mineral = [item for item in scenarios(mineral=mineral) if item.shock is not None]
    for item in of_mineral:
        bans = item.shock.resolve(net).bans
        if item.kind == "strait":
            assert bans.empty
            continue
        assert set(bans["product"]) == set(item.products) & set(net.products.index) != set(), item.id
        assert set(bans["origin_country"]) == {item.country}
        assert bans["destination_country"].isna().all() == (item.target is None)
        assert bans["limit_t"].notna().all() == (item.limit_t is not None)
        assert item.at(keep=0.25).resolve(net).bans["keep"].tolist() == [0.25] * len(bans)
        # Ore and raw goods leave all that is made of them open, and metals leave the ore open.
        words = ROWS.loc[item.id, "product"]
        if re.search(r"\bore\b|concentrate|unprocessed", words) and "," not in words:
            assert {stage[product] for product in bans["product"]} == {"mining"}, item.id
    assert len([item for item in of_mineral if item.kind == "strait"]) == 25


def test_a_ban_on_one_stage_leaves_the_other_stages_open(load):
    bans = ALL["indonesia-nickel-ore-ban-2020"].shock.resolve(load("nickel")).bans
    assert bans["product"].tolist() == ["nickel-mined"]
    bans = ALL["china-rare-earths-licence-2025"].shock.resolve(load("magnet_rare_earths")).bans
    assert bans["product"].tolist() == [f"magnet_rare_earths-{stage}" for stage in ("magnet", "metal", "separated")]
    assert ALL["china-rare-earths-licence-2025"].shock.resolve(load("rare_earths")).bans["product"].tolist() == [
        "rare_earths-separated"
    ]


def test_the_cobalt_quota_in_tonnes(load):
    quota = ALL["drc-cobalt-quota-2025"]
    [row] = quota.shock.resolve(load("cobalt")).bans.to_dict("records")
    assert (row["origin_country"], row["product"], row["limit_t"]) == ("COD", "cobalt-mined", 96_600.0)
    assert pd.isna(row["destination_country"])
    assert not quota.upper_bound
    assert ALL["china-rare-earths-quota-2010"].upper_bound


def test_a_scenario_of_another_mineral_is_refused(load):
    with pytest.raises(UnknownNameError, match="'cobalt-mined'"):
        ALL["drc-cobalt-quota-2025"].shock.resolve(load("nickel"))
    with pytest.raises(UnknownNameError, match="'cobalt-mined'"):
        ALL["drc-cobalt-quota-2025"].shock.resolve(toys.chain())


@pytest.mark.parametrize(
    ("name", "day", "held"),
    [
        ("drc-cobalt-ban-2025", "2025-02-21", False),
        ("drc-cobalt-ban-2025", "2025-02-22", True),
        ("drc-cobalt-ban-2025", "2025-10-15", True),
        ("drc-cobalt-ban-2025", "2025-10-16", False),  # the quota begins
        ("drc-cobalt-quota-2025", "2025-10-16", True),
        ("drc-cobalt-quota-2025", "2027-12-31", True),  # the last day of a whole year
        ("drc-cobalt-quota-2025", "2028-01-01", False),
        ("china-usa-ban-2024", "2025-11-08", True),
        ("china-usa-ban-2024", "2025-11-09", False),
        ("china-usa-ban-2024", "2026-11-27", None),  # the suspension ran out; nobody knows
        ("china-graphite-licence-2025", "2025-11-07", False),  # suspended before it took effect
        ("china-graphite-licence-2025", "2025-11-08", False),
        ("china-graphite-licence-2025", "2026-11-10", None),
        ("india-rare-earths-suspension-japan-2025", "2026-01-01", None),
        ("indonesia-nickel-ore-ban-2014", "2018-01-01", False),
        ("indonesia-nickel-ore-ban-2020", "2026-07-01", True),
        ("strait-suez", "2026-07-01", False),
    ],
)
def test_in_force(name, day, held):
    assert ALL[name].in_force(day) is held
    listed = name in scenarios(as_of=day)
    assert listed == (held is not False)
    if listed:
        told = scenarios(as_of=day).table.loc[name, "in_force"]
        assert pd.isna(told) if held is None else bool(told)


def test_filters():
    assert [item.id for item in scenarios(mineral="cobalt", as_of="2026-07-01")] == ["drc-cobalt-quota-2025"]
    assert {item.country for item in scenarios(country="IDN")} == {"IDN"}
    assert [item.id for item in scenarios(mineral="cobalt", kind="restriction")] == [
        "drc-cobalt-ban-2025", "drc-cobalt-quota-2025"
    ]  # fmt: skip
    magnets = {item.id for item in scenarios(mineral="magnet_rare_earths", kind="restriction")}
    assert magnets == {item.id for item in scenarios(mineral="rare_earths", kind="restriction")}
    assert len(scenarios(as_of="1990-01-01")) == 0
    assert repr(scenarios(as_of="1990-01-01")).startswith("0 scenarios on 1990-01-01")
    assert len(scenarios(mineral=["cobalt", "nickel"], kind="restriction")) == 4


def test_wrong_questions_are_answered_with_what_is_accepted():
    with pytest.raises(UnknownNameError, match="Did you mean 'drc-cobalt-quota-2025'"):
        _ = ALL["drc-cobalt-quota"]
    with pytest.raises(UnknownNameError, match="Did you mean 'cobalt'"):
        scenarios(mineral="cobolt")
    with pytest.raises(UnknownNameError) as unknown:
        scenarios(mineral="cobolt", kind="straits")
    assert "2 names are unknown" in str(unknown.value)
    with pytest.raises(DataError) as caught:
        scenarios(country="Kongo", as_of="soon")
    assert len(caught.value.report) == 2
    with pytest.raises(DataError, match="is no day"):
        ALL["strait-suez"].in_force("soon")
    with pytest.raises(DataError) as caught:
        ALL["china-rare-earths-tax-2006"].at(keep=-1)
    assert len(caught.value.report) == 2
    with pytest.raises(DataError, match="at least 0"):
        ALL["strait-suez"].at(keep=float("nan"))


def test_scaling():
    assert ALL["strait-suez"].at(keep=0.5) == Shock.close(passage="suez", keep=0.5)
    halved = ALL["drc-cobalt-quota-2025"].at(keep=0.5)
    assert "50 % of today" in halved.describe()


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.id)
def test_words(item):
    told = item.explain()
    assert told.startswith(item.title)
    assert item.reference in told
    assert ("upper bound" in told) == item.upper_bound
    assert (item.reason or item.shock.describe()) in told
    assert ".." not in told


def test_it_shows_itself_and_cannot_be_changed():
    assert repr(ALL).startswith(f"{len(ALL)} scenarios\n")
    assert f"… and {len(ALL) - 10} more rows" in repr(ALL)
    assert "<b>" in ALL._repr_html_()
    table = ALL.table
    assert table.index.name == "scenario"
    assert list(table.index) == [item.id for item in ALL]
    assert table["shock"].isna().sum() == sum(item.shock is None for item in ALL)
    table["title"] = ""
    assert ALL.table["title"].iloc[0]
    with pytest.raises(AttributeError):
        ALL.as_of = "2026-07-01"
    with pytest.raises(AttributeError):
        ALL["strait-suez"].title = ""
    again = pickle.loads(pickle.dumps(ALL))  # noqa: S301 - our own value
    assert again.table.equals(table.assign(title=ALL.table["title"]))
    assert ALL["strait-suez"] in ALL
    assert "strait-nowhere" not in ALL
    assert f"{len(REAL)} restrictions and 25 straits" in ALL.explain()


@pytest.mark.parametrize(
    ("name", "mineral", "left_t", "open_products"),
    [
        ("drc-cobalt-quota-2025", "cobalt", {"cobalt-mined": 96_600.0}, set()),
        (
            "indonesia-nickel-ore-ban-2020", "nickel", {"nickel-mined": 0.0}, {"nickel-intermediate", "nickel-refined"},
        ),
    ],
)  # fmt: skip
def test_what_leaves_the_country_after_rerouting(name, mineral, left_t, open_products, load):
    net = load(mineral)
    item = ALL[name]
    flows = sg.reroute(net, item.shock).table
    country = net.processes["node"].map(net.nodes["country"])
    abroad = (flows["origin"].map(country) == item.country) & (flows["destination"].map(country) != item.country)
    sums = flows[abroad].groupby("product")[["before_t", "after_t"]].sum()
    for product, most in left_t.items():
        assert sums.loc[product, "before_t"] > most
        assert sums.loc[product, "after_t"] == pytest.approx(most, abs=1e-3)
    assert set(sums.index) == set(left_t) | open_products
    assert all(sums.loc[product, "after_t"] > 0 for product in open_products)
