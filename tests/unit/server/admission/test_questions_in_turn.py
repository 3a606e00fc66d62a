"""Questions about documents take turns one by one; a document itself holds none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from medley.results import ServedModel
from medley_server.admission import Admission
from medley_server.admission.settings import AdmissionSettings
from medley_server.extraction.asking import Asking
from medley_server.extraction.in_turn import InTurn
from medley_server.extraction.question import Completion, Pinned, Question, Size


class SlowCompleter:
    """Answers when told; knows how many questions it had at once, and of which adapters."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.running: list[str] = []
        self.most = 0
        self.adapters_at_once = 0
        self.is_closed = False

    async def complete(self, question: Question) -> Completion:
        self.running.append(question.model.reference)
        self.most = max(self.most, len(self.running))
        self.adapters_at_once = max(self.adapters_at_once, len(set(self.running)))
        try:
            await self.go.wait()
            await asyncio.sleep(0)
        finally:
            self.running.remove(question.model.reference)
        return Completion(text="{}", is_whole=True, input_tokens=30, output_tokens=4)

    async def stream(self, question: Question) -> AsyncIterator[bytes]:
        try:
            yield b"one"
            yield b"two"
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
