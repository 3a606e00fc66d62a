"""What of a request decides which side it goes to."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medley_registry import Stick

if TYPE_CHECKING:
    from starlette.types import Scope

VERSION_HEADER = b"x-medley-version"
"""A tester's wish: ``stable``, ``canary``, or a version's number."""

DOCUMENTS = "/v1/extract"
"""Stands for every route that asks a version about a document."""

GENERATING = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/responses", DOCUMENTS})
"""Routes whose answers differ from version to version."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever asks, and what for.

    Attributes:
        model: the reference as it was sent.
        path: the route.
        key: the caller's name, which is his key's.
        user: whom the caller asks for, as OpenAI's `user` or `safety_identifier` says; else empty.
        wish: what the header for testers says; else empty.
        request_id: no two requests have the same.
    """

    model: str
    path: str
    key: str
    user: str = ""
    wish: str = ""
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(cls, scope: "Scope", request: Mapping[str, Any], *, key: str) -> "Asker":
        """Reads a request that has been let in."""
        users = (request.get("user"), request.get("safety_identifier"))
        user = next((one for one in users if isinstance(one, str) and one), "")
        wish = dict(scope["headers"]).get(VERSION_HEADER, b"").decode("latin-1").strip()
        return cls(request["model"], scope["path"], key, user, wish)

    def sticky(self, stick: Stick) -> str:
        """What stays on one side; a request that names no user is his who sent it."""
        if stick is Stick.REQUEST:
            return f"request {self.request_id}"
        if stick is Stick.USER and self.user:
            return f"user {self.user}"
        return f"key {self.key}"
