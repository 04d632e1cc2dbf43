"""GeoPolRisk: published examples, the definition by hand, and what is missing."""

import math

import pytest
from measure_nets import random_chain

from supplygraph.errors import DataError, UnknownNameError
from supplygraph.measures import governance
from supplygraph.measures.concentration import concentration
from supplygraph.measures.geopolrisk import geopolrisk, instability

#: Results that the authors of geopolrisk-py print for imports of China in 2022 (akoyamp/geopolrisk-py, examples/
#: example_guide.ipynb): material, HHI, import risk, price in USD per kg, score, factor in kg of copper per kg.
CHINA_2022 = [
    ("Antimony", 0.276644236014858, 0.27518350428575905, 3.885127263441932, 0.07612793030702521, 0.7224165698472998),
    ("Cobalt", 0.4928971158048766, 0.8776058519102545, 16.245401905111848, 0.4325693932200461, 17.164243776457244),
    ("Copper", 0.10368441992479659, 0.4892134607645784, 2.676838822747667, 0.050723813898777545, 0.33164430911470694),
    ("Graphite", 0.470663478647389, 0.09011810759971989, 0.6235670539065952, 0.042415302012003865, 0.0646017304664818),
    ("Lithium", 0.31981095428556255, 0.3420701673022516, 44.91863982047044, 0.10939778663755512, 12.0025509675112),
    ("Nickel", 0.26749007657640966, 0.6254344150100019, 0.07724528920743905, 0.16729749956454737, 0.03156457019904722),
    ("Rare earth", 0.5282617688739127, 0.12750347510271168, 34.57830556175385, 0.06735521129532937, 5.688704005879154),
]
#: Its factor of copper: mean of OECD countries 2017-2021, USD per kg (the same repository, assessment/core.py).
COPPER = 0.409412948
#: Earlier results of the same group for Australia (src/geopolrisk/output/export.csv): HHI, import risk, score.
AUSTRALIA = [
    ("Rare earth 2005", 0.907, 0.302461124603781, 0.274332240015629),
    ("Nickel 2016", 0.087, 0.0441288183793224, 0.00383920719900105),
    ("Bismuth 2012", 0.201, 0.505015293635401, 0.101508074020716),
]


@pytest.mark.parametrize(("name", "hhi", "risk", "price", "score", "factor"), CHINA_2022, ids=lambda v: str(v)[:10])
def test_published_scores_and_factors(name, hhi, risk, price, score, factor):
    told = geopolrisk(hhi=hhi, import_risk=risk, price_usd_t=1000 * price, copper_usd_t=1000 * COPPER)
    assert told.score == pytest.approx(score, rel=1e-9), name
    assert told.characterisation_kg_cu == pytest.approx(factor, rel=1e-9)
    assert told.characterisation_usd_t == pytest.approx(1000 * score * price, rel=1e-9)


@pytest.mark.parametrize(("name", "hhi", "risk", "score"), AUSTRALIA)
def test_published_scores_of_australia(name, hhi, risk, score):
    assert geopolrisk(hhi=hhi, import_risk=risk).score == pytest.approx(score, rel=1e-9), name


def test_import_risk_by_hand():
    # As the package's own test of its core: 1000 / (2000 + 500) of instability-weighted imports, HHI 0.3.
    told = geopolrisk(hhi=0.3, imports={"CHN": 2000.0}, domestic=500.0, stability={"CHN": 0.0})
    assert told.import_risk == pytest.approx(0.4)
    assert told.score == pytest.approx(0.12)
    assert told.table.loc["CHN", "instability"] == 0.5


def test_production_gives_the_hhi_and_what_the_importer_makes():
    told = geopolrisk(importer="AUS", production={"CHN": 60.0, "AUS": 40.0}, imports={"CHN": 40.0},
                      stability={"CHN": -2.5})
    assert told.hhi == pytest.approx(0.52)
    assert told.import_risk == pytest.approx(0.5)


def test_a_total_among_the_producers_is_refused():
    # A published test workbook carries such a row; counted as a country it turns 0.267 into 0.317.
    with pytest.raises(DataError, match="counts twice"):
        geopolrisk(production={"CHN": 60.0, "AUS": 40.0, "Total": 100.0}, imports={"CHN": 1.0}, domestic=0.0)


def test_bundled_stability():
    told = geopolrisk(hhi=1.0, imports={"NCL": 1.0}, domestic=0.0)
    assert told.score == instability(governance.stability_by_country()["FRA"])


def test_missing_stability_is_missing_with_bounds():
    told = geopolrisk(hhi=0.5, imports={"CHN": 50.0, "AUS": 30.0, "OTH": 10.0}, domestic=10.0, stability={"CHN": 0.0})
    assert math.isnan(told.score)
    assert told.score_low == pytest.approx(0.5 * 0.25)
    assert told.score_high == pytest.approx(0.5 * (0.25 + 0.3 + 0.1))
    assert "import_risk is missing: AUS: no political stability" in told.explain()
    assert "score" in told.missing.index


@pytest.mark.parametrize(("inputs", "figure", "reason"), [
    ({"imports": {"CHN": 1.0}, "domestic": 0.0}, "score", "neither hhi nor production"),
    ({"hhi": 0.5}, "import_risk", "neither imports nor import_risk"),
    ({"hhi": 0.5, "imports": {"CHN": 1.0}}, "import_risk", "domestic production is not given"),
    ({"hhi": 0.5, "imports": {"CHN": 1.0}, "domestic": 0.0}, "characterisation_usd_t", "no price is known"),
])
def test_missing_inputs_have_a_reason(inputs, figure, reason):
    told = geopolrisk(**inputs)
    assert math.isnan(told.figures[figure])
    assert reason in told.explain()


@pytest.mark.parametrize(("inputs", "words"), [
    ({"hhi": 2670.0}, "divide by 10 000"),
    ({"hhi": 0.5, "production": {"CHN": 1.0}}, "given together with production"),
    ({"import_risk": 3.0, "hhi": 0.5}, "no number from 0 to 1"),
    ({"hhi": 0.5, "imports": {"CHN": 1.0}, "stability": {"CHN": 60.0}}, "already scaled"),
    ({"hhi": 0.5, "importer": "CHN", "imports": {"CHN": 1.0}}, "cannot import from itself"),
    ({"hhi": 0.5, "imports": {"CHN": -1.0}, "domestic": 0.0}, "no quantity"),
])
def test_wrong_inputs(inputs, words):
    with pytest.raises(DataError, match=words):
        geopolrisk(**inputs)


def test_a_network():
    net = random_chain(5)
    country = net.processes["node"].map(net.nodes["country"])
    metal = net.shipments[net.shipments["product"] == "metal"]
    source, target = metal["origin"].map(country), metal["destination"].map(country)
    importer = target[source != target].mode()[0]
    told = geopolrisk(net, importer=importer)
    bought = metal["flow_t"][(target == importer) & (source != importer)].groupby(source).sum()
    made = net.processes.loc[(net.processes["output"] == "metal") & (country == importer), "activity_t"].sum()
    stability = governance.stability_by_country()
    risk = sum(tonnes * instability(stability[code]) for code, tonnes in bought.items()) / (bought.sum() + made)
    assert told.import_risk == pytest.approx(risk)
    assert told.score == pytest.approx(risk * concentration(net).hhi)
    assert 0.0 <= told.score <= 1.0
    one = geopolrisk(net, importer="all", blocs=dict.fromkeys(net.nodes["country"].dropna(), "all"))
    assert one.score == 0.0  # the whole world imports nothing
    with pytest.raises(UnknownNameError, match="importer"):
        geopolrisk(net, importer="ZZZ")
    with pytest.raises(DataError, match="Say who imports"):
        geopolrisk(net)
