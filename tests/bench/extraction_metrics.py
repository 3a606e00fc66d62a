"""How well an extraction agrees with a document's truth, in one document's sums and counts.

``term_f1`` is over rows by their names, ``value_f1`` over all other fields, ``row_exact_f1`` over
rows that agree in every field, all as `medley_training.documents.scoring` counts them, by what is
printed; ``combined`` is the mean of the first two. ``normal_...`` are the same over normal forms,
where ``10mg`` is ``10 mg``. ``term_found`` and ``value_found`` leave out what was invented.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from medley.records import Leaf, MedicalRecord, Row
from medley.results import Extraction, Found, FoundRow, Match
from medley_training.documents.extraction import Answer, answer_of, rows_of
from medley_training.documents.page import Box, Place
from medley_training.documents.scoring import FieldCounts, aligned, compare
from medley_training.suites.extraction import document_tallies

from tests.bench.extraction_documents import Case

UNUSABLE = frozenset({"output_invalid", "output_truncated"})
"""Codes of answers that were no JSON of the form that was asked for."""
_DEFAULTS = frozenset({("status", "active"), ("assertion", "present")})
_HALF = 0.5

Tallies = dict[str, tuple[float, float]]
Form = Literal["text", "value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedValue:
    """A value that was given.

    Attributes:
        is_right: It is the truth's, in a row of the truth's name.
        is_found: It has a place on a page.
        overlap: Of its box with the truth's, intersection over union; None where it is wrong, or
            where the truth has no box for it.
    """

    is_right: bool
    is_found: bool
    is_concluded: bool
    confidence: float | None
    review: bool
    overlap: float | None


def said_by(extraction: Extraction, form: Form) -> tuple[Answer, list[dict[str, Found]]]:
    """An extraction as an answer to be compared, and the values of its rows, in order."""
    answer: Answer = {}
    founds: list[dict[str, Found]] = []
    for section, rows in extraction.record or ():
        for row in rows:
            fields = dict(_fields(row))
            kept = {n: each for n, each in fields.items() if (n, each.value) not in _DEFAULTS}
            said: dict[str, str | bool] = {
                name: (each.text or each.value) if form == "text" else each.value
                for name, each in kept.items()
            }
            if getattr(row, "prn", False):
                said["prn"] = True
            answer.setdefault(section, []).append(said)
            founds.append(fields)
    return answer, founds


def _fields(row: FoundRow) -> Iterator[tuple[str, Found]]:
    for name, value in row:
        if isinstance(value, Found):
            yield "code" if name == "printed_code" else name, value


def in_normal_form(record: MedicalRecord) -> MedicalRecord:
    """The record with every value's normal form in the place of what is printed."""
    rows: dict[str, tuple[Row, ...]] = {}
    for path, row in record.rows():
        values = ((field, getattr(row, field)) for field in type(row).model_fields)
        normal = {f: Leaf.verbatim(each.value) for f, each in values if isinstance(each, Leaf)}
        section = path.partition("[")[0]
        rows[section] = (*rows.get(section, ()), row.model_copy(update=normal))
    return record.model_copy(update=rows)


def judged(case: Case, extraction: Extraction) -> list[JudgedValue]:
    """Every value that an extraction gives."""
    truth = case.document.truth
    answer, founds = said_by(extraction, "text")
    right, given = list(rows_of(answer_of(truth))), list(rows_of(answer))
    paths = {id(row): path for (_, row), (path, _) in zip(right, truth.rows(), strict=True)}
    partners = {id(said): true for _, true, said in aligned(right, given)}
    places: dict[str, list[Place]] = {}
    for place in case.places():
        places.setdefault(place.path, []).append(place)
    made = []
    for (_, said), fields in zip(given, founds, strict=True):
        true = partners.get(id(said), {})
        for name, found in fields.items():
            # What is not said is the default: a status that is active, a diagnosis that is present.
            is_right = bool(true) and true.get(name) == said.get(name)
            there = places.get(f"{paths.get(id(true), '')}.{name}", ())
            made.append(_judged(found, is_right=is_right, places=there))
    return made


def _judged(found: Found, *, is_right: bool, places: Sequence[Place]) -> JudgedValue:
    is_concluded = found.match is Match.CONCLUDED
    has_truth = is_right and not is_concluded and bool(places)
    return JudgedValue(
        is_right=is_right,
        is_found=found.bbox is not None and found.match is not Match.NOT_FOUND,
        is_concluded=is_concluded,
        confidence=found.confidence,
        review=found.review,
        overlap=max(_overlap(found, place) for place in places) if has_truth else None,
    )


def _overlap(found: Found, place: Place) -> float:
    boxes = [box for page, box in place.boxes if page == found.page]
    if found.bbox is None or not boxes:
        return 0.0
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return iou(found.bbox, (min(lefts), min(tops), max(rights), max(bottoms)))


def iou(one: Box, other: Box) -> float:
    """The area that two boxes have in common, by the area that they cover together."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = ((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return both / (sum(areas) - both)


def tallies(case: Case, extraction: Extraction | None, error: str | None = None) -> Tallies:
    """What one document contributes to every metric.

    Args:
        case: The document.
        extraction: What it became; None where it failed, which counts as nothing found.
        error: The code with which it failed.
    """
    truth = case.document.truth
    answers: dict[Form, Mapping[str, Any] | None] = {"text": {}, "value": {}}
    if extraction is not None:
        answers = {form: said_by(extraction, form)[0] for form in answers}
    elif error in UNUSABLE:
        answers = dict.fromkeys(answers)
    counts = compare(truth, answers["text"])
    found = _scores(counts)
    normal = _scores(compare(in_normal_form(truth), answers["value"]))
    found |= {f"normal_{name}": each for name, each in normal.items()}
    values = judged(case, extraction) if extraction else []
    return found | _of_values(values) | _of_pages(case, extraction, error)


def _scores(counts: FieldCounts) -> Tallies:
    given = document_tallies(counts)
    kept = ("term_f1", "value_f1", "row_exact_f1", "false_fills", "document_exact", "field_f1")
    return {name: given[name] for name in kept} | {
        "critical_per_row": (counts.critical, counts.rows.truth),
        "term_found": (counts.terms.both, counts.terms.truth),
        "value_found": (counts.values.both, counts.values.truth),
    }


def _of_values(values: Sequence[JudgedValue]) -> Tallies:
    printed = [value for value in values if not value.is_concluded]
    overlaps = [value.overlap for value in values if value.overlap is not None]
    wrong = [value for value in values if not value.is_right]
    return {
        "grounded": (sum(value.is_found for value in printed), len(printed)),
        "box_iou": (sum(overlaps), len(overlaps)),
        "box_half": (sum(each >= _HALF for each in overlaps), len(overlaps)),
        "reviewed": (sum(value.review for value in values), len(values)),
        "wrong_reviewed": (sum(value.review for value in wrong), len(wrong)),
    }


def _of_pages(case: Case, extraction: Extraction | None, error: str | None) -> Tallies:
    pages = extraction.document.pages if extraction else ()
    codes = {warning.code for warning in extraction.warnings} if extraction else {error}
    return {
        "failed": (extraction is None, 1),
        "invalid_json": (bool(codes & UNUSABLE), 1),
        "pages_accounted": (len({page.n for page in pages}), case.num_pages),
        "pages_read": (sum(page.status == "read" for page in pages), case.num_pages),
    }
