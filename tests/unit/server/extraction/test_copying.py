"""What a model that copies may write: pieces of the text, and nothing else."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley.segments import ANSWER_SCHEMA
from medley_server.extraction.copying import can_copy
from medley_server.extraction.grammar import grammar_of

ROW = "Rx Citalopram 10 mg via PO <begun today> | Result: 5.9mmol/L | Flag: H"
NAME = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


def accepts(text: str, value: str, schema: Any = NAME) -> bool:
    import xgrammar
    from xgrammar.testing import _is_grammar_accept_string

    grammar = xgrammar.Grammar.from_ebnf(grammar_of(schema, copied_from=text))
    answer = json.dumps({"name": value}, ensure_ascii=False, separators=(",", ":"))
    return bool(_is_grammar_accept_string(grammar, answer))


@pytest.mark.parametrize(
    "piece", ["Citalopram", "10 mg", "begun today", "5.9", "mmol/L", "H", "<begun today>"]
)
def test_what_stands_there_can_be_copied(piece: str) -> None:
    assert accepts(ROW, piece)


@pytest.mark.parametrize(
    ("invented", "why"),
    [
        ("Ritalopram", "a name that is not there"),
        ("Citalopra", "a part of a word"),
        ("10  mg", "other white space"),
        ("10 mg ", "a space at its end"),
        ("10 PO", "words that do not follow each other"),
        ("today> | Result", "cells together"),
        ("", "nothing"),
    ],
)
def test_nothing_else_can_be_written(invented: str, why: str) -> None:
    assert not accepts(ROW, invented), why


@given(st.text(min_size=1, max_size=30).filter(can_copy))
def test_whatever_signs_a_text_has_its_first_word_can_be_copied(text: str) -> None:
    text = " ".join(text.replace("|", " ").split())
    first = re.findall(r"\d+|[^\W\d]+|[^\w\s]", text)[0]

    assert accepts(text, first)
    assert accepts(text, text)


def test_closed_lists_stay_closed() -> None:
    grammar = grammar_of(ANSWER_SCHEMA, copied_from=ROW)

    assert '"\\"discontinued\\""' in grammar


def test_where_there_is_nothing_to_copy_strings_are_free() -> None:
    assert grammar_of(NAME, copied_from=" | ") == grammar_of(NAME)
