"""Text from outside stays text, as a parser of Markdown and one of YAML see it."""

import math

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from medley_registry.exchange.markdown import (
    code,
    license_of,
    quoted,
    table,
    yaml_number,
    yaml_text,
)
from medley_registry.inert import inert

HOSTILE = [
    "",
    " ",
    "`",
    "``` `",
    "a `code` b",
    "a|b",
    "\\|",
    "\\",
    "---\nlicense: mit",
    "# heading",
    "[a](https://example.org)",
    "https://example.org",
    "<script>alert(1)</script>",
    "<!-- ",
    "&lt;",
    "\x1b[31mred",
    "\u202egnp.exe",
    "\u2028line",
]


def parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens if token.children for child in token.children]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_code_and_nothing_else(text: str) -> None:
    found = inline(parse(f"before {code(text)} after"))

    assert [token.type for token in found] == ["text", "code_inline", "text"]
    assert found[1].content.strip() == inert(text).strip()


@given(st.text())
@example("`` ` ``")
def test_any_text_is_code_and_nothing_else(text: str) -> None:
    found = inline(parse(f"before {code(text)} after"))

    assert [token.type for token in found] == ["text", "code_inline", "text"]


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=3))
def test_any_text_stays_in_its_cell(rows: list[tuple[str, str]]) -> None:
    tokens = parse(table(("a", "b"), rows))

    assert {token.type for token in tokens if token.level == 0} == {"table_open", "table_close"}
    cells = [token for token in tokens if token.type == "inline"][2:]
    assert len(cells) == 2 * len(rows)
    for cell, text in zip(cells, [text for row in rows for text in row], strict=True):
        assert [child.type for child in cell.children or []] == ["code_inline"]
        assert cell.content.count("|") == inert(text).count("|")


@given(st.text())
@example("</blockquote>")
@example("```\nnever closed")
@example("<!-- never closed")
@example("---\nlicense: mit\n---\n")
@example("a\r# b\r\n# c\n\n# d")
def test_a_quotation_cannot_be_left(readme: str) -> None:
    tokens = parse(f"## Before\n\n{quoted(readme)}\n## After\n")

    outside = [token.type for token in tokens if token.level == 0 and token.type != "inline"]
    assert outside == [
        *("heading_open", "heading_close"),
        *("blockquote_open", "blockquote_close"),
        *("heading_open", "heading_close"),
    ]
    kinds = {token.type for token in [*tokens, *inline(tokens)]}
    assert not kinds & {"html_block", "html_inline"}


@given(st.text())
def test_any_text_is_one_scalar(text: str) -> None:
    assert yaml.safe_load(f"a: {yaml_text(text)}\nb: 1\n") == {"a": inert(text), "b": 1}


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e-07)
@example(1e22)
def test_any_number_is_a_number(value: float) -> None:
    read = yaml.safe_load(yaml_number(value))

    assert isinstance(read, float)
    assert math.isclose(read, value, rel_tol=0, abs_tol=0)


@pytest.mark.parametrize(
    ("readme", "found"),
    [
        ("---\nlicense: apache-2.0\n---\n# a", "apache-2.0"),
        ("---\r\ntags: []\r\nlicense: mit\r\n---\r\n", "mit"),
        ("# a\n---\nlicense: mit\n---\n", None),
        ("---\nlicense: mit\n", None),
        ("---\nlicense: [mit]\n---\n", None),
        ('---\nlicense: mit\\", evil: \\"\n---\n', None),
        ("", None),
    ],
)
def test_a_license_is_taken_from_front_matter_if_it_is_plain(
    readme: str, found: str | None
) -> None:
    assert license_of(readme) == found
