import pytest
from medley_training.documents.lexicon import Measure, compact_lexicon
from medley_training.documents.styles import STYLES, site_style

LEXICON = compact_lexicon()
MEASURES = (*LEXICON.labs, *LEXICON.vitals)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_what_is_normal_lies_inside_of_what_is_plausible(measure: Measure) -> None:
    assert measure.min <= measure.max
    assert measure.low < measure.high <= measure.max
    assert measure.min < measure.high
    if measure.below is not None:
        assert measure.below < measure.max
    if measure.above is not None:
        assert measure.min < measure.above <= measure.max


@pytest.mark.parametrize("style", STYLES)
def test_a_site_has_a_word_for_every_route_and_frequency(style: str) -> None:
    site = site_style(style)

    for drug in LEXICON.drugs:
        assert drug.route in site.routes
        assert set(drug.frequencies) <= site.frequencies.keys()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("terms", ["drugs", "labs", "vitals", "diagnoses", "procedures"])
def test_no_two_terms_of_a_site_look_the_same(style: str, terms: str) -> None:
    site = site_style(style)
    called = [
        (term.name, site.cased(term.called(site.vocabulary))) for term in getattr(LEXICON, terms)
    ]

    assert len({name for _, name in called}) == len({name for name, _ in called})


def test_flags_of_a_site_differ_from_what_it_prints_for_missing_values() -> None:
    for style in STYLES:
        site = site_style(style)
        assert site.missing not in site.flags.values()
        assert len(set(site.flags.values())) == len(site.flags)


def test_every_operation_is_done_for_a_diagnosis_that_there_is() -> None:
    names = {diagnosis.name for diagnosis in LEXICON.diagnoses}

    for procedure in LEXICON.procedures:
        if procedure.service == "surgical":
            assert procedure.diagnosis in names
