"""What the routes of documents take and give, for the OpenAPI document."""

from typing import Any

from medley.results import AnalysisOptions, ExtractionOptions, Job
from pydantic import BaseModel, Field

from medley_server.schemas.fields import Record


class DocumentErrorBody(Record):
    """``code`` is stable; ``details`` holds what an error carries besides its text."""

    message: str
    type: str
    param: str | None
    code: str | None
    page: int | None
    retryable: bool
    request_id: str
    details: dict[str, Any] = Field(default_factory=dict)


class DocumentErrorAnswer(Record):
    error: DocumentErrorBody


class JobPage(Record):
    """A caller's jobs, newest first, without their results; `before` asks for the next page."""

    jobs: list[Job]
    before: str | None


def body_of(options: type[BaseModel]) -> dict[str, Any]:
    """The two ways to send a document with options."""
    schema = options.model_json_schema(by_alias=True)
    fields = _written_out(schema["properties"], schema.get("$defs", {}))
    required = ["file", *schema.get("required", [])]

    def described(file: dict[str, Any]) -> dict[str, Any]:
        return {
            "schema": {
                "type": "object",
                "properties": {"file": file, **fields},
                "required": required,
                "additionalProperties": False,
            }
        }

    in_form = described({"type": "string", "format": "binary"})
    text = {"type": "string", "format": "byte", "description": "Base64, or a data URL."}
    content = {"multipart/form-data": in_form, "application/json": described(text)}
    return {"requestBody": {"required": True, "content": content}}


def _written_out(schema: Any, names: dict[str, Any]) -> Any:
    """With what it refers to in its place: these schemas are part of no model of the document."""
    if isinstance(schema, list):
        return [_written_out(inner, names) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    whole = names.get(name, {}) | {key: one for key, one in schema.items() if key != "$ref"}
    return {key: _written_out(one, names) for key, one in whole.items()}


EXTRACT_BODY = body_of(ExtractionOptions)
ANALYZE_BODY = body_of(AnalysisOptions)
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
