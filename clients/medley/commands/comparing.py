"""One question to several versions at once."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import typer
from medley_registry.commands.screen import print_line, print_note

from medley import AsyncClient, ChatAnswer, MedleyError
from medley.chats import ChatOptions
from medley.commands.answer_view import harmless, who


async def compare(
    make_client: Callable[[], AsyncClient],
    messages: Sequence[Mapping[str, str]],
    references: Sequence[str],
    options: ChatOptions,
) -> None:
    """Print each answer as soon as it and those before it are there, with who gave it."""
    async with make_client() as client:
        asking = [
            asyncio.create_task(_timed(client, messages, reference, options))
            for reference in references
        ]
        try:
            for reference, task in zip(references, asking, strict=True):
                await _show(reference, task)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)


async def _show(reference: str, task: asyncio.Task[tuple[ChatAnswer, float]]) -> None:
    """One that cannot answer is told of, and the others are shown all the same."""
    try:
        answer, seconds = await task
    except MedleyError as error:
        print_note(f"error: {reference}: {error}")
        return
    print_line(f"-- {reference}: {who(answer)}, {seconds:.1f} s")
    typer.echo(harmless(answer.text) + "\n")


async def _timed(
    client: AsyncClient,
    messages: Sequence[Mapping[str, str]],
    reference: str,
    options: ChatOptions,
) -> tuple[ChatAnswer, float]:
    started = time.monotonic()
    answer = await client.chat(messages, reference, **options)
    return answer, time.monotonic() - started
