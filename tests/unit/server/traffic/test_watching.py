import asyncio
from typing import Any

import pytest
from medley_server.traffic.watching import MOST_KEPT_BYTES, Watched
from medley_server.traffic.window import Seen


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def nowhere(message: Any) -> None:
    pass


def start(status: int = 200, *, kind: bytes = b"application/json") -> dict[str, Any]:
    headers = [(b"content-type", kind)]
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(content: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


STREAM = start(kind=b"text/event-stream; charset=utf-8")


async def test_a_stream_is_timed_to_its_first_piece() -> None:
    clock = Clock()
    watched = Watched(nowhere, keeps=True, clock=clock)

    await watched.send(STREAM)
    clock.now += 0.5
    await watched.send(body(b"data: a\n\n", more=True))
    clock.now += 9
    await watched.send(body(b"", more=False))

    assert watched.seen(None) == Seen(first_s=0.5)
    assert (watched.body, watched.is_stream) == (b"data: a\n\n", True)


async def test_an_answer_that_comes_whole_is_timed_to_its_end() -> None:
    clock = Clock()
    watched = Watched(nowhere, keeps=False, clock=clock)

    await watched.send(start())
    clock.now += 2
    await watched.send(body(b"{}"))

    assert watched.seen(None) == Seen(whole_s=2.0)
    assert watched.body is None, "nobody wanted it"


async def test_the_servers_faults_count_and_the_callers_do_not() -> None:
    for status, expected in ((500, Seen(is_failed=True)), (400, None), (429, None)):
        watched = Watched(nowhere, keeps=True)
        await watched.send(start(status))
        await watched.send(body(b"{}"))

        assert watched.seen(None) == expected
        assert watched.body is None


async def test_a_stream_that_breaks_off_with_an_error_has_failed() -> None:
    watched = Watched(nowhere, keeps=True)
    await watched.send(STREAM)
    await watched.send(body(b'data: {"error": {"message": "dead"}}\n\n', more=True))
    await watched.send(body(b"", more=False))

    assert watched.seen(None) == Seen(is_failed=True)
    assert watched.body is None


async def test_an_app_that_raises_has_failed_and_a_caller_who_leaves_says_nothing() -> None:
    half = Watched(nowhere, keeps=True)
    await half.send(STREAM)
    await half.send(body(b"data: a\n\n", more=True))

    assert half.seen(RuntimeError("dead")) == Seen(is_failed=True)
    assert half.seen(asyncio.CancelledError()) is None
    assert half.seen(None) is None
    assert Watched(nowhere, keeps=True).seen(None) is None


async def test_an_end_that_does_not_reach_the_caller_is_no_end() -> None:
    async def gone(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise OSError("the caller is gone")

    watched = Watched(gone, keeps=True)
    await watched.send(start())
    with pytest.raises(OSError, match="gone"):
        await watched.send(body(b"{}"))

    assert watched.body is None


async def test_an_answer_longer_than_is_kept_is_passed_on_and_not_kept() -> None:
    passed: list[Any] = []

    async def keep(message: Any) -> None:
        passed.append(message)

    watched = Watched(keep, keeps=True)
    await watched.send(start())
    await watched.send(body(b"x" * MOST_KEPT_BYTES, more=True))
    await watched.send(body(b"y"))

    assert watched.body is None
    assert len(passed) == 3
