from decimal import Decimal

import pytest
from medley.records import DocumentType, Leaf, MedicationStatus
from medley.results import (
    DocumentSummary,
    Extraction,
    ExtractionStatus,
    ExtractionWarning,
    Found,
    FoundRecord,
    Match,
    PageSummary,
    ServedModel,
)

from tests.bench.extraction_documents import Case, Level, cases
from tests.bench.extraction_figures import calibration, figures
from tests.bench.extraction_metrics import JudgedValue, iou, judged, tallies


def _case(document_type: DocumentType, level: Level = "pdf") -> Case:
    return Case(document_type=document_type, site="lakeside", number=1, level=level, length="short")


def _all_right(case: Case, *, confidence: float = 0.9) -> Extraction:
    """What a perfect reader would give."""
    boxes = {place.path: place.boxes[0] for place in case.places()}
    rows: dict[str, list[dict[str, object]]] = {}
    for path, row in case.document.truth.rows():
        said: dict[str, object] = {}
        for name in type(row).model_fields:
            value = getattr(row, name)
            if isinstance(value, Leaf):
                page, box = boxes[f"{path}.{name}"]
                key = "printed_code" if name == "code" else name
                said[key] = Found(
                    value=value.value,
                    text=value.text,
                    page=page,
                    bbox=box,
                    match=Match.EXACT,
                    confidence=confidence,
                )
            elif isinstance(value, bool):
                said[name] = value
            elif value is not None and value is not MedicationStatus.ACTIVE:
                said[name] = Found(value=str(value), match=Match.CONCLUDED)
        rows.setdefault(path.partition("[")[0], []).append(said)
    return _extraction(FoundRecord.model_validate(rows), case.num_pages)


def _extraction(record: FoundRecord, num_pages: int) -> Extraction:
    pages = tuple(PageSummary(n=n, status="read") for n in range(1, num_pages + 1))
    return Extraction(
        id="x",
        status=ExtractionStatus.SUCCEEDED,
        document=DocumentSummary(
            type="lab_panel",
            media_type="application/pdf",
            sha256="",
            pages_in=num_pages,
            pages_processed=num_pages,
            pages=pages,
        ),
        record=record,
        model=ServedModel(base="tiny"),
    )


def _shares(counted: dict[str, tuple[float, float]]) -> dict[str, float]:
    return {name: total / count for name, (total, count) in counted.items() if count}


@pytest.mark.parametrize("document_type", DocumentType)
def test_what_is_all_right_is_counted_as_such(document_type: DocumentType) -> None:
    case = _case(document_type)

    found = _shares(tallies(case, _all_right(case)))

    for name in ("term_f1", "value_f1", "row_exact_f1", "document_exact", "term_found"):
        assert found[name] == found.get(f"normal_{name}", 1.0) == 1.0, name
    for name in ("critical_per_row", "failed", "invalid_json"):
        assert found[name] == 0.0
    for name in ("grounded", "box_half", "pages_accounted", "pages_read"):
        assert found[name] == 1.0


@pytest.mark.parametrize("level", ["scan", "fax", "phone"])
def test_boxes_are_compared_where_the_noise_moved_them(level: Level) -> None:
    still, moved = _case(DocumentType.LAB_PANEL), _case(DocumentType.LAB_PANEL, level)

    in_place = _shares(tallies(moved, _all_right(moved)))
    left_behind = _shares(tallies(moved, _all_right(still)))

    assert in_place["box_iou"] > 0.99
    assert left_behind["box_iou"] < 0.9


def test_a_lost_decimal_mark_is_critical_and_its_row_is_not_right() -> None:
    case = _case(DocumentType.LAB_PANEL)
    right = _all_right(case)
    assert right.record is not None
    first, *others = right.record.labs
    assert first.value is not None
    ten_fold = str(Decimal(first.value.value) * 10)
    value = first.value.model_copy(update={"text": ten_fold, "value": ten_fold})
    labs = (first.model_copy(update={"value": value}), *others)
    wrong = right.model_copy(update={"record": right.record.model_copy(update={"labs": labs})})

    found = tallies(case, wrong)

    assert found["critical_per_row"] == (1, len(labs))
    assert found["row_exact_f1"][0] == 2 * (len(labs) - 1)
    assert [each.is_right for each in judged(case, wrong)].count(False) == 1


def test_an_invented_field_is_a_false_fill() -> None:
    case = _case(DocumentType.OPERATIVE_NOTE)
    right = _all_right(case)
    assert right.record is not None
    assert not right.record.labs
    invented = Found(value="5", text="5", match=Match.NOT_FOUND, confidence=0.1, review=True)
    lab = {"name": invented, "value": invented}
    record = FoundRecord.model_validate({**dict(right.record), "labs": [lab]})

    found = tallies(case, _extraction(record, case.num_pages))

    assert found["false_fills"][0] == 1
    assert found["wrong_reviewed"] == (2, 2)
    assert _shares(found)["grounded"] < 1


def test_a_document_that_failed_found_nothing() -> None:
    case = _case(DocumentType.LAB_PANEL)

    refused = _shares(tallies(case, None, "deadline_exceeded"))
    unusable = _shares(tallies(case, None, "output_invalid"))

    assert refused["value_f1"] == unusable["value_f1"] == 0.0
    assert (refused["failed"], refused["invalid_json"]) == (1.0, 0.0)
    assert (unusable["failed"], unusable["invalid_json"]) == (1.0, 1.0)


def test_an_unusable_answer_about_a_part_is_invalid_json() -> None:
    case = _case(DocumentType.LAB_PANEL)
    warned = _all_right(case).model_copy(
        update={"warnings": (ExtractionWarning(code="output_truncated", message="cut"),)}
    )

    assert tallies(case, warned)["invalid_json"] == (True, 1)


def test_the_overlap_of_boxes() -> None:
    assert iou((0, 0, 2, 1), (1, 0, 3, 1)) == pytest.approx(1 / 3)
    assert iou((0, 0, 1, 1), (1, 0, 2, 1)) == 0.0
    assert iou((0, 0, 1, 1), (0, 0, 1, 1)) == 1.0


def test_combined_is_the_mean_of_terms_and_values_with_an_interval() -> None:
    names = ("term_f1", "value_f1", "term_found", "value_found")
    counted = {
        f"d{at}": {
            **dict.fromkeys(names, (at, 10.0)),
            **{f"normal_{n}": (10.0, 10.0) for n in names},
        }
        | {"value_f1": (10.0, 10.0)}
        for at in range(10)
    }

    found = figures(counted)

    value, low, high = (found["combined"][each] for each in ("value", "low", "high"))
    assert value == pytest.approx((0.45 + 1.0) / 2)
    assert low is not None
    assert high is not None
    assert low < 0.725 < high
    assert figures({"d1": counted["d1"]})["combined"]["low"] is None


def _value(confidence: float | None, *, is_right: bool) -> JudgedValue:
    return JudgedValue(
        is_right=is_right,
        is_found=True,
        is_concluded=False,
        confidence=confidence,
        review=False,
        overlap=None,
    )


def test_confidence_that_is_what_it_says_has_no_calibration_error() -> None:
    fair = [_value(0.75, is_right=at < 75) for at in range(100)]
    boastful = [_value(1.0, is_right=at < 75) for at in range(100)]

    assert calibration(fair)["expected_calibration_error"] == pytest.approx(0.0)
    assert calibration(boastful)["expected_calibration_error"] == pytest.approx(0.25)
    assert calibration(boastful)["brier"] == pytest.approx(0.25)
    assert calibration([_value(None, is_right=True)]) == {"values": 0}


def test_a_review_catches_the_errors_below_its_threshold() -> None:
    values = [_value(0.6, is_right=False), _value(0.85, is_right=False)]
    values += [_value(0.97, is_right=True)] * 2

    below = calibration(values)["review_below"]

    assert isinstance(below, list)
    at = {each["threshold"]: each for each in below}
    assert (at[0.7]["reviewed"], at[0.7]["errors_caught"]) == (0.25, 0.5)
    assert at[0.7]["errors_passed"] == pytest.approx(1 / 3)
    assert (at[0.9]["errors_caught"], at[0.9]["errors_passed"]) == (1.0, 0.0)


def test_a_document_is_the_same_at_every_level() -> None:
    made = list(cases(5, length="short"))

    assert len({case.name for case in made}) == len(made) == 100
    by_document = {(case.document.name, case.document.text) for case in made}
    assert len(by_document) == 25
    assert all("~away" in case.document.style for case in made)
