"""Rows that a model gave, as rows whose every value says where it was read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import UnionType
from typing import Any, NamedTuple, get_args

from medley.pages import Box
from medley.results import (
    Found,
    FoundDiagnosis,
    FoundLab,
    FoundMedication,
    FoundProcedure,
    FoundRow,
    FoundVital,
    Grounding,
    Match,
)
from medley.segments import ROW_KINDS

from medley_server.extraction.finding import Finder, Part

FOUND_KINDS: Mapping[str, type[FoundRow]] = {
    "medications": FoundMedication,
    "labs": FoundLab,
    "vitals": FoundVital,
    "diagnoses": FoundDiagnosis,
    "procedures": FoundProcedure,
}
_RENAMED = {("diagnoses", "code"): "printed_code"}


class Note(NamedTuple):
    """A warning about a field of a row, before the row's place in the record is known."""

    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRow:
    """A row as a model gave it.

    Attributes:
        part: What the model was shown; None for the whole page.
        hints: Where the model says that a field stands.
    """

    section: str
    fields: Mapping[str, str | bool]
    probabilities: Mapping[str, float]
    part: Part | None = None
    hints: Mapping[str, Box] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltRow:
    """A row with its places.

    Attributes:
        row: None where nothing of it may be given.
        leads: By field, a sign that is printed directly before it and that the model left out.
    """

    section: str
    row: FoundRow | None
    page: int
    notes: tuple[Note, ...] = ()
    leads: Mapping[str, str] = field(default_factory=dict)


class RowBuilder:
    """Builds the rows of one page."""

    def __init__(self, finder: Finder, *, page: int, grounding: Grounding) -> None:
        self._finder = finder
        self._page = page
        self._is_required = grounding is Grounding.REQUIRED

    def build(self, given: Sequence[GivenRow]) -> list[BuiltRow]:
        """The rows in order; one that is told again word for word of the same part is left out."""
        seen: set[Any] = set()
        built = []
        for row in given:
            key = (id(row.part), row.section, frozenset(row.fields.items()))
            if row.part is not None and key in seen:
                built.append(self._dropped(row, "repeated_row", "A row came twice, word for word."))
            else:
                built.append(self._row(row))
            seen.add(key)
        return built

    def _dropped(self, given: GivenRow, code: str, message: str) -> BuiltRow:
        return BuiltRow(
            section=given.section, row=None, page=self._page, notes=(Note(code, "", message),)
        )

    def _row(self, given: GivenRow) -> BuiltRow:
        told = _Told()
        name = self._text("name", given, None, told)
        if name is None:
            return self._dropped(given, "not_on_page", "A row's name is nowhere on its page.")
        near = Box(*name.bbox) if name.bbox else None
        values: dict[str, Any] = {"name": name}
        for each in given.fields:
            if each != "name":
                values |= self._field(each, given, near, told)
        return BuiltRow(
            section=given.section,
            row=FOUND_KINDS[given.section].model_validate(values),
            page=self._page,
            notes=tuple(told.notes),
            leads=told.leads,
        )

    def _field(
        self, given_name: str, given: GivenRow, near: Box | None, told: "_Told"
    ) -> dict[str, Any]:
        kind = _kind(given.section, given_name)
        value = given.fields[given_name]
        name = _RENAMED.get((given.section, given_name), given_name)
        if kind is bool:
            return {name: bool(value)}
        if issubclass(kind, StrEnum):
            if value not in set(kind):
                told.notes.append(Note("unknown_word", name, "The model gave no word of the list."))
                return {}
            chance = given.probabilities.get(given_name)
            return {name: self._finder.conclude(str(value), chance, given.part)}
        return {name: self._text(given_name, given, near, told)}

    def _text(
        self, given_name: str, given: GivenRow, near: Box | None, told: "_Told"
    ) -> Found | None:
        name = _RENAMED.get((given.section, given_name), given_name)
        hint = given.hints.get(given_name) if given.hints else None
        finding = self._finder.find(
            str(given.fields[given_name]),
            given.probabilities.get(given_name),
            given.part,
            hint or near,
        )
        found = finding.found
        if finding.lead:
            told.leads[name] = finding.lead
        if found.match is Match.NOT_FOUND and self._is_required:
            told.notes.append(
                Note("not_on_page", name, "A value is nowhere on its page: left out.")
            )
            return None
        if found.match is Match.NOT_FOUND and hint is not None:
            return found.model_copy(update={"page": self._page, "bbox": hint})
        return found


@dataclass
class _Told:
    """What comes up while a row is built."""

    notes: list[Note] = field(default_factory=list)
    leads: dict[str, str] = field(default_factory=dict)


def _kind(section: str, field: str) -> type:
    annotation = ROW_KINDS[section].model_fields[field].annotation
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return next(kind for kind in kinds if isinstance(kind, type) and kind is not type(None))


def counted(rows: Iterable[BuiltRow]) -> Iterator[tuple[str, BuiltRow]]:
    """Every row that may be given, with its path, such as ``labs[0]``."""
    numbers: dict[str, int] = {}
    for built in rows:
        number = numbers.get(built.section, 0)
        yield f"{built.section}[{number}]", built
        if built.row is not None:
            numbers[built.section] = number + 1
