"""Every error the SDK raises.

::

    MedleyError
    ├── InvalidArgument          what was given cannot be sent; says why
    ├── Unreachable              no answer came: no connection, or a time-out; has ``was_sent``
    ├── UnexpectedAnswer         an answer that is not one of Medley's
    ├── ServerDidNotStart        a server of one's own; shows the end of its log
    ├── ContentMismatch          what came in does not have the digest it should have
    └── Refusal                  the server said no; has ``status``, ``code`` and ``details``
        ├── BadRequest           400
        ├── Unauthenticated      401  no key, or a wrong one
        ├── Forbidden            403  the key lacks a scope
        ├── NotFound             404  and 410 for what was deleted; has ``nearest``
        ├── Conflict             409
        │   ├── StaleGeneration       somebody else has moved the alias; has ``generation``
        │   └── AliasProtected        the alias demands more; has ``unmet``
        ├── TooLarge             413
        ├── Unacceptable         422
        │   ├── AdmissionRefused      files that may not enter; has ``rule`` and ``value``
        │   └── SignatureRefused      no signature that counts
        └── ServerFailed         5xx
            └── NotNow           503  and 429; has ``retry_after_s``

``code`` is stable and is the registry's own: programs compare it, messages are for people.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from medley_registry.errors import RegistryError


class MedleyError(Exception):
    """Base of all; its text is one line that can be shown to a person as it is."""

    code: str = "medley_error"


class InvalidArgument(MedleyError):
    """No reference, no adapter's folder, no key; ``code`` is the registry's for it."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class Unreachable(MedleyError):
    """``was_sent``: whether the server may have got the request all the same."""

    code = "unreachable"

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class UnexpectedAnswer(MedleyError):
    code = "unexpected_answer"


class ServerDidNotStart(MedleyError):
    code = "server_did_not_start"


class ContentMismatch(MedleyError):
    code = "content_mismatch"


class Refusal(MedleyError):
    """What the server answered instead.

    Attributes:
        status: of HTTP.
        details: what the error carries besides its text.
        retry_after_s: when the server wants to be asked again; None where it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        details: Mapping[str, Any],
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details
        self.retry_after_s = retry_after_s


class BadRequest(Refusal):
    pass


class Unauthenticated(Refusal):
    pass


class Forbidden(Refusal):
    pass


class NotFound(Refusal):
    @property
    def nearest(self) -> tuple[str, ...]:
        """The most similar names that do exist."""
        return tuple(self.details.get("nearest", ()))


class Conflict(Refusal):
    pass


class StaleGeneration(Conflict):
    @property
    def generation(self) -> int | None:
        """Where the alias stood when the server answered."""
        return self.details.get("generation")


class AliasProtected(Conflict):
    @property
    def unmet(self) -> tuple[str, ...]:
        """What the version lacks, in words."""
        return tuple(self.details.get("unmet", ()))


class TooLarge(Refusal):
    pass


class Unacceptable(Refusal):
    pass


class AdmissionRefused(Unacceptable):
    @property
    def rule(self) -> str:
        """The rule that was broken; stable."""
        return str(self.details.get("rule", ""))

    @property
    def value(self) -> str:
        """What broke it."""
        return str(self.details.get("value", ""))


class SignatureRefused(Unacceptable):
    pass


class ServerFailed(Refusal):
    pass


class NotNow(ServerFailed):
    pass


_BY_CODE: Mapping[str, type[Refusal]] = {
    "stale_generation": StaleGeneration,
    "alias_protected": AliasProtected,
    "admission_refused": AdmissionRefused,
    "signature_refused": SignatureRefused,
}
_BY_STATUS: Mapping[int, type[Refusal]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    413: TooLarge,
    422: Unacceptable,
    429: NotNow,
    503: NotNow,
}


@contextmanager
def arguments() -> Iterator[None]:
    """Where what a caller gave is looked at, before anything is sent.

    Raises:
        InvalidArgument: for what the registry's own checks refuse.
    """
    try:
        yield
    except RegistryError as error:
        raise InvalidArgument(str(error), code=error.code) from error


def refusal(status: int, body: Any, *, retry_after: str | None = None) -> Refusal:
    """The error for an answer that is no success.

    Args:
        status: of HTTP.
        body: the answer, read as JSON; None where it is none.
        retry_after: the header of that name.
    """
    match body:
        case {"error": {"message": str(told), **more}}:
            message, error = told, more
        case _:
            message, error = f"the server answered {status}", {}
    code, details = error.get("code"), error.get("details")
    general = _BY_STATUS.get(status, ServerFailed if status >= 500 else Refusal)
    return _BY_CODE.get(str(code), general)(
        message,
        status=status,
        code=str(code or f"http_{status}"),
        details=details if isinstance(details, dict) else {},
        retry_after_s=float(retry_after) if retry_after and retry_after.isdecimal() else None,
    )
