"""What data a run learns from and how it is spread over the sites, as a recipe says it."""

from pathlib import Path
from typing import Literal, TypeAlias

from medley.records import DocumentType
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

Source: TypeAlias = Literal[
    "demo_notes", "documents", "jsonl", "medmcqa", "notes", "pubmedqa", "segments"
]
PartitionRule: TypeAlias = Literal["by_site", "by_label", "by_quantity"]
NotesTask: TypeAlias = Literal["name_section", "write_section"]
PubMedQaLabel: TypeAlias = Literal["answer", "patients"]

MADE_UP: tuple[Source, ...] = ("demo_notes", "documents", "segments")
"""The sources that are generated and so need no path."""
ONLY_FOR: dict[str, tuple[Source, ...]] = {
    "lexicon": ("documents", "segments"),
    "document_types": ("documents", "segments"),
    "notes_task": ("notes",),
    "official_test": ("pubmedqa",),
    "pubmedqa_label": ("pubmedqa",),
}


class DataConfig(BaseModel):
    """The ``[data]`` table of a recipe.

    Attributes:
        source: Where the examples come from.
        path: The file or folder of a source that is read; none for one that is generated.
        partition: ``by_site`` keeps the sites that the data has; ``by_label`` and ``by_quantity``
            spread a pool over the run's sites with a Dirichlet draw.
        alpha: The concentration of that draw: near 0 a label lies at one site, large is even.
        min_per_site: The draw is repeated until each site has so many examples, those included that
            are withheld or held out later. Repeating it favours even draws; the report says how
            many it took.
        examples_per_site: How many examples are used, for each site; with a Dirichlet draw the
            pool's size is this times the number of sites. None: all there are.
        held_out_share: The share of each site's examples that is kept for evaluation.
        root_share: The share of each site's examples withheld for the coordinator.
        official_test: Hold out what the authors of the data set hold out, not a share.
        pubmedqa_label: Whether a question's label is its answer or the patients it is about.
        notes_task: Name the section that a text is from, or write a section from a conversation.
        lexicon: A folder of larger vocabularies for generated documents.
        document_types: The types to generate; empty means all.

    Raises:
        ValidationError: A value is outside its range or belongs to another source.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    source: Source
    path: Path | None = None
    partition: PartitionRule = "by_site"
    alpha: PositiveFloat = 0.5
    min_per_site: PositiveInt = 10
    examples_per_site: PositiveInt | None = None
    held_out_share: float = Field(default=0.2, ge=0, lt=1)
    root_share: float = Field(default=0.0, ge=0, lt=1)
    official_test: bool = False
    pubmedqa_label: PubMedQaLabel = "answer"
    notes_task: NotesTask = "name_section"
    lexicon: Path | None = None
    document_types: tuple[DocumentType, ...] = ()

    @model_validator(mode="after")
    def _belongs_together(self) -> "DataConfig":
        if self.source in MADE_UP and self.path is not None:
            raise ValueError(f"{self.source} are generated: leave path out")
        if self.source not in MADE_UP and self.path is None:
            raise ValueError(f"{self.source} needs a path")
        for field, sources in ONLY_FOR.items():
            is_default = getattr(self, field) == type(self).model_fields[field].default
            if self.source not in sources and not is_default:
                known = " and ".join(sources)
                raise ValueError(f"{field} is only for the source {known}, not {self.source}")
        return self
