"""`medley chat`: talk to the versions that a server has."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from medley.commands.server_options import KeyOption, ServerOption, key_in

if TYPE_CHECKING:
    from medley.chats import ChatOptions


def chat(
    prompt: Annotated[
        str | None,
        typer.Argument(metavar="[PROMPT]", help="Ask this, and end.", show_default=False),
    ] = None,
    *,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="REF", help="Who is asked; else the base.", show_default=False
        ),
    ] = None,
    system: Annotated[
        str, typer.Option("--system", metavar="TEXT", help="Said before everything else.")
    ] = "",
    max_tokens: Annotated[
        int | None,
        typer.Option("--max-tokens", min=1, help="The longest answer.", show_default=False),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", min=0, max=2, help="0: the likeliest.", show_default=False),
    ] = None,
    server: ServerOption = None,
    key_variable: KeyOption = None,
) -> None:
    """Talk to a base model and its adapters; each answer says which version gave it.

    Without PROMPT, on a terminal, a conversation: /help lists its commands.
    Else one answer on stdout, to PROMPT or to what comes on stdin.

    \b
    Examples:
      medley chat
      medley chat --model triage-note:2 --system "Answer in one line."
      medley chat --model triage-note "I have had a cough for a week."
      medley chat --model plain-words < letter.txt
    """
    from medley import AsyncClient, Client
    from medley.commands.answer_view import stream_answer
    from medley.commands.chat_session import ChatSession
    from medley.commands.conversation import Conversation

    options: ChatOptions = {}
    if max_tokens is not None:
        options["max_tokens"] = max_tokens
    if temperature is not None:
        options["temperature"] = temperature
    conversation = Conversation(model=model, system=system)
    key = key_in(key_variable)
    with Client(server, api_key=key) as client:
        if prompt is None and sys.stdin.isatty():
            make = partial(AsyncClient, server, api_key=key)
            ChatSession(client, conversation, options, make_async_client=make).run()
            return
        question = prompt if prompt is not None else sys.stdin.read()
        if not question.strip():
            raise typer.BadParameter("there is nothing to ask", param_hint="PROMPT")
        stream_answer(client, conversation.messages_for(question), model, options)
