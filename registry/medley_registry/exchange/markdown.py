"""Text from outside, put into Markdown and YAML so that it stays text.

A name or a note must not become a link, a heading, HTML or a field of the front matter, in any of
the dialects that read model cards (CommonMark, GitHub's, YAML 1.1 and 1.2).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from medley_registry.inert import inert

_BACKTICKS = re.compile("`+")
# Where CommonMark lets an HTML construct begin: a tag, a closing tag, a comment or declaration.
_HTML = re.compile(r"<(?=[A-Za-z/!?])")
_FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
_LICENSE = re.compile(r"^license:[ ]*([a-z0-9][a-z0-9.+-]{1,40})[ ]*$", re.MULTILINE)


def code(text: object) -> str:
    """A code span, in which nothing is markup; its fence is longer than any within."""
    shown = inert(str(text))
    fence = "`" * (max(map(len, _BACKTICKS.findall(shown)), default=0) + 1)
    # Without padding, a backtick at an end would join the fence, and nothing would be no span.
    pad = " " if not shown or shown[0] in " `" or shown[-1] in " `" else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose cells are code; it ends with a line break."""
    return _table(columns, ([_cell(cell) for cell in row] for row in rows))


def facts(columns: tuple[str, str], values: Mapping[str, object]) -> str:
    """A table of our own words, and what each of them is, which is code."""
    return _table(columns, ([name, _cell(value)] for name, value in values.items()))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object) -> str:
    # A bar ends a cell even within code, unless it is escaped.
    return code(value).replace("|", r"\|")


def yaml_text(text: object) -> str:
    """A double-quoted scalar, which JSON and YAML read alike."""
    return json.dumps(inert(str(text)), ensure_ascii=False)


def yaml_number(value: float) -> str:
    """A float that YAML 1.1 reads as one too: there, ``1e-07`` is text."""
    mantissa, e, exponent = repr(float(value)).partition("e")
    return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else f"{mantissa}{e}{exponent}"


def quoted(readme: str) -> str:
    """Somebody else's Markdown as a quotation that it cannot leave; tags in it are shown."""
    body = _FRONT_MATTER.sub("", _lines(readme))
    shown = _HTML.sub("&lt;", body)
    lines = (inert(line.expandtabs(4)) for line in shown.strip("\n").split("\n"))
    return "".join(f"> {line}".rstrip() + "\n" for line in lines)


def license_of(readme: str) -> str | None:
    """The licence that a model card names in its front matter, if it is a plain identifier."""
    front_matter = _FRONT_MATTER.match(_lines(readme))
    found = _LICENSE.search(front_matter[0]) if front_matter else None
    return found[1] if found else None


def _lines(text: str) -> str:
    """With one kind of line break; every other stays and is made inert."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
