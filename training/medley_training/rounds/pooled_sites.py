"""Sites of this machine that work side by side, in processes that may die."""

import logging
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from time import monotonic
from types import TracebackType
from typing import Any, Self

from medley_training.rounds.events import Observer
from medley_training.rounds.local_sites import Building, answer_or_failure
from medley_training.rounds.transport import Answering, Failure, Request, Response

_log = logging.getLogger(__name__)
_LEAVE_S = 10.0


class PooledSites:
    """Sites that are asked side by side, each of `workers` processes with a base of its own.

    What sites compute does not depend on how many work at once. A process that dies takes along
    the one answer that it was at, and is replaced. Use it as a context.

    Args:
        names: The sites.
        build: Makes a site; sent to the processes.
        observe: Told of the sites' steps while they are asked.
        workers: How many processes.
    """

    def __init__(
        self, names: tuple[str, ...], build: Building, observe: Observer, *, workers: int
    ) -> None:
        self._names = tuple(sorted(names))
        self._observe = observe
        # A forked child of a process that has used torch's threads can hang.
        context = multiprocessing.get_context("spawn")
        self._workers = [_Worker(context, build) for _ in range(workers)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.dismiss()
        for worker in self._workers:
            worker.join(0.0 if error else _LEAVE_S)

    @property
    def names(self) -> tuple[str, ...]:
        """The sites, sorted."""
        return self._names

    def ask(
        self, requests: Mapping[str, Request], *, deadline_s: float | None
    ) -> Iterator[tuple[str, Response | Failure]]:
        """Ask all; at the deadline those still at work are told to be missing.

        Those go on with what they are at, and are free again when it is done.
        """
        end = None if deadline_s is None else monotonic() + deadline_s
        waiting = deque(sorted(requests))
        unanswered = set(requests)
        for worker in self._workers:
            worker.is_late = True
        while unanswered:
            left_s = None if end is None else max(0.0, end - monotonic())
            for worker in self._workers:
                if waiting and worker.site is None and left_s != 0:
                    worker.begin(waiting[0], requests[waiting.popleft()])
            busy = [worker for worker in self._workers if worker.site]
            ready = wait([worker.connection for worker in busy], left_s)
            for worker in busy:
                if worker.connection in ready:
                    for name, answer in self._heard(worker):
                        unanswered.discard(name)
                        yield name, answer
            if not ready and left_s is not None:
                break
        for name in sorted(unanswered):
            yield name, Failure(f"no answer within {deadline_s:g} s")

    def _heard(self, worker: "_Worker") -> Iterator[tuple[str, Response | Failure]]:
        """Take one thing from a worker: a step, or the answer; late ones are for nobody."""
        name, is_late = str(worker.site), worker.is_late
        heard = worker.hear()
        if is_late:
            return
        if isinstance(heard, Response | Failure):
            yield name, heard
        else:
            self._observe(heard)


class _Worker:
    """One process, begun when there is first something to do, and again after it died.

    `site` is the one that it works for, `is_late` whether anybody still waits for that.
    """

    def __init__(self, context: SpawnContext, build: Building) -> None:
        self._context = context
        self._build = build
        self._process: Any = None
        self._connection: Connection[Any, Any] | None = None
        self.site: str | None = None
        self.is_late = False

    @property
    def connection(self) -> "Connection[Any, Any]":
        assert self._connection is not None, "the process was never begun"
        return self._connection

    def begin(self, site: str, request: Request) -> None:
        if self._process is None or not self._process.is_alive():
            self._start()
        self.site, self.is_late = site, False
        with suppress(OSError):  # a process that is gone is heard of at once
            self.connection.send((site, request))

    def hear(self) -> Any:
        """An event, or the last thing about a site: its answer, or that its process is gone."""
        try:
            heard = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            heard = Failure(f"its process ended with exit code {self._process.exitcode}")
        if isinstance(heard, Response | Failure):
            self.site = None
        return heard

    def dismiss(self) -> None:
        if self._connection is not None:
            self._connection.close()  # a process that waits for work ends with that

    def join(self, patience_s: float) -> None:
        """Wait for the process, or end it: what it was at is kept by nobody."""
        if self._process is None:
            return
        if self.site is None:
            self._process.join(patience_s)
        self._process.terminate()
        self._process.join()

    def _start(self) -> None:
        self.dismiss()
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_work, args=(self._build, theirs), daemon=True)
        self._process.start()
        theirs.close()  # else this end never hears that the other is gone


def _work(build: Building, connection: "Connection[Any, Any]") -> None:
    """What a process does: answer for one site after the other, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the coordinator to act on
    sites: dict[str, Answering] = {}
    with suppress(EOFError, OSError):
        while True:
            site, request = connection.recv()
            connection.send(_answer(sites, build, site, request, connection))


def _answer(
    sites: dict[str, Answering],
    build: Building,
    site: str,
    request: Request,
    connection: "Connection[Any, Any]",
) -> Response | Failure:
    try:
        return answer_or_failure(sites, site, request, lambda: build(site, connection.send))
    except Exception as error:  # the edge of the process: whatever it is, one site failed
        _log.exception("%s cannot answer", site)
        return Failure(f"{type(error).__name__}: {error}")
