"""The source that a configuration names, read."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

from medley.records import DocumentType

from medley_training.data.config import DataConfig
from medley_training.data.labelled import LabelledExample
from medley_training.data.sources.demo_notes import demo_notes
from medley_training.data.sources.documents import load_documents
from medley_training.data.sources.jsonl import load_jsonl
from medley_training.data.sources.medmcqa import load_medmcqa
from medley_training.data.sources.notes import load_notes
from medley_training.data.sources.pubmedqa import load_pubmedqa
from medley_training.data.sources.segments import load_segments
from medley_training.documents.styles import STYLES

GENERATED_PER_SITE = 100
"""How many examples of a generated source each site has unless its configuration says."""


def load_source(config: DataConfig, sites: Sequence[str], seed: int) -> tuple[LabelledExample, ...]:
    """All examples of the source, copies included, in an order that depends on nothing else.

    Args:
        config: Which source.
        sites: The run's sites; sources that are generated make examples for each.
        seed: Decides what is generated; files are read the same whatever it is.

    Raises:
        BadSource: The source's files are missing or not in their form.
        BadExample: A line of a JSON-lines file is not a chat.
        RecipeError: A site's documents are asked for in a style that there is not.
    """
    match config.source:
        case "demo_notes":
            per_site = config.examples_per_site or GENERATED_PER_SITE
            return demo_notes(seed, count=per_site * len(sites))
        case "documents" | "segments":
            return _documents(config, sites, seed)
        case "jsonl":
            return load_jsonl(_path(config))
        case "medmcqa":
            return load_medmcqa(_path(config))
        case "notes":
            return load_notes(_path(config), task=config.notes_task)
        case "pubmedqa":
            return load_pubmedqa(
                _path(config), label=config.pubmedqa_label, official_test=config.official_test
            )


def _path(config: DataConfig) -> Path:
    assert config.path is not None, "the configuration checks that"
    return config.path


def _documents(config: DataConfig, sites: Sequence[str], seed: int) -> tuple[LabelledExample, ...]:
    per_site = config.examples_per_site or GENERATED_PER_SITE
    types = config.document_types or tuple(DocumentType)
    if config.source == "segments":
        return load_segments(
            seed, sites=sites, per_site=per_site, document_types=types, lexicon=config.lexicon
        )
    by_site = config.partition == "by_site"
    # A pool has documents of all styles in equal parts, whomever they are dealt to.
    return load_documents(
        seed,
        styles=sites if by_site else STYLES,
        count=per_site if by_site else ceil(per_site * len(sites) / len(STYLES)),
        document_types=types,
        lexicon=config.lexicon,
    )
