"""The whole answer of `POST /extract`."""

from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from medley.results.document import DocumentSummary
from medley.results.rows import FoundRecord

Model = TypeVar("Model", bound=BaseModel)


class ExtractionStatus(StrEnum):
    """Whether all that was asked for was read; a part of it is never called a success."""

    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"


class ExtractionWarning(BaseModel):
    """Something that a person should know.

    Attributes:
        code: Such as ``factor_of_ten``; docs/extraction.md lists them.
        path: What it is about, such as ``labs[0].value``; empty for the whole document.
        message: One line for a person.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    path: str = ""
    message: str
    page: int | None = None


class Usage(BaseModel):
    """What it cost."""

    model_config = ConfigDict(frozen=True)

    input_tokens: int = 0
    image_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = 0.0
    queue_ms: float = 0.0
    phases_ms: dict[str, float] = {}


class ServedModel(BaseModel):
    """What answered.

    Attributes:
        adapter: Its reference, such as ``documents:3``; None where the base itself answered.
        adapter_digest: Of that version.
    """

    model_config = ConfigDict(frozen=True)

    base: str
    quantization: str | None = None
    adapter: str | None = None
    adapter_digest: str | None = None
    round: int | None = None
    schema_version: str = "1"
    engine: str | None = None


class Extraction(BaseModel):
    """What a document says, and how that was found out.

    Attributes:
        id: Of this answer.
        record: For the built-in types; None where the caller gave a schema of their own.
        data: What the caller's own schema asked for; `places` says where each leaf was read.
        places: A `Found` under its JSON pointer in `data`, such as ``/items/0/amount``.
        not_found: What was asked for and is not in the document.
        unreadable: Fields or regions that are seen and not legible.
        text: The pages' text, where it was asked for.
        fhir: A Bundle, where it was asked for.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    status: ExtractionStatus
    document: DocumentSummary
    record: FoundRecord | None = None
    data: Any = None
    places: dict[str, Any] = {}
    not_found: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    warnings: tuple[ExtractionWarning, ...] = ()
    text: str | None = None
    fhir: dict[str, Any] | None = None
    usage: Usage = Usage()
    model: ServedModel

    def data_as(self, kind: type[Model]) -> Model:
        """`data` as one of the caller's own pydantic models.

        Raises:
            ValueError: it is not like that, or no schema was given.
        """
        return kind.model_validate(self.data)
