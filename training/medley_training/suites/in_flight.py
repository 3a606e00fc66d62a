"""Many questions at once, and none of them forgotten."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from medley_training.errors import NotMeasured

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

MOST_FAILURES = 20
"""After so many the rest is not tried: the server is gone, or refuses this kind of question."""


async def all_answered(
    questions: Sequence[Asked],
    ask: Callable[[Asked], Awaitable[Answered]],
    *,
    at_once: int,
    observer: Callable[[int, int], None],
) -> list[Answered]:
    """The answers in the order of the questions, of which `at_once` are under way.

    Raises:
        NotMeasured: Some were not answered: says how many, and why the first was not.
    """
    found: dict[int, Answered] = {}
    failures: list[NotMeasured] = []
    places = iter(range(len(questions)))

    async def work() -> None:
        for place in places:
            if len(failures) >= MOST_FAILURES:
                return
            try:
                found[place] = await ask(questions[place])
            except NotMeasured as error:
                failures.append(error)
            observer(len(found), len(questions))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(questions))):
            group.create_task(work())
    if failures:
        missing = len(questions) - len(found)
        raise NotMeasured(
            f"{missing} of {len(questions)} questions were not answered; the first: {failures[0]}"
        ) from failures[0]
    return [found[place] for place in range(len(questions))]
