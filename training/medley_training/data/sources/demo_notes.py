"""Made-up complaints as one-line reports: short examples with labels, for a quick run."""

from random import Random

from medley_training.data.examples import Example
from medley_training.data.labelled import LabelledExample
from medley_training.data.triage_notes import report, triage_complaints

MAX_BYTES = 200
DRAWN_PER_EXAMPLE = 8
"""Most complaints are longer than that."""


def demo_notes(seed: int, *, count: int) -> tuple[LabelledExample, ...]:
    """Draw `count` different examples of at most `MAX_BYTES`, prompt and completion together.

    A complaint is answered by the report that a triage note starts with. The label is the region
    of the body, and each complaint is a group of its own.
    """
    random = Random(f"{seed}/demo notes")  # noqa: S311 - made-up data, not a secret
    drawn = triage_complaints(random, count=count * DRAWN_PER_EXAMPLE)
    answered = (
        (prompt, complaint.region, report(complaint)) for prompt, complaint in drawn.items()
    )
    short = [
        LabelledExample(example=Example.exchange(prompt, text), label=region, group=prompt)
        for prompt, region, text in answered
        if len((prompt + text).encode()) <= MAX_BYTES
    ]
    return tuple(short[:count])
