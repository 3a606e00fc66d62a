"""A folder with everything that was asked and answered, for people and for the next evaluation.

The documents that were asked about may be in it, so its files are their owner's alone.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from medley_registry.canonical import Json

from medley_training.errors import BadSource
from medley_training.suites.answer import Answer
from medley_training.suites.outcome import Outcome

ANSWERS = "answers.jsonl"
METRICS = "metrics.json"
_OWNER_ONLY = 0o600

Answers = dict[tuple[str, str], list[Answer]]
"""By the suite's digest and the model's name."""


def write_answers(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Write ``answers.jsonl``: an answer a line, with its suite and model."""
    folder.mkdir(parents=True, exist_ok=True)
    with _private(folder / ANSWERS) as lines:
        for outcome in outcomes:
            of = {
                "suite": outcome.suite,
                "suite_digest": str(outcome.suite_digest),
                "model": outcome.model.name,
            }
            for answer in outcome.answers:
                lines.write(json.dumps({**of, **answer.to_json()}, ensure_ascii=False) + "\n")


def write_metrics(folder: Path, found: Json) -> None:
    """Write ``metrics.json``: what the command prints with ``--json``."""
    folder.mkdir(parents=True, exist_ok=True)
    with _private(folder / METRICS) as file:
        file.write(json.dumps(found, indent=2) + "\n")


def _private(path: Path) -> TextIO:
    """A new file that its owner alone may read, in the place of one that was there."""
    path.unlink(missing_ok=True)
    path.touch(mode=_OWNER_ONLY, exist_ok=False)
    return path.open("w", encoding="utf-8", newline="\n")


def read_answers(folder: Path) -> Answers:
    """The answers that `write_answers` wrote.

    Raises:
        BadSource: There are none, or a line is none.
    """
    path = folder / ANSWERS
    found: Answers = {}
    number = 0
    try:
        for line in path.read_text(encoding="utf-8").split("\n"):
            number += 1
            if not line:
                continue
            value = json.loads(line)
            of = (value["suite_digest"], value["model"])
            found.setdefault(of, []).append(Answer.from_json(value))
    except OSError as error:
        raise BadSource(f"{path} cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise BadSource(f"{path}:{number}: no answer: {error!r}") from error
    return found


def previous(answers: Answers, outcome: Outcome) -> tuple[str, list[Answer]] | None:
    """Earlier answers to an outcome's very suite: the same model's, else the only model's."""
    digest, name = str(outcome.suite_digest), outcome.model.name
    of_suite = {model: given for (suite, model), given in answers.items() if suite == digest}
    if name in of_suite:
        return name, of_suite[name]
    return next(iter(of_suite.items())) if len(of_suite) == 1 else None
