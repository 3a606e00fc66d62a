import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from medley_registry import Version
from medley_server.errors import AdapterUnavailable
from medley_server.traffic import shadowing
from medley_server.traffic.agreement import Agreement
from medley_server.traffic.shadowing import MOST_WAITING, Copy, Exchange, Shadowing
from medley_server.traffic.window import Seen

from tests.unit.server.traffic.conftest import Answering, until

SECRET = "Mrs Miller, born 1931"


class Line:
    """A line of copies, with what came of each."""

    def __init__(self, app: Any, version: Version) -> None:
        self.app, self.version = app, version
        self.running = 0
        self.refusal: Exception | None = None
        self.came: list[Seen | None] = []
        self.shadowing = Shadowing(self.hold, lambda: self.running)

    @asynccontextmanager
    async def hold(self, version: Version) -> AsyncIterator[None]:
        if self.refusal is not None:
            raise self.refusal
        yield

    def offer(self, *, size_bytes: int = 10, heard: str = "yes") -> None:
        said = SECRET.ljust(size_bytes)
        exchange = Exchange(
            app=self.app,
            root=None,
            path="/v1/chat/completions",
            request={"messages": [{"role": "user", "content": said}]},
            heard=heard,
            named=(),
        )
        copy = Copy(exchange, self.version, self.came.append)
        self.shadowing.offer(copy)


@pytest.fixture
def line(app: Answering, versions: list[Version]) -> Line:
    return Line(app, versions[1])


@asynccontextmanager
async def at_work(line: Line) -> AsyncIterator[None]:
    task = asyncio.create_task(line.shadowing.run())
    try:
        yield
    finally:
        task.cancel()


async def test_copies_are_asked_and_compared(line: Line, app: Answering) -> None:
    line.offer()
    line.offer(heard="no")

    async with at_work(line):
        await until(lambda: len(line.came) == 2)

    assert line.came == [
        Seen(agreement=Agreement(True, 1.0)),
        Seen(agreement=Agreement(False, 0.0)),
    ]
    assert app.numbers == [2, 2]


async def test_a_copy_waits_until_few_requests_are_running(line: Line, app: Answering) -> None:
    line.running = shadowing.MOST_RUNNING + 1
    line.offer()

    async with at_work(line):
        for _ in range(20):
            await asyncio.sleep(0)
        assert app.asked == []
        line.running = shadowing.MOST_RUNNING
        await until(lambda: len(line.came) == 1)


async def test_a_copy_that_waits_too_long_is_dropped(
    line: Line, app: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadowing, "PATIENCE_S", 0.0)
    line.running = shadowing.MOST_RUNNING + 1
    line.offer()

    async with at_work(line):
        await until(lambda: line.came == [None])

    assert app.asked == []


async def test_what_does_not_fit_in_the_line_is_dropped_at_once(line: Line) -> None:
    for _ in range(MOST_WAITING + 3):
        line.offer()
    line.came.clear()
    line.offer(size_bytes=shadowing.MOST_WAITING_BYTES)

    assert line.came == [None]


async def test_bytes_of_copies_that_left_the_line_count_no_more(line: Line) -> None:
    async with at_work(line):
        for number in range(1, 4):
            line.offer(size_bytes=shadowing.MOST_WAITING_BYTES - 1000)
            await until(lambda number=number: len(line.came) == number)  # type: ignore[misc]

    assert None not in line.came


async def test_a_version_that_finds_no_place_says_nothing_of_itself(line: Line) -> None:
    line.refusal = AdapterUnavailable("no place")
    line.offer()

    async with at_work(line):
        await until(lambda: line.came == [None])


async def test_an_app_that_fails_counts_and_its_words_are_not_logged(
    versions: list[Version], caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError(json.loads((await receive())["body"])["messages"][0]["content"])

    line = Line(failing, versions[1])
    line.offer(heard=SECRET)
    with caplog.at_level(logging.DEBUG):
        async with at_work(line):
            await until(lambda: line.came == [Seen(is_failed=True)])

    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text
