"""A model's answer at a terminal."""

from collections.abc import Mapping, Sequence

import typer
from medley_registry.commands.screen import print_note
from medley_registry.inert import inert

from medley import ChatAnswer, Client
from medley.chats import ChatOptions


def stream_answer(
    client: Client,
    messages: Sequence[Mapping[str, str]],
    model: str | None,
    options: ChatOptions,
) -> ChatAnswer:
    """Ask, and print the answer as it comes; then who gave it, on stderr.

    A key that interrupts stops the answer; what came of it is printed and thrown away.
    """
    with client.chat(messages, model, stream=True, **options) as stream:
        for piece in stream:
            typer.echo(harmless(piece), nl=False)
        typer.echo()
        print_note(f"-- {who(stream.answer)}")
        return stream.answer


def harmless(text: str) -> str:
    """What a model wrote, in which nothing acts on a terminal but its lines and tabs."""
    return "".join(c if c in "\n\t" else inert(c) for c in text)


def who(answer: ChatAnswer) -> str:
    parts = [answer.model or "the base"]
    if answer.digest:
        parts.append(answer.digest[:19])
    if answer.round is not None:
        parts.append(f"round {answer.round}")
    if answer.finish_reason == "length":
        parts.append("cut: the answer was as long as allowed")
    return ", ".join(parts)
