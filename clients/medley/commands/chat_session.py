"""An interactive chat: questions, and commands that begin with a slash."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import typer
from medley_registry.commands.screen import print_note, print_table

from medley import AsyncClient, Client, MedleyError
from medley.chats import ChatOptions
from medley.commands.answer_view import stream_answer
from medley.commands.comparing import compare
from medley.commands.conversation import Conversation
from medley.commands.prompting import read_prompt, use_line_editing

HELP = r'''
/use REF          ask this adapter from now on: name, name@alias, name:7; /use alone: the base
/models           what can be asked here
/compare REF ...  ask several the next question, beside one another; none is remembered
/system TEXT      say this before everything else; /system alone: nothing
/reset            forget what was said
/save FILE        write the conversation as JSON, with the version of each answer
/help             this
/quit             leave; so does Ctrl-D

A line that ends with \ goes on in the next. Three quotes (""") begin and end many lines.
Ctrl-C stops the answer.
'''.strip()


class ChatSession:
    """Reads, asks, prints, until somebody leaves."""

    def __init__(
        self,
        client: Client,
        conversation: Conversation,
        options: ChatOptions,
        *,
        make_async_client: Callable[[], AsyncClient],
    ) -> None:
        """A session that begins with a conversation as it is."""
        self._client = client
        self._conversation = conversation
        self._options = options
        self._make_async_client = make_async_client
        self._comparing: tuple[str, ...] = ()
        self._commands: Mapping[str, Callable[[str], None]] = {
            "/use": self._use,
            "/models": self._models,
            "/compare": self._compare,
            "/system": self._system,
            "/reset": self._reset,
            "/save": self._save,
            "/help": self._help,
        }

    def run(self) -> None:
        """Until Ctrl-D or `/quit`."""
        use_line_editing((*self._commands, "/quit"))
        print_note("/help says what there is; Ctrl-D leaves")
        while True:
            try:
                said = read_prompt(f"{self._conversation.model or 'base'}> ").strip()
            except EOFError:
                typer.echo()
                return
            except KeyboardInterrupt:  # of a line that is begun; the program stays
                typer.echo()
                continue
            if said == "/quit":
                return
            if said:
                self._take(said)

    def _take(self, said: str) -> None:
        try:
            if said.startswith("/"):
                self._command(said)
            elif self._comparing:
                self._ask_several(said)
            else:
                self._ask(said)
        except (MedleyError, OSError) as error:
            print_note(f"error: {error}")
        except KeyboardInterrupt:
            typer.echo(err=True)  # the answer's line has begun
            print_note("stopped")

    def _command(self, said: str) -> None:
        word, _, rest = said.partition(" ")
        if (command := self._commands.get(word)) is None:
            print_note(f"error: no command {word}; /help says what there is")
            return
        command(rest.strip())

    def _ask(self, question: str) -> None:
        conversation = self._conversation
        answer = stream_answer(
            self._client, conversation.messages_for(question), conversation.model, self._options
        )
        conversation.add(question, answer)

    def _ask_several(self, question: str) -> None:
        references, self._comparing = self._comparing, ()
        messages = self._conversation.messages_for(question)
        making = self._make_async_client
        asyncio.run(compare(making, messages, references, self._options))

    def _use(self, reference: str) -> None:
        if reference and all(one.id != reference for one in self._client.models()):
            self._client.adapters.version(reference)  # says which are near, if there is none
        self._conversation.model = reference or None
        print_note(f"asking {reference or 'the base'} from now on")

    def _models(self, _rest: str) -> None:
        rows = [(one.id, one.kind, one.version, one.round or "") for one in self._client.models()]
        print_table(("ASK FOR", "KIND", "ANSWERS", "ROUND"), rows)

    def _compare(self, rest: str) -> None:
        self._comparing = tuple(rest.split())
        if self._comparing:
            print_note(f"the next question goes to {', '.join(self._comparing)}")
        else:
            print_note("error: /compare needs references, as in /compare note:1 note:2")

    def _system(self, text: str) -> None:
        self._conversation.system = text

    def _reset(self, _rest: str) -> None:
        self._conversation.reset()
        print_note("forgotten")

    def _save(self, name: str) -> None:
        if not name:
            print_note("error: /save needs a file's name")
            return
        self._conversation.save(Path(name).expanduser())
        print_note(f"saved: {name}")

    def _help(self, _rest: str) -> None:
        typer.echo(HELP)
