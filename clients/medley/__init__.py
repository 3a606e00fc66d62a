"""Medley: the SDK and the `medley` command.

What is named here is imported when it is first used, so that the command does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medley.adapters import Adapters
    from medley.client import Client
    from medley.errors import (
        AdmissionRefused,
        AliasProtected,
        BadRequest,
        Conflict,
        ContentMismatch,
        Forbidden,
        InvalidArgument,
        MedleyError,
        NotFound,
        NotNow,
        Refusal,
        ServerFailed,
        SignatureRefused,
        StaleGeneration,
        TooLarge,
        Unacceptable,
        Unauthenticated,
        UnexpectedAnswer,
        Unreachable,
    )
    from medley.wire import ListedAdapter, Revoked

__all__ = [
    "Adapters",
    "AdmissionRefused",
    "AliasProtected",
    "BadRequest",
    "Client",
    "Conflict",
    "ContentMismatch",
    "Forbidden",
    "InvalidArgument",
    "ListedAdapter",
    "MedleyError",
    "NotFound",
    "NotNow",
    "Refusal",
    "Revoked",
    "ServerFailed",
    "SignatureRefused",
    "StaleGeneration",
    "TooLarge",
    "Unacceptable",
    "Unauthenticated",
    "UnexpectedAnswer",
    "Unreachable",
]

_ELSEWHERE = {
    "Adapters": "medley.adapters",
    "Client": "medley.client",
    "ListedAdapter": "medley.wire",
    "Revoked": "medley.wire",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, "medley.errors")), name)


def __dir__() -> list[str]:
    return __all__
