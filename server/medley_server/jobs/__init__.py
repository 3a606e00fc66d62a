"""Extractions that go on after an answer: a bounded queue, a store that outlives the server.

::

    submit ─► Turns (so many run, so many wait) ─► Extractor ─► result file
                │                                                  │
                ╰── JobStore: rows of jobs that may be asked for ◄─┴─► Callbacks

A job is in the store from the moment on that its id was told to somebody, or that it bears an
idempotency key. Each change has two phases: what a row tells of is on disk before the row tells
it, and a row says that something is gone before it goes.
"""

from medley_server.jobs.desk import JobDesk
from medley_server.jobs.outcome import Outcome
from medley_server.jobs.work import Order, Work

__all__ = ["JobDesk", "Order", "Outcome", "Work"]
