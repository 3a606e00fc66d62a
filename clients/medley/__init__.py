"""Medley: the SDK and the `medley` command.

What is named here is imported when it is first used, so that the command does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medley.adapters import Adapters
    from medley.async_adapters import AsyncAdapters
    from medley.async_client import AsyncClient
    from medley.chats import ChatAnswer
    from medley.client import Client
    from medley.errors import (
        AdmissionRefused,
        AliasProtected,
        BadRequest,
        BlankDocument,
        Conflict,
        ContentMismatch,
        DeadlineExceeded,
        EncryptedDocument,
        Forbidden,
        IdempotencyConflict,
        InvalidArgument,
        JobCancelled,
        MedleyError,
        NotFound,
        NotNow,
        OutputUnusable,
        Refusal,
        ResultExpired,
        SchemaUnsupported,
        ServerFailed,
        SignatureRefused,
        StaleGeneration,
        StaleRevision,
        StillRunning,
        TooLarge,
        TooManyPages,
        Unacceptable,
        Unauthenticated,
        UnexpectedAnswer,
        Unreachable,
        UnsupportedMediaType,
        UnusableDocument,
    )
    from medley.results import Extraction, Job
    from medley.server_calls import Health, ListedModel
    from medley.streams import AsyncTextStream, TextStream
    from medley.wire import ListedAdapter, Revoked, SteeredAlias

__all__ = [
    "Adapters",
    "AdmissionRefused",
    "AliasProtected",
    "AsyncAdapters",
    "AsyncClient",
    "AsyncTextStream",
    "BadRequest",
    "BlankDocument",
    "ChatAnswer",
    "Client",
    "Conflict",
    "ContentMismatch",
    "DeadlineExceeded",
    "EncryptedDocument",
    "Extraction",
    "Forbidden",
    "Health",
    "IdempotencyConflict",
    "InvalidArgument",
    "Job",
    "JobCancelled",
    "ListedAdapter",
    "ListedModel",
    "MedleyError",
    "NotFound",
    "NotNow",
    "OutputUnusable",
    "Refusal",
    "ResultExpired",
    "Revoked",
    "SchemaUnsupported",
    "ServerFailed",
    "SignatureRefused",
    "StaleGeneration",
    "StaleRevision",
    "SteeredAlias",
    "StillRunning",
    "TextStream",
    "TooLarge",
    "TooManyPages",
    "Unacceptable",
    "Unauthenticated",
    "UnexpectedAnswer",
    "Unreachable",
    "UnsupportedMediaType",
    "UnusableDocument",
]

_ELSEWHERE = {
    "Adapters": "medley.adapters",
    "AsyncAdapters": "medley.async_adapters",
    "AsyncClient": "medley.async_client",
    "AsyncTextStream": "medley.streams",
    "ChatAnswer": "medley.chats",
    "Client": "medley.client",
    "Extraction": "medley.results",
    "Health": "medley.server_calls",
    "Job": "medley.results",
    "ListedAdapter": "medley.wire",
    "ListedModel": "medley.server_calls",
    "Revoked": "medley.wire",
    "SteeredAlias": "medley.wire",
    "TextStream": "medley.streams",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, "medley.errors")), name)


def __dir__() -> list[str]:
    return __all__
