"""The suites by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medley.records import DocumentType
from medley_registry import BaseModel

from medley_training.data.formatting import ChatTokenizer
from medley_training.data.sources.medmcqa import load_medmcqa
from medley_training.data.sources.pubmedqa import load_pubmedqa
from medley_training.errors import BadSuite
from medley_training.suites.choices import ChoiceSuite, drawn
from medley_training.suites.document_set import PER_SITE, made_up, read_documents
from medley_training.suites.extraction import MAX_TOKENS, ExtractionSuite
from medley_training.suites.golden import golden_prompts
from medley_training.suites.harness import HarnessSuite
from medley_training.suites.prompts import PromptSuite
from medley_training.suites.suite import Suite

SUITES = ("extraction", "medmcqa", "pubmedqa", "prompts")
HARNESS = "lm-eval:"
_FILES = {"medmcqa": "dev.json", "pubmedqa": "ori_pqal.json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What of the suites is asked.

    Attributes:
        data: Where a suite's items are, by its name.
        limit: At most so many items; of documents, so many of each site.
        sites: Whose documents; all if empty.
        types: Which kinds of document; all if empty.
        seed: Which documents are made up, and which questions a limit leaves.
        max_tokens: An extraction ends here at the latest.
    """

    data: Mapping[str, Path] = field(default_factory=dict)
    limit: int | None = None
    sites: Sequence[str] = ()
    types: Sequence[DocumentType] = ()
    seed: int = 0
    max_tokens: int = MAX_TOKENS


def open_suite(name: str, selection: Selection, base: BaseModel) -> Suite:
    """The suite of that name.

    Args:
        name: One of `SUITES`, or ``lm-eval:`` and a task of the harness.
        selection: What of it.
        base: Whose tokenizer multiple choice needs.

    Raises:
        BadSuite: There is no such suite, or it needs data of one's own.
        BadSource: The data is missing or not in its form.
        RecipeError: There is no such site.
    """
    path, limit = selection.data.get(name), selection.limit
    if name.startswith(HARNESS):
        return HarnessSuite(name.removeprefix(HARNESS), base.path, limit, selection.seed)
    match name:
        case "extraction":
            return _extraction(path, selection)
        case "prompts":
            return PromptSuite(golden_prompts(path)[:limit])
        case "medmcqa" | "pubmedqa":
            return _choices(name, path, selection, base)
    known = ", ".join([*SUITES, f"{HARNESS}TASK"])
    raise BadSuite(f"no suite {name!r}; there are {known}")


def _extraction(path: Path | None, selection: Selection) -> ExtractionSuite:
    sites, types = selection.sites, selection.types
    if path is not None:
        found = read_documents(path, sites=sites, types=types, per_site=selection.limit)
    else:
        per_site = PER_SITE if selection.limit is None else selection.limit
        found = made_up(selection.seed, sites=sites, types=types, per_site=per_site)
    return ExtractionSuite(found, selection.max_tokens)


def _choices(name: str, path: Path | None, selection: Selection, base: BaseModel) -> ChoiceSuite:
    if path is None:
        raise BadSuite(f"{name} needs --data {name}=DIR, a folder that holds {_FILES[name]}")
    load = load_medmcqa if name == "medmcqa" else load_pubmedqa
    questions = drawn(load(path), limit=selection.limit, seed=selection.seed)
    return ChoiceSuite(name, questions, _tokenizer(base))


def _tokenizer(base: BaseModel) -> ChatTokenizer:
    from transformers import AutoTokenizer

    found: ChatTokenizer = AutoTokenizer.from_pretrained(base.path)
    return found
