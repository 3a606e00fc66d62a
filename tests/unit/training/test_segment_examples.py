"""Segments to learn from: answers that can be copied from their questions, alike for a seed."""

import json

from medley.records import DocumentType
from medley.segments import rows_in
from medley_training.data.sources.segments import CONCLUDED, load_segments

SITES = ("lakeside", "harbor", "nordhafen")


def made(seed: int) -> list[tuple[str, str]]:
    found = load_segments(seed, sites=SITES, per_site=24, document_types=tuple(DocumentType))
    return [(each.example.messages[1].content, each.example.messages[2].content) for each in found]


def test_the_same_seed_makes_the_same_segments() -> None:
    assert made(5) == made(5)
    assert made(5) != made(6)


def test_every_copied_value_stands_in_its_question() -> None:
    for question, answer in made(5):
        for row in rows_in(answer):
            for field, value in row.fields.items():
                assert field in CONCLUDED or value is True or str(value) in question


def test_most_segments_say_something_and_some_say_nothing() -> None:
    nothing = sum(json.loads(answer) == {} for _, answer in made(5))

    assert 0.05 * 72 < nothing < 0.4 * 72
