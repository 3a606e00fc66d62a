"""Which pages somebody asks for."""

import re
from itertools import chain

from medley.reading.errors import InvalidPages

_PART = re.compile(r"(\d{1,6})(?:-(\d{0,6}))?")
_MAX_LENGTH = 1_000


def parse_pages(asked: str | None, count: int) -> tuple[int, ...]:
    """The numbers of the pages asked for, in the document's order, each once.

    Args:
        asked: Like ``1-3,5``; ``7-`` is from page 7 to the end. All pages when None.
        count: How many pages the document has.

    Raises:
        InvalidPages: It is written otherwise, or names a page that is not there.
    """
    if asked is None:
        return tuple(range(1, count + 1))
    parts = (_part(part, count) for part in _parts(asked))
    return tuple(sorted(set(chain.from_iterable(parts))))


def check_selection(asked: str | None) -> None:
    """Refuse what names pages of no document, before there is one.

    Raises:
        InvalidPages: As for `parse_pages`.
    """
    for part in _parts(asked) if asked is not None else ():
        _bounds(part)


def _parts(asked: str) -> list[str]:
    if len(asked) > _MAX_LENGTH:
        raise InvalidPages(f"the selection of pages is longer than {_MAX_LENGTH} characters")
    return [part.strip() for part in asked.split(",")]


def _bounds(part: str) -> tuple[int, int | None]:
    """The first and the last number; None for the end."""
    found = _PART.fullmatch(part) if part.isascii() else None
    if found is None:
        raise InvalidPages(f"pages are written like 1-3,5 and not {part!r}")
    first = int(found[1])
    last = first if found[2] is None else int(found[2]) if found[2] else None
    if first < 1:
        raise InvalidPages("pages are counted from 1")
    if last is not None and last < first:
        raise InvalidPages(f"{part!r} runs backwards")
    return first, last


def _part(part: str, count: int) -> range:
    first, end = _bounds(part)
    last = count if end is None else end
    for number in (first, last):
        if number > count:
            raise InvalidPages(
                f"there is no page {number}: the document has {count}",
                limit=count,
                actual=number,
                page=number,
            )
    return range(first, last + 1)
