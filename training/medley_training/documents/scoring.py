"""How well an answer agrees with a record: fields, the whole, and errors that could do harm."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from medley.records import SECTIONS, MedicalRecord
from medley.segments import ROW_KINDS

from medley_training.documents.extraction import answer_of, rows_of

TEN_FOLD = frozenset(Decimal(10) ** power for power in (-4, -3, -2, -1, 1, 2, 3, 4))
AMOUNTS = {"medications": "dose", "labs": "value", "vitals": "value"}
PRESENT = "present"
_COMPARATOR = re.compile(r"\s*(<=|>=|<|>|≤|≥)")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")

MAY_BE_ABSENT = {
    section: frozenset(name for name, field in kind.model_fields.items() if field.default is None)
    for section, kind in ROW_KINDS.items()
}
"""The fields of each list's rows that a document may leave out."""

Row = dict[str, str]
Placed = Sequence[tuple[str, Row]]
"""Rows with the list that each is of."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many things are in the truth, in the answer, and in both."""

    both: int
    truth: int
    answer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCounts:
    """What one answer got right and wrong.

    A wrong value of a row counts twice: the right one is missing, and another is there.

    Attributes:
        critical: Errors that could do harm: an amount ten times (a hundred, …) too large or too
            small; another sign or comparator; another unit; a drug that the document does not
            name; a wrong side; a diagnosis that is ruled out, of a relative, past or uncertain
            given as present, or the reverse.
        terms: Rows by their names alone.
        values: All fields but the names: of the truth those of every row, of the answer those of
            the rows that are found by name.
        rows: Rows that agree in every field.
        false_fills: What is said in the place of something that the document leaves empty: a value
            in a row that is found by name, or rows of a list that the document has not.
        left_empty: How many such places there are: lists without a row, absent fields of rows.
    """

    true_positive: int
    false_positive: int
    false_negative: int
    exact: bool
    valid_json: bool
    critical: int
    terms: Overlap
    values: Overlap
    rows: Overlap
    false_fills: int
    left_empty: int


def compare(truth: MedicalRecord, answer: Mapping[str, Any] | None) -> FieldCounts:
    """Count the fields of `answer`, which None says was no JSON.

    Rows are aligned by name; among rows of one name, those that agree most are taken together.
    Letters' case and the amount of white space do not count.
    """
    right = list(rows_of(answer_of(truth)))
    given = list(rows_of(answer or {}))
    pairs = aligned(right, given)
    agreed = sum(_agreement(true, said) for _, true, said in pairs)
    num_right, num_given = (sum(len(row) for _, row in rows) for rows in (right, given))
    return FieldCounts(
        true_positive=agreed,
        false_positive=num_given - agreed,
        false_negative=num_right - agreed,
        exact=answer is not None and agreed == num_right == num_given,
        valid_json=answer is not None,
        critical=sum(_critical(section, true, said) for section, true, said in pairs)
        + _wrong_drugs(right, given),
        terms=Overlap(len(pairs), len(right), len(given)),
        values=_values(right, pairs),
        rows=Overlap(sum(true == said for _, true, said in pairs), len(right), len(given)),
        false_fills=_false_fills(right, given, pairs),
        left_empty=_left_empty(right),
    )


def _values(right: Placed, pairs: Sequence[tuple[str, Row, Row]]) -> Overlap:
    return Overlap(
        sum(_agreement(true, said) - 1 for _, true, said in pairs),
        sum(len(row) - 1 for _, row in right),
        sum(len(said) - 1 for _, _, said in pairs),
    )


def _false_fills(right: Placed, given: Placed, pairs: Sequence[tuple[str, Row, Row]]) -> int:
    in_rows = sum(
        len((MAY_BE_ABSENT[section] - true.keys()) & said.keys()) for section, true, said in pairs
    )
    return in_rows + len({section for section, _ in given} - {section for section, _ in right})


def _left_empty(right: Placed) -> int:
    in_rows = sum(len(MAY_BE_ABSENT[section] - row.keys()) for section, row in right)
    return in_rows + len(SECTIONS) - len({section for section, _ in right})


def _agreement(true: Row, said: Row) -> int:
    return sum(said.get(name) == value for name, value in true.items())


def aligned(right: Placed, given: Placed) -> list[tuple[str, Row, Row]]:
    """Each row with the one of its name that agrees most and is not yet taken."""
    candidates = sorted(
        (
            (-_agreement(true, said), i, j)
            for i, (section, true) in enumerate(right)
            for j, (other, said) in enumerate(given)
            if section == other and true["name"] == said.get("name")
        ),
    )
    taken_right: set[int] = set()
    taken_given: set[int] = set()
    pairs = []
    for _, i, j in candidates:
        if i not in taken_right and j not in taken_given:
            taken_right.add(i)
            taken_given.add(j)
            pairs.append((right[i][0], right[i][1], given[j][1]))
    return pairs


def _wrong_drugs(right: Placed, given: Placed) -> int:
    drugs = {row["name"] for section, row in right if section == "medications"}
    named = [row.get("name") for section, row in given if section == "medications"]
    return sum(name is not None and name not in drugs for name in named)


def _critical(section: str, true: Row, said: Row) -> int:
    if section == "diagnoses":
        return int(true.get("assertion", PRESENT) != said.get("assertion", PRESENT))
    if section == "procedures":
        return int(_differ("laterality", true, said))
    amount = AMOUNTS[section]
    is_dangerous = amount in true and amount in said and _is_dangerous(true[amount], said[amount])
    return is_dangerous + _differ("unit", true, said)


def _differ(name: str, true: Row, said: Row) -> bool:
    """Whether both say something, and not the same."""
    return name in true and name in said and true[name] != said[name]


def _is_dangerous(true: str, said: str) -> bool:
    """Whether two amounts differ in sign, comparator, unit or by a power of ten."""
    first, second = _amount(true), _amount(said)
    if first[:2] != second[:2]:
        return True
    numbers = list(zip(first[2], second[2], strict=False))
    if len(first[2]) != len(second[2]) or any(0 in pair for pair in numbers):
        return False
    return any((a < 0) != (b < 0) or abs(b / a) in TEN_FOLD for a, b in numbers)


def _amount(text: str) -> tuple[str, str, list[Decimal]]:
    """The comparator, what is neither number nor space (the unit), and the numbers."""
    comparator = _COMPARATOR.match(text)
    numbers = [Decimal(found.replace(",", ".")) for found in _NUMBER.findall(text)]
    unit = "".join(_NUMBER.sub("", text).split())
    return comparator[1] if comparator else "", unit, numbers
