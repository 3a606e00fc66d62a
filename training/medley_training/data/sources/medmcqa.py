"""MedMCQA: questions of Indian medical entrance exams with four options.

Pal, Umapathi and Sankarasubbu, "MedMCQA: A Large-scale Multi-Subject Multi-Choice Dataset for
Medical domain Question Answering", PMLR 174 (2022), arXiv:2203.14371. One JSON object per line.
"""

from pathlib import Path
from typing import Any

from medley_training.data.fingerprint import words_digest
from medley_training.data.labelled import LabelledExample
from medley_training.data.sources.choice import choice_example
from medley_training.data.sources.reading import file_in, json_lines, text_field
from medley_training.errors import BadSource

FILE = "dev.json"
OPTIONS = ("opa", "opb", "opc", "opd")


def load_medmcqa(path: Path) -> tuple[LabelledExample, ...]:
    """Read the questions of a file, or of ``dev.json`` in a folder; the label is the subject.

    The same question with other options is of the same group. A question whose right option is
    printed twice has no right answer to choose, and is left out.

    Raises:
        BadSource: The file is missing or a line is not a question.
    """
    file = file_in(path, FILE)
    found = (_question(line, f"{file}:{number}") for number, line in json_lines(file))
    return tuple(each for each in found if each is not None)


def _question(line: dict[str, Any], where: str) -> LabelledExample | None:
    question = text_field(line, "question", where).strip()
    options = tuple(text_field(line, option, where).strip() for option in OPTIONS)
    # The file counts its options from 1.
    right = line.get("cop")
    if isinstance(right, bool) or right not in (1, 2, 3, 4):
        raise BadSource(f"{where}: expected 1, 2, 3 or 4 in 'cop', found {right!r}")
    answer = int(right) - 1
    alike = [option.casefold().split() for option in options]
    if alike.count(alike[answer]) > 1:
        return None
    return LabelledExample(
        example=choice_example(question, options, answer),
        label=text_field(line, "subject_name", where).strip(),
        group=words_digest(question),
        choices=options,
        answer=answer,
    )
