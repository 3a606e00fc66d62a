"""Details put out of sight."""

import re
from collections.abc import Iterable, Iterator, Set

from medley_server.deidentification.detail import Detail, Kind
from medley_server.deidentification.labels import labelled
from medley_server.deidentification.names import again, parts_of
from medley_server.deidentification.shapes import shaped

_PAGE_END = "\f"
_SHORTEST_ID = 4
_NUMBER = re.compile(r"[\w/-]+")


def deidentified(text: str) -> str:
    """The text with each detail that is found replaced by its kind, such as ``[NAME]``.

    A detail that is not found stays: somebody has to look before the text goes where it may only
    go without people's details.

    Args:
        text: Pages, parted by form feeds. Each is searched by itself, as no other thread runs
            while an expression is; what is found on one is looked for on all.
    """
    pieces, at = [], 0
    for detail in details_in(text):
        pieces += [text[at : detail.start], f"[{detail.kind.upper()}]"]
        at = detail.end
    return "".join([*pieces, text[at:]])


def details_in(text: str) -> list[Detail]:
    """The details in order, none over another."""
    pages = [(page, [*labelled(page), *shaped(page)]) for page in text.split(_PAGE_END)]
    names = _said(pages, Kind.NAME)
    parts = {part for name in names for part in parts_of(name)}
    numbers = {number for number in _said(pages, Kind.ID) if len(number) >= _SHORTEST_ID}
    details, at = [], 0
    for page, found in pages:
        both = [*found, *again(page, parts), *_numbers_again(page, numbers)]
        details += [Detail(at + d.start, at + d.end, d.kind) for d in _apart(both)]
        at += len(page) + len(_PAGE_END)
    return details


def _said(pages: Iterable[tuple[str, list[Detail]]], kind: Kind) -> set[str]:
    return {page[d.start : d.end] for page, found in pages for d in found if d.kind is kind}


def _numbers_again(page: str, numbers: Set[str]) -> Iterator[Detail]:
    """Where numbers stand once more, such as at the foot of each page."""
    for one in _NUMBER.finditer(page) if numbers else ():
        if one.group() in numbers:
            yield Detail(one.start(), one.end(), Kind.ID)


def _apart(found: Iterable[Detail]) -> Iterator[Detail]:
    """Of details that overlap the longest gives the kind, and all of them are covered."""
    whole: Detail | None = None
    longest = 0
    for detail in sorted(found):
        length = detail.end - detail.start
        if whole is None or detail.start >= whole.end:
            if whole is not None:
                yield whole
            whole, longest = detail, length
            continue
        kind = detail.kind if length > longest else whole.kind
        whole = Detail(whole.start, max(whole.end, detail.end), kind)
        longest = max(longest, length)
    if whole is not None:
        yield whole
