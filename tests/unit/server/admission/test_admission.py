import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from medley_server.admission import Admission
from medley_server.admission.settings import AdmissionSettings
from medley_server.errors import QueueFull, WaitedTooLong


def door(
    *, slots: int = 2, seats: int = 1, most_waiting: int = 10, patience_s: float = 60.0
) -> Admission:
    settings = AdmissionSettings(most_waiting=most_waiting, patience_s=patience_s)
    return Admission(settings, slots=2, seats=1)


@asynccontextmanager
async def waiting(
    admission: Admission, *names: str | None
) -> AsyncIterator[list[asyncio.Task[str]]]:
    """The only seat is taken, and requests wait for it in this order; each says who had a turn."""

    async def turn(name: str | None) -> str:
        async with admission.turn(name, name or "base"):
            return name or "base"

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(admission.turn(None, "base"))
        tasks = []
        for name in names:
            tasks.append(asyncio.create_task(turn(name)))
            await asyncio.sleep(0)
        yield tasks
        await stack.aclose()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert admission.row["queues"] == []


async def test_a_turn_is_had_at_once_where_there_is_room_and_given_back() -> None:
    admission = door()

    async with admission.turn("a", "a:1"):
        taken = admission.row

    assert (taken["slots_used"], taken["sequences_taken"], taken["running"]) == (1, 1, 1)
    assert (admission.row["slots_used"], admission.row["sequences_taken"]) == (0, 0)


async def test_a_turn_that_failed_is_given_back() -> None:
    admission = door()

    with pytest.raises(ZeroDivisionError):
        async with admission.turn("a", "a:1"):
            raise ZeroDivisionError

    assert admission.row["queues"] == []


async def test_who_waits_goes_on_when_his_turn_comes() -> None:
    admission = door()

    async with waiting(admission, "a", "b") as tasks:
        queues = {row["model"]: row["waiting"] for row in admission.row["queues"]}

    assert queues == {"base": 0, "a": 1, "b": 1}
    assert [task.result() for task in tasks] == ["a", "b"]


async def test_who_stops_waiting_leaves_no_trace() -> None:
    admission = door()

    async with waiting(admission, "a", "a", "b") as tasks:
        tasks[0].cancel()
        tasks[2].cancel()
        await asyncio.wait([tasks[0], tasks[2]])
        assert admission.row["waiting"] == 1

    assert tasks[1].result() == "a"


async def test_who_is_cancelled_as_his_turn_comes_gives_it_back() -> None:
    admission = door()

    async with waiting(admission, "a", "b") as tasks:
        pass_on = asyncio.get_running_loop().call_soon
        pass_on(tasks[0].cancel)

    assert tasks[1].result() == "b"


async def test_who_waited_too_long_is_told_when_to_come_back() -> None:
    admission = door(patience_s=0.01)

    async with waiting(admission, "a") as (task,):
        await asyncio.wait([task])

    error = task.exception()
    assert isinstance(error, WaitedTooLong)
    assert (error.status, error.code) == (429, "waited_too_long")
    assert 1 <= int(error.headers()["retry-after"]) <= 60


async def test_one_more_than_may_wait_is_refused() -> None:
    admission = door(most_waiting=2)

    async with waiting(admission, "a", "a", "a") as tasks:
        await asyncio.wait([tasks[2]])

    error = tasks[2].exception()
    assert isinstance(error, QueueFull)
    assert (error.status, error.code) == (429, "queue_full")
    assert [task.result() for task in tasks[:2]] == ["a", "a"]


async def test_the_flood_of_one_adapter_takes_no_others_place_in_the_queue() -> None:
    admission = door(most_waiting=3)

    async with waiting(admission, "a", "a", "a", "b") as tasks:
        await asyncio.wait([tasks[2]])

    assert isinstance(tasks[2].exception(), QueueFull)
    assert [tasks[n].result() for n in (0, 1, 3)] == ["a", "a", "b"]


async def test_a_burst_within_one_moment_leaves_no_more_than_may_wait() -> None:
    admission = door(most_waiting=3)

    async def turn() -> None:
        async with admission.turn("a", "a:1"):
            pass

    async with admission.turn(None, "base"):
        tasks = [asyncio.create_task(turn()) for _ in range(50)]
        await asyncio.wait(tasks[3:])
        assert admission.row["waiting"] == 3
    await asyncio.gather(*tasks[:3])

    assert all(isinstance(task.exception(), QueueFull) for task in tasks[3:])


async def test_work_that_was_accepted_before_is_not_sent_away() -> None:
    admission = door(most_waiting=0, patience_s=0.01)

    async def owed() -> None:
        async with admission.turn("a", "a:1", is_owed=True):
            pass

    async with admission.turn(None, "base"):
        task = asyncio.create_task(owed())
        await asyncio.sleep(0.05)
        assert admission.row["waiting"] == 1
    await task


async def test_whoever_listens_hears_how_long_each_turn_was_waited_for() -> None:
    heard: list[tuple[str, float]] = []
    admission = door()
    admission.on_wait = lambda label, seconds: heard.append((label, seconds))

    async with waiting(admission, "a"):
        pass

    assert [label for label, _ in heard] == ["base", "a"]
    assert heard[0][1] == 0.0
    assert heard[1][1] > 0.0


async def test_who_comes_just_as_the_one_to_be_sent_away_leaves_is_not_hurt() -> None:
    admission = door(most_waiting=2)

    async with waiting(admission, "a", "a") as tasks:
        coming = asyncio.create_task(_turn(admission, "b"))
        tasks[1].cancel()  # its wait has ended, and it goes after the other has come
        await asyncio.wait([tasks[1]])

    assert tasks[1].cancelled()
    assert await coming == "b"


async def _turn(admission: Admission, name: str) -> str:
    async with admission.turn(name, name):
        return name
