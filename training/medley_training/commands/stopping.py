"""Ending in order at a plain stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end what is under way as Ctrl-C does, so that what it started is stopped too.

    It does so even where a shell has switched Ctrl-C off, as for what runs in the background.
    """

    def stop(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
