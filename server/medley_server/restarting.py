"""A server whose engine died starts anew, in the same process, a few times.

vLLM's engine does not come back, and what it held on a device is only given up with its processes.
So the server begins from its command line: the process keeps its number, and whoever watches it
sees it not ready for as long as a start takes.
"""

import logging
import os
import sys
import time
from typing import NoReturn

from medley_server.errors import CannotStart

log = logging.getLogger(__name__)

MOST = 5
WITHIN_S = 600.0
"""More deaths than `MOST` within this time are no accident."""

_TOLD = "MEDLEY_RESTARTS"


def restarts() -> list[float]:
    """When the server has begun anew of late; seconds since the epoch."""
    told = os.environ.get(_TOLD, "")
    times = [float(at) for at in told.split(",") if at]
    return [at for at in times if time.time() - at < WITHIN_S]


def start_anew(because: str) -> NoReturn:
    """Replaces this process by the command that it was started with.

    Raises:
        CannotStart: it has begun anew too often of late.
    """
    before = restarts()
    if len(before) >= MOST:
        raise CannotStart(f"{because}; it was started anew {MOST} times within ten minutes")
    log.error(
        "%s; starting anew, %d of %d times within ten minutes", because, len(before) + 1, MOST
    )
    os.environ[_TOLD] = ",".join(f"{at:.0f}" for at in [*before, time.time()])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves
