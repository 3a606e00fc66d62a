from decimal import Decimal
from random import Random

import pytest
from medley.records import DocumentType, Lab
from medley_training.documents.case import Case
from medley_training.documents.drawing import draw_case
from medley_training.documents.figures import converted
from medley_training.documents.lexicon import compact_lexicon
from medley_training.documents.styles import STYLES, site_style
from medley_training.documents.wording import worded


def _case(document_type: DocumentType, seed: int) -> Case:
    return draw_case(document_type, "full", compact_lexicon(), Random(seed))


def _labs(style: str) -> list[Lab]:
    return [
        lab
        for seed in range(20)
        for lab in worded(_case(DocumentType.LAB_PANEL, seed), site_style(style), Random(seed)).labs
    ]


@pytest.mark.parametrize("style", STYLES)
def test_a_flag_agrees_with_the_printed_range(style: str) -> None:
    flagged = 0
    for lab in _labs(style):
        if lab.reference_range is None or lab.flag is None:
            continue
        low, _, high = lab.reference_range.value.lstrip("<").rpartition("-")
        value = Decimal(lab.value.value)
        is_high = lab.flag.value in ("high", "critical_high")
        assert value > Decimal(high) if is_high else value < Decimal(low)
        flagged += 1
    assert flagged > 20


@pytest.mark.parametrize("style", STYLES)
def test_the_normal_form_is_a_decimal_whatever_the_site_prints(style: str) -> None:
    mark = site_style(style).decimal
    for lab in _labs(style):
        printed = lab.value.text.lstrip("<>")
        assert printed.replace(mark, ".") == lab.value.value
        assert Decimal(lab.value.value).is_finite()


def test_the_same_case_is_the_same_patient_in_other_units() -> None:
    case = _case(DocumentType.LAB_PANEL, 3)
    american = worded(case, site_style("lakeside"), Random(0))
    german = worded(case, site_style("nordhafen"), Random(0))

    for fact, here, there in zip(case.labs, american.labs, german.labs, strict=True):
        assert here.name.value == there.name.value == fact.measure.name
        assert Decimal(here.value.value) == converted(fact.amount, fact.measure.customary)
        assert Decimal(there.value.value) == converted(
            fact.amount, fact.measure.si or fact.measure.customary
        )


def test_sites_differ_in_more_than_units() -> None:
    case = _case(DocumentType.MEDICATION_RECONCILIATION, 5)
    doses, frequencies = (
        {
            tuple(
                getattr(medication, field).text
                for medication in worded(case, site_style(style), Random(0)).medications
                if getattr(medication, field)
            )
            for style in STYLES
        }
        for field in ("dose", "frequency")
    )

    assert len(doses) >= 3
    assert len(frequencies) == len(STYLES)


def test_a_mean_pressure_lies_between_the_two_that_it_is_of() -> None:
    checked = 0
    for seed in range(30):
        by_name = {
            (fact.measure.name, fact.taken_at): fact
            for fact in _case(DocumentType.ICU_FLOWSHEET, seed).vitals
        }
        for (name, at), fact in by_name.items():
            pressure = by_name.get(("blood pressure", at))
            if name == "mean arterial pressure" and pressure:
                assert pressure.second is not None
                assert pressure.second < fact.amount < pressure.amount
                checked += 1
    assert checked > 10
