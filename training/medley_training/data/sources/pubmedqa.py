"""PubMedQA: is the question in an article's title answered by its abstract with yes, no or maybe?

Jin et al., "PubMedQA: A Dataset for Biomedical Research Question Answering", EMNLP 2019,
arXiv:1909.06146. ``ori_pqal.json`` holds the thousand questions labelled by experts,
``test_ground_truth.json`` the identifiers of the five hundred that the authors test on.
"""

from pathlib import Path
from typing import Any

from medley_training.data.config import PubMedQaLabel
from medley_training.data.fingerprint import words_digest
from medley_training.data.labelled import LabelledExample
from medley_training.data.sources.choice import choice_example
from medley_training.data.sources.excerpt import excerpt
from medley_training.data.sources.reading import file_in, json_file, text_field, text_list
from medley_training.errors import BadSource

FILE = "ori_pqal.json"
TEST_FILE = "test_ground_truth.json"
ANSWERS = ("yes", "no", "maybe")
MAX_CONTEXT = 1600
"""Characters of the abstract: some 400 tokens; two thirds of the abstracts are shorter."""

YOUNG = {"Infant, Newborn", "Infant", "Child, Preschool", "Child", "Adolescent"}
GROWN = {"Young Adult", "Adult", "Middle Aged"}
OLD = {"Aged", "Aged, 80 and over"}


def load_pubmedqa(
    path: Path, *, label: PubMedQaLabel = "answer", official_test: bool = False
) -> tuple[LabelledExample, ...]:
    """Read the labelled questions; each abstract is cut to `MAX_CONTEXT` characters.

    Args:
        path: The folder, or ``ori_pqal.json`` itself.
        label: ``answer`` is yes, no or maybe; ``patients`` is whom the article is about, by its
            MeSH check tags, which is how departments differ.
        official_test: Mark the questions of ``test_ground_truth.json``, which lies beside.

    Raises:
        BadSource: A file is missing or not in its form.
    """
    file = file_in(path, FILE)
    tests = json_file(file_in(file.parent, TEST_FILE)).keys() if official_test else set()
    questions = json_file(file)
    unknown = sorted(tests - questions.keys())
    if unknown:
        raise BadSource(f"{file} lacks the test question {unknown[0]} of {TEST_FILE}")
    return tuple(
        _question(found, f"{file}: question {name}", label=label, is_test=name in tests)
        for name, found in questions.items()
    )


def _question(found: Any, where: str, *, label: PubMedQaLabel, is_test: bool) -> LabelledExample:
    if not isinstance(found, dict):
        raise BadSource(f"{where}: expected an object")
    question = text_field(found, "QUESTION", where).strip()
    decision = text_field(found, "final_decision", where)
    if decision not in ANSWERS:
        raise BadSource(f"{where}: expected yes, no or maybe in 'final_decision', not {decision!r}")
    context = excerpt("\n".join(text_list(found, "CONTEXTS", where)), MAX_CONTEXT)
    answer = ANSWERS.index(decision)
    return LabelledExample(
        example=choice_example(f"{context}\n\n{question}", ANSWERS, answer),
        label=decision if label == "answer" else patients(text_list(found, "MESHES", where)),
        group=words_digest(question),
        choices=ANSWERS,
        answer=answer,
        is_test=is_test,
    )


def patients(headings: list[str]) -> str:
    """Whom an article is about: the first that fits of its MeSH check tags."""
    tags = set(headings)
    if "Humans" not in tags:
        return "no humans"
    if tags & {"Pregnancy", "Infant, Newborn"}:
        return "mothers and newborns"
    if tags & YOUNG and not tags & (GROWN | OLD):
        return "children"
    if tags & YOUNG:
        return "all ages"
    if tags & OLD:
        return "adults, the old among them"
    return "adults" if tags & GROWN else "humans of no stated age"
