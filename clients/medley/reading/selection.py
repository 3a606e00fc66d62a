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
    if len(asked) > _MAX_LENGTH:
        raise InvalidPages(f"the selection of pages is longer than {_MAX_LENGTH} characters")
    parts = [part.strip() for part in asked.split(",")]
    return tuple(sorted(set(chain.from_iterable(_part(part, count) for part in parts))))


def _part(part: str, count: int) -> range:
    found = _PART.fullmatch(part) if part.isascii() else None
    if found is None:
        raise InvalidPages(f"pages are written like 1-3,5 and not {part!r}")
    first = int(found[1])
    last = first if found[2] is None else int(found[2] or count)
    if first < 1:
        raise InvalidPages("pages are counted from 1")
    for number in (first, last):
        if number > count:
            raise InvalidPages(
                f"there is no page {number}: the document has {count}",
                limit=count,
                actual=number,
                page=number,
            )
    if last < first:
        raise InvalidPages(f"{part!r} runs backwards")
    return range(first, last + 1)
