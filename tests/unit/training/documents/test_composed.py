"""Forms that are composed of parts: none is what extraction is measured by, and all can be read."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from random import Random
from typing import Any

import pytest
from medley.records import DocumentType
from medley_training.documents.composed import composed_figures, composed_flags, composed_line
from medley_training.documents.document import generate
from medley_training.documents.styles import STYLES
from medley_training.documents.variation import style_of

from tests.bench.segment_coverage import counts

SECTIONS = ("medications", "infusions", "labs", "vitals", "procedures")


def parts(name: str) -> Any:
    text = files("medley_training.documents.styles").joinpath(name).read_text("utf-8")
    return tomllib.loads(text)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.casefold()
    else:
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)


def test_no_part_is_in_the_pool_that_extraction_is_measured_by() -> None:
    held_out = set(strings(parts("pools.toml")["away"]))

    assert set(strings(parts("parts.toml"))) & held_out == {""}


def test_no_composed_form_is_one_that_extraction_is_measured_by() -> None:
    away = parts("pools.toml")["away"]
    lines = {line for all_ in away["lines"].values() for line in all_}
    flags = {tuple(sorted(each.values())) for each in away["flags"]}

    for seed in range(400):
        random = Random(seed)
        assert composed_figures(random)["range"] not in away["figures"]["range"]
        assert tuple(sorted(composed_flags(random).values())) not in flags
        assert not {composed_line(section, random) for section in SECTIONS} & lines


@pytest.mark.parametrize("site", STYLES)
def test_a_composed_style_is_the_same_each_time_and_unlike_the_next(site: str) -> None:
    assert style_of(f"{site}~mixed3").forms == style_of(f"{site}~mixed3").forms
    assert style_of(f"{site}~mixed3").forms != style_of(f"{site}~mixed4").forms


def test_what_composed_documents_say_is_in_their_segments() -> None:
    held = said = 0
    for number, site in enumerate(STYLES):
        found = counts(
            generate(
                7,
                document_type=list(DocumentType)[number % len(DocumentType)],
                style=f"{site}~mixed{number}",
                number=number,
                length="full",
            )
        )
        held += found.true_positive
        said += found.true_positive + found.false_negative

    assert held / said > 0.95
