"""Every error the SDK raises.

::

    MedleyError
    ├── InvalidArgument          what was given cannot be sent; says why
    ├── Unreachable              no answer came: no connection, or a time-out; has ``was_sent``
    ├── UnexpectedAnswer         an answer that is not one of Medley's
    ├── ServerDidNotStart        a server of one's own; shows the end of its log
    ├── ContentMismatch          what came in does not have the digest it should have
    ├── StillRunning             a job is not done within the time to wait; has ``job``
    ├── JobCancelled             somebody has cancelled it; has ``job``
    └── Refusal                  the server said no; has ``status``, ``code`` and ``details``
        ├── BadRequest           400
        ├── Unauthenticated      401  no key, or a wrong one
        ├── Forbidden            403  the key lacks a scope
        ├── NotFound             404  and 410 for what was deleted; has ``nearest``
        │   └── ResultExpired         410  a job's result was kept as long as was said
        ├── Conflict             409
        │   ├── StaleGeneration       somebody else has moved the alias; has ``generation``
        │   ├── StaleRevision         somebody else has set its traffic; has ``revision``
        │   ├── AliasProtected        the alias demands more; has ``unmet``
        │   └── IdempotencyConflict   the key came with another request before
        ├── TooLarge             413  has ``limit`` and ``actual`` where they are known
        │   └── TooManyPages          some of them can be asked for with ``pages``
        ├── UnsupportedMediaType 415  told from the bytes, whatever the name
        ├── Unacceptable         422
        │   ├── AdmissionRefused      files that may not enter; has ``rule`` and ``value``
        │   ├── SignatureRefused      no signature that counts
        │   ├── SchemaUnsupported     a caller's schema; has ``keyword`` and ``pointer``
        │   └── UnusableDocument      corrupt, or too small, or no medical document
        │       ├── EncryptedDocument     an unlocked copy would do
        │       └── BlankDocument         there is no ink on the pages
        └── ServerFailed         5xx
            ├── NotNow           503  and 429; has ``retry_after_s``
            ├── DeadlineExceeded 504  as a job (``mode="async"``) it has more time
            └── OutputUnusable   502  the model's answers were cut, or were none

``code`` is stable and is the server's own: programs compare it, messages are for people.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from medley_registry.errors import RegistryError

if TYPE_CHECKING:
    from medley.results import Job


class MedleyError(Exception):
    """Base of all; its text is one line that can be shown to a person as it is.

    Attributes:
        code: what went wrong; stable.
        page: of the document, from 1, where it is about one.
        request_id: by which the server's log knows the request; None where none is known.
        retryable: whether the same may succeed at another time.
    """

    code: str = "medley_error"
    page: int | None = None
    request_id: str | None = None
    retryable: bool = False


class InvalidArgument(MedleyError):
    """No reference, no adapter's folder, no key; ``code`` is the registry's for it."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class Unreachable(MedleyError):
    """``was_sent``: whether the server may have got the request all the same."""

    code = "unreachable"
    retryable = True

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class UnexpectedAnswer(MedleyError):
    code = "unexpected_answer"


class ServerDidNotStart(MedleyError):
    code = "server_did_not_start"


class ContentMismatch(MedleyError):
    code = "content_mismatch"


class StillRunning(MedleyError):
    """``job``: how it stood; `client.jobs.wait(job.id)` goes on waiting."""

    code = "still_running"
    retryable = True

    def __init__(self, message: str, *, job: "Job") -> None:
        super().__init__(message)
        self.job = job


class JobCancelled(MedleyError):
    """``job``: how it stood."""

    code = "job_cancelled"

    def __init__(self, message: str, *, job: "Job") -> None:
        super().__init__(message)
        self.job = job


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
        page: int | None = None,
        request_id: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details
        self.retry_after_s = retry_after_s
        self.page = page
        self.request_id = request_id
        self.retryable = retryable


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


class ResultExpired(NotFound):
    pass


class Conflict(Refusal):
    pass


class StaleGeneration(Conflict):
    @property
    def generation(self) -> int | None:
        """Where the alias stood when the server answered."""
        return self.details.get("generation")


class StaleRevision(Conflict):
    @property
    def revision(self) -> int | None:
        """Of the rule of traffic that was in force when the server answered."""
        return self.details.get("revision")


class AliasProtected(Conflict):
    @property
    def unmet(self) -> tuple[str, ...]:
        """What the version lacks, in words."""
        return tuple(self.details.get("unmet", ()))


class IdempotencyConflict(Conflict):
    pass


class TooLarge(Refusal):
    @property
    def limit(self) -> int | None:
        """The most that there may be."""
        return self.details.get("limit")

    @property
    def actual(self) -> int | None:
        """How much there is."""
        return self.details.get("actual")


class TooManyPages(TooLarge):
    pass


class UnsupportedMediaType(Refusal):
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


class SchemaUnsupported(Unacceptable):
    @property
    def keyword(self) -> str:
        """The keyword of JSON Schema that is not supported."""
        return str(self.details.get("keyword", ""))

    @property
    def pointer(self) -> str:
        """Where it stands in the schema."""
        return str(self.details.get("pointer", ""))


class UnusableDocument(Unacceptable):
    pass


class EncryptedDocument(UnusableDocument):
    pass


class BlankDocument(UnusableDocument):
    pass


class ServerFailed(Refusal):
    pass


class NotNow(ServerFailed):
    pass


class DeadlineExceeded(ServerFailed):
    pass


class OutputUnusable(ServerFailed):
    pass


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
