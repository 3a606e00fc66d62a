"""Where an operation can be struck: by which fault, at which of its calls."""

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tests.faults.shim import Fault, Mode
from tests.faults.trace import ACKNOWLEDGED, Trace


class Family(StrEnum):
    KILL = "kill"
    ERROR = "error"
    POWER = "power"
    CONTROL = "control"


KILLS = {"kill": Fault(Mode.KILL), "tear": Fault(Mode.TEAR)}
ERRORS = {
    "EIO": Fault(Mode.FAIL, error=errno.EIO),
    "full": Fault(Mode.FAIL_FROM, error=errno.ENOSPC),
    "read-only": Fault(Mode.FAIL_FROM, error=errno.EROFS),
}
STRIKES = KILLS | ERRORS
POWER = "power"
CONTROLS = {
    "no-sync": re.compile(""),
    "no-index-sync": re.compile(r"(.*/)?registry\.db"),
    "no-blob-sync": re.compile(r"(.*/)?blobs/(.*/)?(\.incoming-\w+|[0-9a-f]{64})$"),
    "no-folder-sync": re.compile(r"(.*/)?blobs(/sha256(/[0-9a-f]{2})?)?$"),
}
"""Power losses on a disk that ignores the syncs of these paths: the suite must notice."""


@dataclass(frozen=True, slots=True)
class Point:
    """One place to strike, written ``operation/fault/at``.

    ``at`` numbers the watched calls from 1; for a power loss it counts the entries of the trace
    that came before, notes included, so that the moment after an acknowledgement is one too.
    """

    operation: str
    fault: str
    at: int

    def __str__(self) -> str:
        return f"{self.operation}/{self.fault}/{self.at}"

    @classmethod
    def parse(cls, text: str) -> Self:
        operation, fault, at = text.split("/")
        return cls(operation, fault, int(at))

    @property
    def family(self) -> Family:
        if self.fault in CONTROLS:
            return Family.CONTROL
        if self.fault in ERRORS:
            return Family.ERROR
        return Family.KILL if self.fault in KILLS else Family.POWER

    @property
    def strike(self) -> Fault:
        kind = STRIKES[self.fault]
        return Fault(kind.mode, self.at, kind.error)


def points_of(operation: str, trace: Trace) -> list[Point]:
    """Every point of an operation whose undisturbed run left this trace."""
    return [
        *_strikes(operation, trace),
        *(Point(operation, POWER, at) for at in range(len(trace) + 1)),
        *_controls(operation, trace),
    ]


def _strikes(operation: str, trace: Trace) -> Iterator[Point]:
    calls = [call for call in trace if not call.is_note]
    for fault, kind in STRIKES.items():
        for at, call in enumerate(calls, start=1):
            has_halves = kind.mode is not Mode.TEAR or len(call.data) > 1
            is_refused = kind.error != errno.ENOSPC or call.needs_room
            if has_halves and is_refused:
                yield Point(operation, fault, at)


def _controls(operation: str, trace: Trace) -> Iterator[Point]:
    """Losses after an acknowledgement, on disks that ignore syncs which it relied on."""
    kinds = [call.kind for call in trace]
    if ACKNOWLEDGED not in kinds:
        return
    acknowledged = kinds.index(ACKNOWLEDGED)
    before = trace[:acknowledged]
    puts = any(call.kind == "rename" and "blobs/" in call.other for call in before)
    for control, ignored in CONTROLS.items():
        is_relied_on = any(call.kind == "sync" and ignored.match(call.path) for call in before)
        if is_relied_on and (puts or control not in ("no-blob-sync", "no-folder-sync")):
            for at in range(acknowledged + 1, len(trace) + 1):
                yield Point(operation, control, at)
