"""The calls about the server itself: what it offers, and how it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medley.answers import listed, reading
from medley.calls import Call, get


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """Something that can be asked for as `model`.

    Attributes:
        id: what to ask for.
        kind: `base`, `alias` or `version`.
        version: the reference of the version that answers; of a base its name.
        digest: of that version.
    """

    id: str
    kind: str
    version: str
    digest: str | None
    round: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a server is.

    Attributes:
        is_ready: whether its engine lives.
        status: the same in words.
        base: the base model's name.
        facts: everything that the server says of itself (docs/serving.md).
    """

    is_ready: bool
    status: str
    base: str
    facts: Mapping[str, Any]


def models() -> Call[tuple[ListedModel, ...]]:
    return get("/v1/models", listed("data", _model))


def health() -> Call[Health]:
    return Call(
        method="GET",
        path="/health",
        read=reading(_health),
        is_repeatable=True,
        accepts=frozenset({503}),
    )


def benchmark() -> Call[Mapping[str, Any]]:
    return get("/v1/benchmark", reading(dict[str, Any]))


def _model(value: Any) -> ListedModel:
    return ListedModel(
        id=value["id"],
        kind=value.get("kind", "base"),
        version=value.get("root") or value["id"],
        digest=value.get("digest"),
        round=value.get("round"),
    )


def _health(value: Any) -> Health:
    return Health(
        is_ready=value["ready"], status=value["status"], base=value["base"]["name"], facts=value
    )
