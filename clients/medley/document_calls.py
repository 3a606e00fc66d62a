"""The calls of `/v1/extract` and `/v1/analyze`, and an extraction from its call to its end."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from medley.answers import Answer, reading
from medley.calls import Call, Flow
from medley.chats import ChatAnswer, chat_answer
from medley.documents import Document, DocumentSource
from medley.errors import InvalidArgument, UnexpectedAnswer
from medley.job_calls import Progress, SeenJob, seen_job, waiting

if TYPE_CHECKING:
    from pydantic import BaseModel

    from medley.results import Extraction, Job

Schema: TypeAlias = Mapping[str, Any] | type["BaseModel"]

LONG_S = 900.0
"""How long a server may be silent over a document, where the caller sets no time."""
_MARGIN_S = 15.0
_ACCEPTED = 202


class ExtractOptions(TypedDict, total=False):
    """What may be asked for; docs/extraction.md has the whole story.

    Attributes:
        schema: a JSON Schema, or a pydantic model; None for the built-in record.
        document_type: `auto`, or a name of `medley.records.DocumentType`.
        adapter: a reference; None for the server's choice.
        pages: such as `1-3,5`; None for all.
        outputs: of `record`, `fhir`, `text`.
        grounding: what becomes of values that are not on the page: `required` leaves them out,
            `best_effort` marks them, `off` does not look.
        confidence_min: values less sure than that are marked for review.
        normalise: whether values get normal forms.
        deidentify: whether people's details are replaced in the text.
        mode: `sync`, `async` (as a job) or `auto` (as a job if it takes long).
        callback_url: told when a job is done.
        timeout_s: how long to wait for the result, jobs included; None for as long as it takes.
        idempotency_key: what the server knows this extraction by; made if there is none.
        progress: called with the job whenever something is heard of it.
    """

    schema: Schema | None
    document_type: str
    adapter: str | None
    pages: str | None
    outputs: Iterable[str]
    grounding: Literal["required", "best_effort", "off"]
    confidence_min: float
    normalise: bool
    deidentify: bool
    mode: Literal["sync", "async", "auto"]
    callback_url: str | None
    timeout_s: float | None
    idempotency_key: str | None
    progress: Progress | None


class AnalyzeOptions(TypedDict, total=False):
    """See `ExtractOptions`, and `ChatOptions` for the last two."""

    adapter: str | None
    pages: str | None
    max_tokens: int | None
    temperature: float


def extracting(
    file: DocumentSource, *, wait: bool, options: ExtractOptions
) -> "Flow[Extraction | Job]":
    """One extraction, from its call to its result; without `wait`, to its job."""
    started = time.monotonic()
    if not wait and options.setdefault("mode", "async") != "async":
        raise InvalidArgument("only mode 'async' need not be waited for", code="invalid_request")
    answer = yield extract(file, options)
    if not isinstance(answer, SeenJob):
        if not wait:
            raise UnexpectedAnswer("the server made no job of it, as it was asked to")
        result: Extraction = answer
        return result
    if not wait:
        return answer.job
    limit_s = options.get("timeout_s")
    until = None if limit_s is None else started + limit_s
    return (yield from waiting(answer, until=until, progress=options.get("progress")))


def extract(file: DocumentSource, options: ExtractOptions) -> "Call[Extraction | SeenJob]":
    """Its key lets the server see that it is the same again, so it may be sent again.

    Raises:
        InvalidArgument: an option is none, or has a value that it cannot have.
        OSError: the file cannot be read.
    """
    from medley.results import ExtractionOptions

    given = {n: o for n, o in options.items() if n not in ("idempotency_key", "progress")}
    outputs, schema = options.get("outputs"), options.get("schema")
    if isinstance(outputs, str):
        given["outputs"] = outputs.split(",")
    if isinstance(schema, type):
        given["schema"] = schema.model_json_schema()
    limit_s = options.get("timeout_s")
    return Call(
        method="POST",
        path="/v1/extract",
        read=_read_extraction,
        headers={"idempotency-key": options.get("idempotency_key") or uuid.uuid4().hex},
        body=_fields(ExtractionOptions, given),
        files={"file": Document.of(file)},
        is_repeatable=True,
        timeout_s=LONG_S if limit_s is None else limit_s + _MARGIN_S,
    )


def analyze(
    file: DocumentSource, prompt: str, *, stream: bool, options: AnalyzeOptions
) -> Call[ChatAnswer]:
    """Nothing changes by it, so it may be sent again.

    Raises:
        InvalidArgument: an option is none, or has a value that it cannot have.
        OSError: the file cannot be read.
    """
    from medley.results import AnalysisOptions

    return Call(
        method="POST",
        path="/v1/analyze",
        read=chat_answer,
        body=_fields(AnalysisOptions, {**options, "prompt": prompt, "stream": stream}),
        files={"file": Document.of(file)},
        is_repeatable=True,
        timeout_s=LONG_S,
    )


def _read_extraction(answer: Answer) -> "Extraction | SeenJob":
    from medley.results import Extraction

    if answer.status == _ACCEPTED:
        return seen_job(answer)
    return reading(Extraction.model_validate)(answer)


def _fields(kind: "type[BaseModel]", given: Mapping[str, Any]) -> dict[str, str]:
    """A form's fields; what the caller did not say is left to the server."""
    from pydantic import ValidationError

    try:
        options = kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise InvalidArgument(f"{name}: {first['msg']}", code="invalid_request") from error
    said = options.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    return {name: _FORMS.get(type(value), str)(value) for name, value in said.items()}


_FORMS: Mapping[type, Callable[[Any], str]] = {
    bool: json.dumps,
    dict: json.dumps,
    list: lambda values: ",".join(sorted(values)),
}
