"""Every error the server raises, and what each looks like over HTTP.

::

    ServerError
    ├── Rejected                 the request cannot be served as it is
    │   ├── BadRequest           400  not JSON, or `model` is not text
    │   ├── Unauthorized         401  no key, or a wrong one
    │   ├── ModelNotFound        404  no such base, adapter, version or alias here
    │   ├── RouteNotFound        404  a route that is not on the allow-list
    │   └── BodyTooLarge         413
    ├── AdapterUnavailable       503  known, but it cannot be loaded now; says why
    └── CannotStart              the server refuses to start; exit code 1

Status codes live in this table alone; the body is OpenAI's error object.
"""

from typing import ClassVar


class ServerError(Exception):
    """Base of all; its text is one line for a person."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = None
    param: ClassVar[str | None] = None

    def body(self) -> dict[str, object]:
        """OpenAI's error object: `{"error": {message, type, param, code}}`."""
        return {
            "error": {
                "message": str(self),
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }


class Rejected(ServerError):
    status: ClassVar[int] = 400
    kind: ClassVar[str] = "invalid_request_error"


class BadRequest(Rejected):
    pass


class Unauthorized(Rejected):
    status: ClassVar[int] = 401
    code: ClassVar[str | None] = "invalid_api_key"


class ModelNotFound(Rejected):
    """Carries the nearest names that are served, as its text does."""

    status: ClassVar[int] = 404
    code: ClassVar[str | None] = "model_not_found"
    param: ClassVar[str | None] = "model"

    def __init__(self, model: str, *, because: str = "", nearest: tuple[str, ...] = ()) -> None:
        self.nearest = nearest
        reason = f" ({because})" if because else ""
        hint = f" Nearest: {', '.join(f'`{name}`' for name in nearest)}." if nearest else ""
        super().__init__(f"The model `{model}` does not exist{reason}.{hint}")


class RouteNotFound(Rejected):
    status: ClassVar[int] = 404
    code: ClassVar[str | None] = "route_not_found"


class BodyTooLarge(Rejected):
    status: ClassVar[int] = 413
    code: ClassVar[str | None] = "body_too_large"


class AdapterUnavailable(ServerError):
    status: ClassVar[int] = 503
    kind: ClassVar[str] = "service_unavailable_error"
    code: ClassVar[str | None] = "adapter_unavailable"


class CannotStart(ServerError):
    pass
