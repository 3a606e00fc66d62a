"""How much of its limits each caller has used."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from medley_server.callers import Caller
from medley_server.errors import RateLimited, ServerError
from medley_server.limits.asked import Asked
from medley_server.limits.meter import Meter
from medley_server.limits.table import KeyLimits, Limits
from medley_server.limits.token_bucket import TokenBucket


@dataclass(slots=True)
class _Quota:
    requests: TokenBucket | None
    tokens: TokenBucket | None
    running: int = 0


class Quotas:
    """Lets requests pass within their callers' limits; one per server."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._quotas: dict[str, _Quota] = {}  # as many as there are keys

    def body_bytes(self, caller: Caller, most: int) -> int:
        """The longest body that a caller may send, of those that the server reads."""
        return min(most, self.limits.of(caller).max_body_bytes or most)

    @contextmanager
    def taken(self, caller: Caller, asked: Asked) -> Iterator[Meter]:
        """One request of a caller, until its answer has ended.

        Tokens are put aside for it first: its prompt by an estimate, and all that its answers may
        have. Afterwards what it did not use is given back, or what it used more is owed. Where
        nothing tells what it used, as when the caller has left, what was put aside is spent. What
        is refused here, before the engine sees it, used nothing. No more than a minute's worth is
        put aside: a request may name any number.

        Raises:
            BadRequest: it asks for more than a limit.
            RateLimited: not now.
        """
        limits = self.limits.of(caller)
        asked.check(limits)
        quota = self._quotas.get(caller.name)
        if quota is None:
            quota = self._quotas[caller.name] = self._fresh(limits)
        aside = min(asked.tokens, limits.tokens_per_minute or asked.tokens)
        self._take(quota, limits, aside)
        meter = Meter(asked.prompt_tokens, is_needed=quota.tokens is not None)
        try:
            yield meter
        except ServerError:  # nothing was sent: see `Inference`
            meter.tell(0)
            raise
        finally:
            quota.running -= 1
            if quota.tokens is not None and meter.tokens is not None:
                quota.tokens.take(meter.tokens - aside)

    def pay(self, caller: Caller, tokens: int) -> None:
        """Takes tokens that nothing was put aside for; who owes some has to wait with the next."""
        quota = self._quotas.get(caller.name)
        if quota is not None and quota.tokens is not None:
            quota.tokens.take(tokens)

    def _fresh(self, limits: KeyLimits) -> _Quota:
        def bucket(per_minute: int | None) -> TokenBucket | None:
            return TokenBucket(per_minute, self._clock) if per_minute else None

        return _Quota(bucket(limits.requests_per_minute), bucket(limits.tokens_per_minute))

    @staticmethod
    def _take(quota: _Quota, limits: KeyLimits, tokens: int) -> None:
        """All or nothing."""
        most = limits.concurrent_requests
        if most is not None and quota.running >= most:
            raise RateLimited(f"This key has {most} requests running, as many as it may.", wait_s=1)
        if quota.requests is not None and (wait_s := quota.requests.wait_s(1)):
            many = f"{limits.requests_per_minute} requests"
            raise RateLimited(f"This key may send {many} a minute.", wait_s=wait_s)
        if quota.tokens is not None and (wait_s := quota.tokens.wait_s(tokens)):
            many = f"{limits.tokens_per_minute} tokens"
            raise RateLimited(f"This key may use {many} a minute.", wait_s=wait_s)
        if quota.requests is not None:
            quota.requests.take(1)
        if quota.tokens is not None:
            quota.tokens.take(tokens)
        quota.running += 1
