"""Who pays for what the engine is asked on the way to an answer: a document's questions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Payer = Callable[[int], None]
"""Takes a number of tokens from the quota of somebody."""


def nobody(_tokens: int) -> None:
    """Where no key has to pay: a job that an earlier server had promised."""


PAYER: ContextVar[Payer] = ContextVar("payer", default=nobody)
"""Whoever sent what this task works for; a job's task has it from the request that began it."""


@contextmanager
def paid_by(payer: Payer) -> Iterator[None]:
    """Has him pay for what is begun in this block, however long that goes on."""
    token = PAYER.set(payer)
    try:
        yield
    finally:
        PAYER.reset(token)
