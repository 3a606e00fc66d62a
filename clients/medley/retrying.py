"""Which failures are tried again, and when."""

import random
from typing import Any, TypeVar

from medley.answers import Answer
from medley.calls import Attempt, Call, Flow, Opening, Pause
from medley.errors import (
    DeadlineExceeded,
    MedleyError,
    OutputUnusable,
    Refusal,
    Unreachable,
)

T = TypeVar("T")

MOST_WAIT_S = 30.0
"""However long a server asks to be left alone, and however often it failed."""

_FIRST_WAIT_S = 0.2
_PASSING = frozenset({429, 502, 503, 504})


def sending(call: Call[T], *, attempts: int) -> Flow[T]:
    """The result of a call, which is tried again where that is safe."""
    answer: Answer = yield from _trying(Attempt(call), attempts=attempts)
    return call.read(answer)


def opening(call: Call[Any], *, attempts: int) -> Flow[Any]:
    """An open stream. Until its headers are there it is tried again, and never after that."""
    return (yield from _trying(Opening(call), attempts=attempts))


def _trying(step: Attempt | Opening, *, attempts: int) -> Flow[Any]:
    attempt = 1
    while True:
        try:
            return (yield step)
        except MedleyError as error:
            wait_s = wait_before_retry(step.call, error, attempt=attempt)
            if wait_s is None or attempt >= attempts:
                raise
        yield Pause(wait_s)
        attempt += 1


def wait_before_retry(call: Call[Any], error: MedleyError, *, attempt: int) -> float | None:
    """Seconds until the call may be sent again; None if it may not.

    A call that changes something is sent again only where that cannot change it twice: it says
    what it expects to find, it carries a key that the server knows it by, or it never arrived.

    Args:
        call: what failed.
        error: how.
        attempt: how often it was sent so far.
    """
    match error:
        case Unreachable(was_sent=was_sent):
            is_worth_it = call.is_repeatable or not was_sent
        case DeadlineExceeded() | OutputUnusable():  # the same again would come to the same
            return None
        case Refusal(status=status):
            is_worth_it = status in _PASSING and (call.is_repeatable or status == 429)
        case _:
            return None
    if not is_worth_it:
        return None
    asked = error.retry_after_s if isinstance(error, Refusal) else None
    # Full jitter, so that clients that failed together do not come back together.
    waits = _FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 no secret
    return min(asked if asked is not None else waits, MOST_WAIT_S)
