"""What requests and swaps have come to, for each version: numbers alone, and boundedly many.

Only versions that are offered have a series, and at most so many; the rest share the one called
`other`. The series of a version that is offered no more goes at the next look. All of it happens on
the event loop; whoever reads may do so from another thread.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from medley_registry import Version

from medley_server.observing.buckets import SECONDS, TOKEN_SECONDS, Buckets
from medley_server.observing.request_record import CURRENT, RequestRecord

log = logging.getLogger(__name__)

MOST_VERSIONS = 200
MOST_CODES = 100
OTHER = "other"
NONE = "none"
"""Requests that no model answered: refused ones, and those for something else."""


@dataclass(slots=True)
class Series:
    """The numbers of one version, of the base, or of what shares a name.

    Attributes:
        adapter: label; empty for the base.
        name: label, such as `note:7`.
        version: which, where it is one.
        requests: by route and outcome.
    """

    adapter: str
    name: str
    version: Version | None = None
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token: Buckets = field(default_factory=lambda: Buckets(SECONDS))
    gaps: Buckets = field(default_factory=lambda: Buckets(TOKEN_SECONDS))
    duration: Buckets = field(default_factory=lambda: Buckets(SECONDS))
    queue: Buckets = field(default_factory=lambda: Buckets(SECONDS))


class Ledger:
    """Counts; `series` has one for each version that was asked for and is offered."""

    def __init__(self, *, offers: Callable[[Version], bool], most: int = MOST_VERSIONS) -> None:
        """Begins at nothing.

        Args:
            offers: whether a version is served now.
            most: versions with a series of their own.
        """
        self._offers = offers
        self._most = most
        self._versions: dict[str, Series] = {}
        self._shared: dict[str, Series] = {}
        self._codes: set[str] = set()
        self.wrong_versions = 0
        """Answers that named another version than the one they were asked of; must stay 0."""
        self.phases: dict[str, Buckets] = {}
        """Durations of the phases of swaps."""
        self.swaps: Counter[str] = Counter()
        """Swaps that have ended, by outcome."""

    @property
    def series(self) -> list[Series]:
        """What is told now; versions that are offered no more have gone."""
        self._forget()
        return [*list(self._shared.values()), *list(self._versions.values())]

    def note(self, record: RequestRecord) -> None:
        """Takes a request that is over into account."""
        one = self._series_of(record.version, record.base)
        one.requests[record.route, record.outcome] += 1
        if (record.status or 500) >= 400:
            one.errors[self._code(record.code)] += 1
        if record.names_another:
            self.wrong_versions += 1
            log.error("request %s: an answer of %s names another", record.request_id, one.name)
        if not record.is_counted:
            one.prompt_tokens += record.prompt_tokens or 0
            one.completion_tokens += record.completion_tokens or 0
        one.gaps.add(record.gaps_s)
        for buckets, value in (
            (one.first_token, record.first_token_s),
            (one.queue, record.queue_s),
            (one.duration, record.duration_s),
        ):
            if value is not None:
                buckets.add((value,))

    def note_wait(self, label: str, seconds: float) -> None:
        """A turn was granted: to a request that is watched, or to work of a version or the base."""
        record = CURRENT.get()
        if record is not None and record.queue_s is None and not record.is_whole:
            record.queue_s = seconds
            return  # what it does besides, such as a copy for a shadow, is not its own wait
        one = self._versions.get(label) or self._shared.get(label) or self._share(OTHER, OTHER)
        one.queue.add((seconds,))

    def note_tokens(self, version: Version | None, name: str, read: int, written: int) -> None:
        """A question about a document was answered, by a version or by the base of this name."""
        one = self._series_of(version, name)
        one.prompt_tokens += read
        one.completion_tokens += written
        if (record := CURRENT.get()) is not None:
            record.is_counted = True  # what its answer sums up is no more than that

    def note_phase(self, phase: str, seconds: float) -> None:
        """A phase of a swap has ended, so many seconds after the one before it."""
        self.phases.setdefault(phase, Buckets(SECONDS)).add((seconds,))

    def note_swap(self, *, has_failed: bool) -> None:
        """A swap has ended."""
        self.swaps["failed" if has_failed else "done"] += 1

    def _series_of(self, version: Version | None, base: str | None) -> Series:
        if version is None:
            return self._share("", base or NONE)
        name = version.reference
        if (known := self._versions.get(name)) is not None:
            return known
        if not self._offers(version):
            return self._share(OTHER, OTHER)
        if len(self._versions) >= self._most:
            self._forget()
        if len(self._versions) >= self._most:
            return self._share(OTHER, OTHER)
        self._versions[name] = Series(version.adapter, name, version)
        return self._versions[name]

    def _share(self, adapter: str, name: str) -> Series:
        return self._shared.setdefault(name, Series(adapter, name))

    def _forget(self) -> None:
        for name, one in list(self._versions.items()):
            if one.version is not None and not self._offers(one.version):
                self._versions.pop(name, None)

    def _code(self, code: str | None) -> str:
        code = code or NONE
        if code not in self._codes and len(self._codes) >= MOST_CODES:
            return OTHER
        self._codes.add(code)
        return code
