"""Every error the server raises, and what each error looks like over HTTP, the registry's too.

::

    ServerError
    ├── Rejected                 the request cannot be served as it is
    │   ├── BadRequest           400  not JSON, or not what the route takes
    │   │   ├── FieldForbidden        a field that reaches beyond the caller's own request
    │   │   └── ImageSourceForbidden  a picture, sound or video from a host that is not listed
    │   ├── Unauthorized         401  no key, or a wrong one
    │   ├── Forbidden            403  the key lacks the scope
    │   │   └── AdapterForbidden      the key may not use this adapter
    │   ├── ModelNotFound        404  no such base, adapter, version or alias here
    │   ├── RouteNotFound        404  a route that is not on the allow-list
    │   ├── UploadTooSlow        408
    │   └── BodyTooLarge         413
    ├── ComeBack                 429  too much at once; carries when to try again
    │   ├── QueueFull                 as many requests wait for the engine as may
    │   ├── WaitedTooLong             its turn did not come in time
    │   └── RateLimited               more than the caller's limits allow, or too many wrong keys
    ├── Unserviceable            503  not now
    │   ├── AdapterUnavailable        known, but it cannot be loaded now; says why
    │   ├── RegistryAway              what was asked cannot be done without the registry
    │   ├── UploadsBusy               as many uploads as there may be at once
    │   └── ServerStopping            on its way out; another replica may answer
    ├── EngineDied               the engine is gone, so the server starts anew
    └── CannotStart              the server refuses to start; exit code 1

Status codes live in this module alone; the body is OpenAI's error object, with `details` where an
error carries more than its text.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from medley_registry import errors as registry
from medley_registry.inert import inert


class ServerError(Exception):
    """Base of all; its text is one line for a person."""

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = None
    param: ClassVar[str | None] = None
    retry_after_s: ClassVar[int | None] = None

    def body(self) -> dict[str, object]:
        """OpenAI's error object: `{"error": {message, type, param, code}}`."""
        return error_body(str(self), kind=self.kind, code=self.code, param=self.param)

    def headers(self) -> dict[str, str]:
        """What a client may act on without reading the body."""
        return {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}


class Rejected(ServerError):
    status: ClassVar[int] = 400
    kind: ClassVar[str] = "invalid_request_error"


class BadRequest(Rejected):
    code: ClassVar[str | None] = "bad_request"


class FieldForbidden(BadRequest):
    """Carries the name of the field in `param`, and why in its text."""

    code: ClassVar[str | None] = "field_forbidden"

    def __init__(self, field: str, why: str) -> None:
        self._field = field
        super().__init__(f"`{field}` is not taken from callers: {why}.")

    def body(self) -> dict[str, object]:
        """See `ServerError.body`."""
        return error_body(str(self), kind=self.kind, code=self.code, param=self._field)


class ImageSourceForbidden(FieldForbidden):
    """Quotes nothing of the URL, which may open what it names."""

    code: ClassVar[str | None] = "image_source_forbidden"

    def __init__(self, field: str, because: str) -> None:
        super().__init__(field, f"{because}; send the bytes in a data URL")


class Unauthorized(Rejected):
    status: ClassVar[int] = 401
    code: ClassVar[str | None] = "invalid_api_key"

    def headers(self) -> dict[str, str]:
        """See `ServerError.headers`; RFC 9110 §11.6.1 wants the scheme named."""
        return {"www-authenticate": "Bearer"}


class Forbidden(Rejected):
    status: ClassVar[int] = 403
    code: ClassVar[str | None] = "insufficient_scope"


class AdapterForbidden(Forbidden):
    code: ClassVar[str | None] = "adapter_forbidden"
    param: ClassVar[str | None] = "model"


class ModelNotFound(Rejected):
    """Carries the nearest names that are served, as its text does."""

    status: ClassVar[int] = 404
    code: ClassVar[str | None] = "model_not_found"
    param: ClassVar[str | None] = "model"

    def __init__(self, model: str, *, because: str = "", nearest: tuple[str, ...] = ()) -> None:
        self.nearest = nearest
        self._model, self._because = model, because
        reason = f" ({because})" if because else ""
        hint = f" Nearest: {', '.join(f'`{name}`' for name in nearest)}." if nearest else ""
        super().__init__(f"The model `{model}` does not exist{reason}.{hint}")

    def seen_by(self, may_use: Callable[[str], bool]) -> "ModelNotFound":
        """The same for a caller who may not learn of every adapter."""
        seen = tuple(name for name in self.nearest if may_use(re.split("[:@]", name)[0]))
        return ModelNotFound(self._model, because=self._because, nearest=seen)


class RouteNotFound(Rejected):
    status: ClassVar[int] = 404
    code: ClassVar[str | None] = "route_not_found"


class UploadTooSlow(Rejected):
    status: ClassVar[int] = 408
    code: ClassVar[str | None] = "upload_too_slow"


class BodyTooLarge(Rejected):
    status: ClassVar[int] = 413
    code: ClassVar[str | None] = "body_too_large"


class ComeBack(ServerError):
    """Carries when that may help."""

    status: ClassVar[int] = 429
    kind: ClassVar[str] = "rate_limit_error"

    def __init__(self, message: str, *, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s

    def headers(self) -> dict[str, str]:
        """See `ServerError.headers`."""
        return {"retry-after": str(self.wait_s)}


class QueueFull(ComeBack):
    code: ClassVar[str | None] = "queue_full"


class WaitedTooLong(ComeBack):
    code: ClassVar[str | None] = "waited_too_long"


class RateLimited(ComeBack):
    code: ClassVar[str | None] = "rate_limited"


class Unserviceable(ServerError):
    status: ClassVar[int] = 503
    kind: ClassVar[str] = "service_unavailable_error"


class AdapterUnavailable(Unserviceable):
    code: ClassVar[str | None] = "adapter_unavailable"


class RegistryAway(Unserviceable):
    code: ClassVar[str | None] = registry.Unavailable.code
    retry_after_s: ClassVar[int | None] = 5


class UploadsBusy(Unserviceable):
    code: ClassVar[str | None] = registry.Busy.code
    retry_after_s: ClassVar[int | None] = 5


class ServerStopping(Unserviceable):
    code: ClassVar[str | None] = "server_stopping"
    retry_after_s: ClassVar[int | None] = 1


class EngineDied(ServerError):
    pass


class CannotStart(ServerError):
    pass


REGISTRY_STATUS: Mapping[type[registry.RegistryError], int] = {
    registry.RegistryError: 500,
    registry.InvalidReference: 400,
    registry.AmbiguousDigest: 400,
    registry.NotFound: 404,
    registry.BaseNotFound: 404,
    registry.AdapterNotFound: 404,
    registry.VersionNotFound: 404,
    registry.VersionDeleted: 410,
    registry.AliasNotFound: 404,
    registry.KeyNotFound: 404,
    registry.Refused: 422,
    registry.AdmissionRefused: 422,
    registry.NameTaken: 409,
    registry.BaseMismatch: 422,
    registry.NothingToRollBack: 409,
    registry.NotServable: 409,
    registry.IllegalTransition: 409,
    registry.Withdrawn: 409,
    registry.AliasInUse: 409,
    registry.AliasProtected: 409,
    registry.SignatureRefused: 422,
    registry.AccessDenied: 403,
    registry.Conflict: 409,
    registry.StaleGeneration: 409,
    registry.StaleRevision: 409,
    registry.Busy: 503,
    registry.Damaged: 500,
    registry.BlobMissing: 500,
    registry.DigestMismatch: 500,
    registry.IndexDamaged: 500,
    registry.Unavailable: 503,
    registry.NotARegistry: 500,
    registry.NeedsMigration: 500,
    registry.UnsupportedLocation: 500,
}
"""Every error of the registry; the code in the body is the registry's own."""

_DETAILS = ("nearest", "rule", "value", "unmet", "generation", "revision")
_RETRY_AFTER_S = {registry.Busy: 1, registry.Unavailable: 5}
# Their texts name folders and hosts of the server, which are no business of a caller's.
_KEPT_TO_OURSELVES = (
    registry.Unavailable,
    registry.NotARegistry,
    registry.UnsupportedLocation,
)


def registry_status(error: registry.RegistryError) -> int:
    """The status that stands for an error; of a kind not listed, that of the kind above it."""
    return next(REGISTRY_STATUS[kind] for kind in type(error).__mro__ if kind in REGISTRY_STATUS)


def registry_headers(error: registry.RegistryError) -> dict[str, str]:
    """When to try again, where that may help."""
    wait_s = next((s for kind, s in _RETRY_AFTER_S.items() if isinstance(error, kind)), None)
    return {} if wait_s is None else {"retry-after": str(wait_s)}


def registry_body(error: registry.RegistryError, **more: object) -> dict[str, object]:
    """OpenAI's error object for an error of the registry; `more` goes into its details."""
    status = registry_status(error)
    kind = Rejected.kind if status < 500 else ServerError.kind
    message = str(error)
    if isinstance(error, _KEPT_TO_OURSELVES):
        message = "The registry cannot be used now; the server's log says why."
    found = {name: getattr(error, name, None) for name in _DETAILS}
    details = {name: value for name, value in (found | more).items() if value not in (None, ())}
    return error_body(
        message,
        kind=Unserviceable.kind if status == Unserviceable.status else kind,
        code=error.code,
        details=details,
    )


def error_body(
    message: str,
    *,
    kind: str,
    code: str | None,
    param: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> dict[str, object]:
    """OpenAI's error object, and what programs may want to know besides."""
    error: dict[str, object] = {"message": inert(message), "type": kind}
    error |= {"param": param, "code": code}
    if details:
        error["details"] = dict(details)
    return {"error": error}
