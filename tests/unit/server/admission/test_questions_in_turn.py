"""Questions about documents take turns one by one; a document itself holds none."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from medley.results import ServedModel
from medley_server.admission import Admission
from medley_server.admission.settings import AdmissionSettings
from medley_server.extraction.asking import Asking
from medley_server.extraction.errors import EngineError
from medley_server.extraction.in_turn import InTurn
from medley_server.extraction.question import Completion, Pinned, Question, Size
from medley_server.limits.paying import paid_by


class SlowCompleter:
    """Answers when told; knows how many questions it had at once, and of which adapters."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.running: list[str] = []
        self.most = 0
        self.adapters_at_once = 0
        self.is_closed = False
        self.events = [b"one", b"two"]
        self.failure: Exception | None = None

    async def complete(self, question: Question) -> Completion:
        self.running.append(question.model.reference)
        self.most = max(self.most, len(self.running))
        self.adapters_at_once = max(self.adapters_at_once, len(set(self.running)))
        try:
            await self.go.wait()
            await asyncio.sleep(0)
            if self.failure is not None:
                raise self.failure
        finally:
            self.running.remove(question.model.reference)
        return Completion(text="{}", is_whole=True, input_tokens=30, output_tokens=4)

    async def stream(self, question: Question) -> AsyncIterator[bytes]:
        try:
            for event in self.events:
                yield event
        finally:
            self.is_closed = True

    async def size(self, question: Question) -> Size:
        return Size(1, 2)


def question(adapter: str | None) -> Question:
    served = ServedModel(base="tiny", adapter=adapter, engine="fake")
    name = adapter or "tiny"
    model = Pinned(engine_name=f"{name}@x", reference=name, served=served)
    return Question(model=model, messages=(), max_tokens=1)


def door(*, most_waiting: int = 0) -> Admission:
    """Room for two sequences and one adapter, and for nobody who waits."""
    settings = AdmissionSettings(most_waiting=most_waiting, ageing_s=0.0)
    return Admission(settings, slots=1, seats=2)


async def test_documents_of_several_adapters_share_one_slot_and_all_are_answered() -> None:
    completer, admission = SlowCompleter(), door()
    asking = Asking(InTurn(completer, admission), most_at_once=6)
    completer.go.set()

    async with asyncio.timeout(30):
        answers = await asyncio.gather(
            *(asking.complete(question(adapter)) for adapter in [*"abc", None] * 5)
        )

    assert len(answers) == 20
    assert completer.most == 2
    assert completer.adapters_at_once <= 2  # one adapter, and the base
    assert admission.row["queues"] == []


async def test_a_question_that_waits_holds_nothing_and_a_cancelled_one_leaves_no_trace() -> None:
    completer, admission = SlowCompleter(), door()
    asking = Asking(InTurn(completer, admission))
    first = asyncio.create_task(asking.complete(question("a")))
    waiting = asyncio.create_task(asking.complete(question("b")))
    await asyncio.sleep(0.01)

    before: dict[str, Any] = admission.row
    waiting.cancel()
    await asyncio.wait([waiting])
    completer.go.set()
    await first

    assert (before["running"], before["waiting"], before["slots_used"]) == (1, 1, 1)
    assert admission.row["queues"] == []


async def test_a_stream_has_its_turn_until_it_is_closed() -> None:
    completer, admission = SlowCompleter(), door()

    stream: Any = InTurn(completer, admission).stream(question("a"))
    async with aclosing(stream):
        await anext(stream)
        during = admission.row["running"]

    assert (during, admission.row["running"], completer.is_closed) == (1, 0, True)


async def test_how_long_a_question_is_needs_no_turn() -> None:
    completer, admission = SlowCompleter(), door()

    async with admission.turn("b", "b:1", seats=2):
        size = await InTurn(completer, admission).size(question("a"))

    assert size == Size(1, 2)


async def test_what_an_answer_cost_is_told_of_what_gave_it() -> None:
    completer, told = SlowCompleter(), []
    completer.go.set()
    asking = InTurn(completer, door(), lambda *one: told.append(one))

    await asking.complete(question("note:1"))

    assert told == [(None, "note:1", 30, 4)]


@contextmanager
def paying() -> Iterator[list[int]]:
    """What is paid by whoever sent the document."""
    paid: list[int] = []
    with paid_by(paid.append):
        yield paid


def asked() -> Question:
    """One of two tokens, by their estimate."""
    return replace(question("a"), messages=({"content": "1234"},))


async def test_an_answer_is_paid_for_by_whoever_sent_the_document() -> None:
    completer = SlowCompleter()
    completer.go.set()

    with paying() as paid:
        await InTurn(completer, door()).complete(asked())

    assert paid == [34]


async def test_a_question_that_is_given_up_costs_its_prompt_once_the_engine_has_it() -> None:
    asking = InTurn(SlowCompleter(), door())

    with paying() as paid:
        running, waiting = (asyncio.create_task(asking.complete(asked())) for _ in range(2))
        more = [asyncio.create_task(asking.complete(asked()))]
        await asyncio.sleep(0.01)
        for task in (running, waiting, *more):
            task.cancel()
        await asyncio.wait([running, waiting, *more])

    assert paid == [2, 2]  # two run at a time


async def test_what_the_engine_failed_at_costs_nothing() -> None:
    completer = SlowCompleter()
    completer.failure = EngineError("It failed.")
    completer.go.set()

    with paying() as paid, pytest.raises(EngineError):
        await InTurn(completer, door()).complete(asked())

    assert sum(paid) == 0


USAGE = b'data: {"usage":{"prompt_tokens":9,"total_tokens":12,"completion_tokens":3}}\n\n'


@pytest.mark.parametrize(("read", "cost"), [(3, 12), (2, 2 + 2), (0, 0)])
async def test_a_stream_is_paid_for_as_it_tells_or_as_far_as_it_was_read(
    read: int, cost: int
) -> None:
    completer = SlowCompleter()
    completer.events = [b'data: {"a":1}\n\n', b'data: {"a":2}\n\n', USAGE]

    with paying() as paid:
        stream: Any = InTurn(completer, door()).stream(asked())
        async with aclosing(stream):
            for _ in range(read):
                await anext(stream)

    assert sum(paid) == cost


async def test_a_stream_that_is_left_before_its_first_token_costs_its_prompt() -> None:
    completer = SlowCompleter()
    completer.events = [b"data: [DONE]\n\n"]

    with paying() as paid:
        stream: Any = InTurn(completer, door()).stream(asked())
        async with aclosing(stream):
            await anext(stream)

    assert paid == [2]
