"""Shocks: what they say, what they touch, what they refuse."""

import pickle

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal
from toys import chain, random_network

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.scenario.shock import Shock

NET = chain()
LAW = settings(deadline=None, max_examples=40)


def touched(factor):
    return factor[factor != 1.0].to_dict()


def test_a_stage_in_a_country_leaves_everything_else_open():
    found = Shock.close(country="CHN", stage="refining", keep=0.5).resolve(NET)
    assert touched(found.process_factor) == {"jinchuan-refine": 0.5}
    assert not touched(found.node_factor)
    assert not touched(found.edge_factor)


def test_a_country_alone_closes_its_ports_too():
    found = Shock.close(country="CHN").resolve(NET)
    assert set(touched(found.node_factor)) == {"jinchuan", "ningbo", "ningde"}
    assert set(touched(found.process_factor)) == {"jinchuan-refine", "ningde-use"}


def test_an_owner_is_who_holds_half():
    found = Shock.close(owner="CHN", stage=["mining", "refining"]).resolve(NET)
    assert set(touched(found.process_factor)) == {"tenke-extract", "jinchuan-refine"}
    assert set(touched(Shock.close(owner="COD").resolve(NET).process_factor)) == set()
    assert set(touched(Shock.close(owner="FIN").resolve(NET).process_factor)) == {"talvivaara-extract"}


def test_a_strait_for_one_product_closes_edges_only():
    found = Shock.close(passage="malacca", product="cobalt-refined").resolve(NET)
    assert set(touched(found.edge_factor)) == {
        "met-ningbo-malacca", "met-malacca-suez", "met-suez-malacca", "met-malacca-ningbo"
    }  # fmt: skip
    assert not touched(found.node_factor)
    assert set(touched(Shock.close(passage="malacca").resolve(NET).node_factor)) == {"malacca"}


def test_edges_narrow_by_product_and_place():
    assert set(touched(Shock.close(edge=["met-cape", "ore-lombok"]).resolve(NET).edge_factor)) == {
        "met-cape", "ore-lombok"
    }  # fmt: skip
    narrow = Shock.close(edge=["met-cape", "ore-lombok"], product="cobalt-refined")
    assert set(touched(narrow.resolve(NET).edge_factor)) == {"met-cape"}
    placed = Shock.close(edge=["met-cape", "ore-lombok"], country="NLD")
    assert set(touched(placed.resolve(NET).edge_factor)) == {"met-cape"}


def test_a_ban_on_one_stage_leaves_the_others_open():
    bans = Shock.ban("CHN", stage="refining").resolve(NET).bans
    assert bans["product"].tolist() == ["cobalt-refined"]
    assert bans["destination_country"].isna().all()
    named = Shock.ban("CHN", product="cobalt-refined", to=["DEU", "NLD"], keep=0.3).resolve(NET).bans
    assert named["destination_country"].tolist() == ["DEU", "NLD"]
    assert named["keep"].tolist() == [0.3, 0.3]


def test_stocks_close_with_their_site_not_with_a_stage():
    net = next(
        net for net in map(random_network, range(200))
        if ((net.processes["role"] == "stock") & net.processes["output"].notna()).any()
    )  # fmt: skip
    stock = net.processes.index[(net.processes["role"] == "stock") & net.processes["output"].notna()][0]
    assert Shock.close(stage="mining").resolve(net).process_factor[stock] == 1.0
    assert Shock.close(node=net.processes["node"][stock]).resolve(net).process_factor[stock] == 0.0


def test_factors_multiply_where_closings_overlap():
    both = Shock.close(country="CHN", stage="refining", keep=0.5) + Shock.close(node="jinchuan", keep=0.5)
    assert both.resolve(NET).process_factor["jinchuan-refine"] == 0.25


def test_shocks_are_values():
    a = Shock.close(country=["CHN", "COD"], keep=0.5)
    assert a == Shock.close(country=["COD", "CHN"], keep=0.5)
    assert len({a, Shock.close(country=["COD", "CHN"], keep=0.5), Shock.close(country="COD")}) == 2
    assert pickle.loads(pickle.dumps(a + a)) == a + a  # noqa: S301 - our own value
    with pytest.raises(AttributeError):
        a.clauses = ()


PARTS = st.one_of(
    st.builds(
        lambda country, stage, keep: Shock.close(country=country, stage=stage, keep=keep),
        st.sampled_from(["CHN", "COD", "FIN"]), st.sampled_from([None, "mining", "refining"]), st.floats(0, 3),
    ),
    st.builds(lambda node, keep: Shock.close(node=node, keep=keep),
              st.sampled_from(["kokkola", "jinchuan", "durban"]), st.floats(0, 3)),
    st.builds(lambda product, keep: Shock.close(passage="malacca", product=product, keep=keep),
              st.sampled_from([None, "cobalt-refined"]), st.floats(0, 1)),
    st.builds(lambda country, to, keep: Shock.ban(country, to=to, keep=keep),
              st.sampled_from(["CHN", "COD"]), st.sampled_from([None, "DEU"]), st.floats(0, 1)),
    st.builds(lambda most: Shock.ban("COD", stage="mining", most_t=most), st.floats(0, 1e6)),
)  # fmt: skip


@LAW
@given(st.lists(PARTS, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_adding_never_matters(parts, random):
    mixed = parts.copy()
    random.shuffle(mixed)
    one, other = sum(parts, Shock()), sum(mixed, Shock())
    assert one == other
    assert hash(one) == hash(other)
    a, b = one.resolve(NET), other.resolve(NET)
    assert_frame_equal(a.bans, b.bans)
    for left, right in zip(factors(a), factors(b), strict=True):
        assert_series_equal(left, right)  # to the last bit


@LAW
@given(PARTS, PARTS, PARTS)
def test_adding_is_associative_and_factors_multiply(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + Shock() == a
    alone = [factors(part.resolve(NET)) for part in (a, b, c)]
    for kind, both in enumerate(factors((a + b + c).resolve(NET))):
        want = alone[0][kind] * alone[1][kind] * alone[2][kind]
        assert_series_equal(both, want, rtol=1e-12)


@LAW
@given(PARTS, PARTS)
def test_bans_of_both_shocks_hold(a, b):
    both = (a + b).resolve(NET).bans
    alone = pd.concat([a.resolve(NET).bans, b.resolve(NET).bans]).drop_duplicates()
    assert_frame_equal(both, alone.sort_values(list(both), na_position="first", ignore_index=True))


def factors(found):
    return found.process_factor, found.node_factor, found.edge_factor


def test_words():
    assert Shock.close(passage="suez").describe() == "suez closed"
    assert Shock.close(country="COD", stage="mining").describe() == "mining in DR Congo closed"
    assert "no exports of refining products to Germany" in repr(Shock.ban("CHN", stage="refining", to="DEU"))
    assert "40 %" in Shock.ban("CHN", stage="refining", keep=0.4).describe()
    assert Shock().describe() == "no shock"


@pytest.mark.parametrize(
    ("shock", "says"),
    [
        (Shock.close(node="kokola"), "kokkola"),
        (Shock.close(passage="malaca"), "malacca"),
        (Shock.close(passage="ningbo"), "passage"),
        (Shock.close(edge="met-cap"), "met-cape"),
        (Shock.close(product="cobalt-refind"), "cobalt-refined"),
        (Shock.close(stage="refinning"), "refining"),
        (Shock.close(mineral="cobolt"), "cobalt"),
        (Shock.ban("CHN", stage="magnet"), "stage"),
        (Shock.ban("CHN", product="x"), "product"),
    ],
)
def test_unknown_names_are_suggested(shock, says):
    with pytest.raises(UnknownNameError, match=says):
        shock.resolve(NET)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Shock.close, "names nothing"),
        (lambda: Shock.close(country="China"), "alpha-3"),
        (lambda: Shock.close(country="chn"), "alpha-3"),
        (lambda: Shock.close(node=""), "text"),
        (lambda: Shock.close(node=[3]), "text"),
        (lambda: Shock.close(node="x", keep=-0.1), "at least 0"),
        (lambda: Shock.close(node="x", keep=float("inf")), "at least 0"),
        (lambda: Shock.close(node="x", keep=float("nan")), "at least 0"),
        (lambda: Shock.close(node="x", keep="half"), "at least 0"),
        (lambda: Shock.ban([]), "no country"),
        (lambda: Shock.ban("CN"), "alpha-3"),
        (lambda: Shock.ban("CHN", keep=-1), "at least 0"),
        (lambda: Shock.ban("XYZ"), "'XYZ'; expected an ISO 3166-1 alpha-3 code"),
        (lambda: Shock.ban("Kongo"), "Did you mean `COD`"),
        (lambda: Shock.ban("CHN", to="QQQ"), r"ban\(to=\): is 'QQQ'"),
        (lambda: Shock.close(owner="QQQ"), r"close\(owner=\): is 'QQQ'"),
        (lambda: Shock.close(country=7), "text"),
        (lambda: Shock.close(node="x", keep=True), "at least 0"),
        (lambda: Shock.close(node="kokkola", passage="suez"), "nothing is both"),
        (lambda: Shock.ban("CHN", to="CHN"), "to itself"),
        (lambda: Shock.ban("COD", keep=0.5, most_t=1), "both are given"),
        (lambda: Shock.ban("COD", keep=0, most_t=1), "both are given"),
        (lambda: Shock.ban("COD", most_t=-1), "tonnes"),
        (lambda: Shock.ban("COD", most_t=float("nan")), "tonnes"),
        (lambda: Shock.ban("COD", most_t="much"), "tonnes"),
        (lambda: Shock.ban(["COD", "ZMB"], most_t=1), "one exporter"),
        (lambda: Shock.ban("COD", to=["CHN", "FIN"], most_t=1), "one destination"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(make, says):
    with pytest.raises(DataError, match=says):
        make()


def test_a_known_country_without_sites_is_no_error():
    assert Shock.close(country="NAM", stage="mining").resolve(NET).touches_nothing
    assert not Shock.close(country="COD").resolve(NET).touches_nothing


def test_a_quota_is_a_limit_in_tonnes():
    bans = Shock.ban("COD", stage="mining", most_t=50).resolve(NET).bans
    assert bans["product"].tolist() == ["cobalt-intermediate"]
    assert bans["limit_t"].tolist() == [50.0]
    assert bans["keep"].isna().all()
    relative = Shock.ban("COD", stage="mining", keep=0.5).resolve(NET).bans
    assert relative["limit_t"].isna().all()
    assert "at most 96,600 t a year" in Shock.ban("COD", product="x", most_t=96_600).describe()


def test_a_quota_needs_one_product():
    with pytest.raises(DataError, match="these are 2: cobalt-intermediate, cobalt-refined"):
        Shock.ban("COD", most_t=50).resolve(NET)


def test_a_country_named_on_both_sides_still_delivers_at_home():
    bans = Shock.ban(["CHN", "FIN"], product="cobalt-refined", to=["CHN", "DEU"]).resolve(NET).bans
    assert list(zip(bans["origin_country"], bans["destination_country"], strict=True)) == [
        ("CHN", "DEU"), ("FIN", "CHN"), ("FIN", "DEU"),
    ]  # fmt: skip


def test_all_faults_are_told_at_once():
    with pytest.raises(DataError) as caught:
        Shock.close(country="Kongo", owner="XYZ", stage="", keep=-1)
    assert len(caught.value.report) == 4
    with pytest.raises(DataError) as caught:
        Shock.ban([], to="China", keep=float("nan"), most_t=-3)
    assert len(caught.value.report) == 5
    wrong = Shock.close(node="kokola", stage="refinning") + Shock.ban("CHN", product="cobalt-refind")
    with pytest.raises(UnknownNameError) as unknown:
        wrong.resolve(NET)
    for words in ("3 names are unknown", "'kokkola'", "'refining'", "'cobalt-refined'"):
        assert words in str(unknown.value)
    clash = Shock.close(product="cobalt-refined", stage="mining") + Shock.ban("COD", most_t=1)
    with pytest.raises(DataError) as caught:
        clash.resolve(NET)
    assert len(caught.value.report) == 2


@pytest.mark.parametrize(
    ("shock", "says"),
    [
        (Shock.close(product="cobalt-refined", stage="mining"), "no product here is all of this"),
        (Shock.close(node="kokkola", country="DEU"), "kokkola in FIN"),
        (Shock.close(node="suez", country="DEU"), "suez in the open sea"),
        (Shock.close(node="kokkola", stage="mining"), "makes nothing of the kind"),
        (Shock.close(edge="met-cape", product="cobalt-intermediate"), "met-cape carries cobalt-refined"),
        (Shock.ban("CHN", product="cobalt-refined", stage="mining"), "cobalt-refined .refining."),
        (Shock.ban("CHN", stage="manufacturing"), "no product here"),
    ],
)
def test_contradictions_are_refused(shock, says):
    with pytest.raises(DataError, match=says):
        shock.resolve(NET)


def test_a_port_or_strait_by_name_takes_any_goods():
    assert touched(Shock.close(node="durban", stage="mining").resolve(NET).edge_factor)
    assert not Shock.close(stage="manufacturing").resolve(NET).touches_nothing


def test_a_strait_that_no_lane_uses_closes_without_effect():
    assert Shock.close(passage="bosporus").resolve(NET).touches_nothing
    assert Shock.close(passage="passage-bosporus", keep=0.5).resolve(NET).touches_nothing


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 200), st.sampled_from(["CHN", "COD", "FIN"]))
def test_a_stage_stands_alone_on_any_network(seed, country):
    net = random_network(seed)
    products = net.products["stage"]
    made = set(net.processes["output"].dropna())
    for stage in sorted({products[product] for product in made}):
        found = Shock.ban(country, stage=stage).resolve(net)
        assert set(found.bans["product"]) == {product for product in made if products[product] == stage}
        assert not any(touched(factor) for factor in factors(found))
        closed = Shock.close(country=country, stage=stage).resolve(net)
        outputs = net.processes.loc[list(touched(closed.process_factor)), "output"]
        assert set(outputs.map(products)) <= {stage}
        assert not touched(closed.node_factor) | touched(closed.edge_factor)
