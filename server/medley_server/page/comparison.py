"""What two versions read in the same document, row beside row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from html import escape
from typing import Any

from medley.records import SECTIONS
from medley.results import Extraction, Found

from medley_server.page.shown_values import ShownValue, about, shown_values
from medley_server.page.values_table import sign
from medley_server.page.wording import titled


class Difference(StrEnum):
    """How two values compare; the text is what people are shown."""

    NONE = "same"
    VALUE = "differs"
    ONLY_LEFT = "only A"
    ONLY_RIGHT = "only B"


@dataclass(frozen=True, slots=True)
class Pair:
    """One field of one row in two extractions."""

    section: str
    label: str
    left: ShownValue | None
    right: ShownValue | None

    @property
    def difference(self) -> Difference:
        if self.left is None:
            return Difference.ONLY_RIGHT
        if self.right is None:
            return Difference.ONLY_LEFT
        is_same = self.left.value.found.value == self.right.value.found.value
        return Difference.NONE if is_same else Difference.VALUE


def pairs_of(left: Extraction, right: Extraction) -> tuple[Pair, ...]:
    """Rows are paired by their names, in the order in which both have them."""
    lefts, rights = shown_values(left, side="a"), shown_values(right, side="b")
    if left.record is None or right.record is None:
        paths = dict.fromkeys([*lefts, *rights])
        return tuple(_pair("data", lefts.get(path), rights.get(path)) for path in paths)
    return tuple(
        _pair(section, lefts.get(f"{section}[{a}].{field}"), rights.get(f"{section}[{b}].{field}"))
        for section in SECTIONS
        for a, b in _rows(getattr(left.record, section), getattr(right.record, section))
        for field in _fields(getattr(left.record, section), getattr(right.record, section))
        if f"{section}[{a}].{field}" in lefts or f"{section}[{b}].{field}" in rights
    )


def _pair(section: str, left: ShownValue | None, right: ShownValue | None) -> Pair:
    named = left or right
    assert named is not None
    return Pair(section, named.label, left, right)


def _fields(left: Sequence[Any], right: Sequence[Any]) -> list[str]:
    row = (*left, *right)[0]
    fields = type(row).model_fields
    return [
        field
        for field in fields
        if any(isinstance(getattr(one, field), Found) for one in (*left, *right))
    ]


def _rows(left: Sequence[Any], right: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Numbers of rows that belong together; -1 where there is none."""
    lefts, rights = _names(left), _names(right)
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, lefts, rights, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from zip(range(a0, a1), range(b0, b1), strict=True)
        else:
            yield from ((a, -1) for a in range(a0, a1))
            yield from ((-1, b) for b in range(b0, b1))


def _names(rows: Sequence[Any]) -> list[str]:
    return [row.name.value.casefold() for row in rows]


def comparison_table(left: Extraction, right: Extraction) -> str:
    """Both beside each other; what differs is said in words, and marked."""
    pairs = pairs_of(left, right)
    if not pairs:
        return "<p class=md-state>Neither version read a value.</p>"
    differing = sum(pair.difference is not Difference.NONE for pair in pairs)
    head = (
        f"<p class=md-tally><b>{differing} of {len(pairs)}</b> values differ. <label>"
        "<input type=checkbox class=md-only checked> Show only these</label></p>"
    )
    names = [escape(one.model.adapter or one.model.base) for one in (left, right)]
    sections = dict.fromkeys(pair.section for pair in pairs)
    tables = "".join(
        _section(name, [pair for pair in pairs if pair.section == name], names) for name in sections
    )
    told = "".join(about(one.left, left) for one in pairs if one.left)
    told += "".join(about(one.right, right) for one in pairs if one.right)
    return f"<div class='md-values md-compared'>{head}{tables}{told}</div>"


def _section(name: str, pairs: list[Pair], names: list[str]) -> str:
    sides = "".join(
        f"<th scope=col><b class=md-side>{side}</b> {who}</th>"
        for side, who in zip("AB", names, strict=True)
    )
    body = "".join(map(_row, pairs))
    differing = sum(pair.difference is not Difference.NONE for pair in pairs)
    return (
        f"<section class=md-section aria-labelledby=md-{name}><h3 id=md-{name}>{titled(name)} "
        f"<small>{differing} of {len(pairs)} differ</small></h3><div class=md-scroll><table><thead>"
        f"<tr><th scope=col>Field</th>{sides}<th scope=col>Difference</th></tr></thead>"
        f"<tbody>{body}</tbody></table></div></section>"
    )


def _row(pair: Pair) -> str:
    difference = pair.difference
    is_same = difference is Difference.NONE
    mark = "" if is_same else "<span aria-hidden=true>≠ </span>"
    return (
        f"<tr class={'md-same' if is_same else 'md-differs'}><th scope=row>{escape(pair.label)}"
        f"</th>{_cell(pair.left)}{_cell(pair.right)}"
        f"<td class=md-difference>{mark}{difference}</td></tr>"
    )


def _cell(one: ShownValue | None) -> str:
    if one is None:
        return "<td class=md-none>not read</td>"
    value = escape(one.value.found.value)
    said = escape(f"{one.label}: {one.value.found.value}", quote=True)
    return (
        f"<td class='md-cell md-{one.trust.name.lower()}' data-value={one.id} "
        f'data-page="{one.page or ""}"><button type=button aria-label="{said}" '
        f"aria-describedby=about-{one.id}>{value}</button>{sign(one)}</td>"
    )
