"""Shocks: what they say, what they touch, what they refuse."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import chain, random_network

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.scenario.shock import Shock


def touched(factor):
    return factor[factor != 1.0].to_dict()


def test_a_stage_in_a_country_leaves_everything_else_open():
    found = Shock.close(country="CHN", stage="refining", keep=0.5).resolve(chain())
    assert touched(found.process_factor) == {"jinchuan-refine": 0.5}
    assert not touched(found.node_factor)
    assert not touched(found.edge_factor)


def test_a_country_alone_closes_its_ports_too():
    found = Shock.close(country="CHN").resolve(chain())
    assert set(touched(found.node_factor)) == {"jinchuan", "ningbo", "ningde"}
    assert set(touched(found.process_factor)) == {"jinchuan-refine", "ningde-use"}


def test_an_owner_is_who_holds_half():
    found = Shock.close(owner="CHN", stage=["mining", "refining"]).resolve(chain())
    assert set(touched(found.process_factor)) == {"tenke-extract", "jinchuan-refine"}
    assert set(touched(Shock.close(owner="COD").resolve(chain()).process_factor)) == set()
    assert set(touched(Shock.close(owner="FIN").resolve(chain()).process_factor)) == {"talvivaara-extract"}


def test_a_strait_for_one_product_closes_edges_only():
    found = Shock.close(passage="malacca", product="cobalt-refined").resolve(chain())
    assert set(touched(found.edge_factor)) == {
        "met-ningbo-malacca", "met-malacca-suez", "met-suez-malacca", "met-malacca-ningbo"
    }  # fmt: skip
    assert not touched(found.node_factor)
    assert set(touched(Shock.close(passage="malacca").resolve(chain()).node_factor)) == {"malacca"}


def test_edges_narrow_by_product_and_place():
    assert set(touched(Shock.close(edge=["met-cape", "ore-lombok"]).resolve(chain()).edge_factor)) == {
        "met-cape", "ore-lombok"
    }  # fmt: skip
    narrow = Shock.close(edge=["met-cape", "ore-lombok"], product="cobalt-refined")
    assert set(touched(narrow.resolve(chain()).edge_factor)) == {"met-cape"}
    placed = Shock.close(edge=["met-cape", "ore-lombok"], country="NLD")
    assert set(touched(placed.resolve(chain()).edge_factor)) == {"met-cape"}


def test_a_ban_on_one_stage_leaves_the_others_open():
    bans = Shock.ban("CHN", stage="refining").resolve(chain()).bans
    assert bans["product"].tolist() == ["cobalt-refined"]
    assert bans["destination_country"].isna().all()
    named = Shock.ban("CHN", product="cobalt-refined", to=["DEU", "NLD"], keep=0.3).resolve(chain()).bans
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
    assert both.resolve(chain()).process_factor["jinchuan-refine"] == 0.25


def test_shocks_are_values():
    a = Shock.close(country=["CHN", "COD"], keep=0.5)
    assert a == Shock.close(country=["COD", "CHN"], keep=0.5)
    assert len({a, Shock.close(country=["COD", "CHN"], keep=0.5), Shock.close(country="COD")}) == 2
    assert pickle.loads(pickle.dumps(a + a)) == a + a  # noqa: S301 - our own value
    with pytest.raises(AttributeError):
        a.clauses = ()


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=3, max_size=3))
def test_adding_is_associative(names):
    a, b, c = (Shock.close(node=name) for name in names)
    assert (a + b) + c == a + (b + c)
    assert a + Shock() == a


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
        (Shock.close(country="QQQ"), "country"),
        (Shock.close(owner="QQQ"), "country"),
        (Shock.ban("QQQ"), "country"),
        (Shock.ban("CHN", to="QQQ"), "country"),
        (Shock.ban("CHN", stage="magnet"), "stage"),
        (Shock.ban("CHN", product="x"), "product"),
    ],
)
def test_unknown_names_are_suggested(shock, says):
    with pytest.raises(UnknownNameError, match=says):
        shock.resolve(chain())


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
    ],
)
def test_what_cannot_be_read_is_refused_at_once(make, says):
    with pytest.raises(DataError, match=says):
        make()


def test_a_known_country_without_sites_is_no_error():
    assert Shock.close(country="NAM", stage="mining").resolve(chain()).touches_nothing
    assert not Shock.close(country="COD").resolve(chain()).touches_nothing
