"""`medley chat`, on a terminal and without one."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from medley.commands.prompting import read_prompt
from medley.testing import FakeServer
from medley.testing.fake_server import Reply
from medley.testing.sent_request import SentRequest

from tests.unit.clients.command import Start, run, start
from tests.unit.clients.loopback import listening

__all__ = ["start"]  # pytest finds fixtures by their names here

CHAT = "/v1/chat/completions"
MODELS = {
    "data": [
        {"id": "tiny", "kind": "base", "root": "tiny"},
        {"id": "note", "kind": "alias", "root": "note:7", "round": 4},
        {"id": "note:7", "kind": "version", "root": "note:7", "round": 4},
    ]
}


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    server.answer("GET", "/v1/models", MODELS)
    return server


@pytest.fixture
def url(server: FakeServer) -> Iterator[str]:
    with server.listening() as url:
        yield url


def questions(server: FakeServer) -> list[Any]:
    return [sent.body for sent in server.requests if sent.path == CHAT]


def test_a_prompt_is_answered_on_stdout_and_who_answered_is_said_beside_it(
    server: FakeServer, url: str
) -> None:
    server.chats("Rest.\nDrink.", model="note:7", digest="sha256:abcdef0123456789", round=4)

    done = run("chat", "--model", "note", "--system", "Short.", "I cough.", "--server", url)

    assert (done.exit_code, done.stdout) == (0, "Rest.\nDrink.\n")
    assert done.stderr == "-- note:7, sha256:abcdef012345, round 4\n"
    (asked,) = questions(server)
    assert asked["model"] == "note"
    assert [one["content"] for one in asked["messages"]] == ["Short.", "I cough."]


def test_what_comes_on_stdin_is_the_question(server: FakeServer, url: str) -> None:
    server.chats("ok")

    done = run("chat", "--max-tokens", "5", "--temperature", "0", "--server", url, typed="a\nb\n")

    assert done.exit_code == 0
    (asked,) = questions(server)
    assert (asked["messages"][0]["content"], asked["max_tokens"]) == ("a\nb\n", 5)
    assert run("chat", "--server", url, typed=" \n").exit_code == 2


def test_a_refusal_is_one_line_and_exit_code_1(server: FakeServer, url: str) -> None:
    server.refuse("POST", CHAT, status=404, code="model_not_found")

    done = run("chat", "--model", "nobody", "Hi", "--server", url)

    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "error: model not found\n")


def test_nothing_that_a_model_writes_acts_on_the_terminal(server: FakeServer, url: str) -> None:
    server.chats("a\x1b[2Jb\tc", model="x\x1b[1m")

    done = run("chat", "Hi", "--server", url)

    assert "\x1b" not in done.stdout + done.stderr
    assert "b\tc" in done.stdout


def test_a_conversation_remembers_switches_and_is_saved(
    server: FakeServer, url: str, tmp_path: Path, start: Start
) -> None:
    server.chats("First answer.", model="tiny")
    server.chats("Second answer.", model="note:7", round=4)
    target = tmp_path / "talk.json"

    terminal = start("chat", "--server", url)
    at = terminal.wait_for("base> ")
    terminal.type("/system Be kind.\n")
    at = terminal.wait_for("base> ", after=at)
    terminal.type("one\n")
    at = terminal.wait_for("-- tiny", after=at)
    terminal.type("/use note\n")
    at = terminal.wait_for("note> ", after=at)
    terminal.type("two \\\nlines\n")
    at = terminal.wait_for("-- note:7", after=at)
    terminal.type(f"/save {target}\n")
    at = terminal.wait_for("saved: ", after=at)
    terminal.type("/reset\n")
    at = terminal.wait_for("forgotten", after=at)
    terminal.type('"""\nthree\nlines\n"""\n')
    at = terminal.wait_for("-- note:7", after=at)
    terminal.wait_for("note> ", after=at)
    terminal.type("\x04")

    assert terminal.end() == 0
    first, second, third = questions(server)
    assert "model" not in first
    assert second["model"] == "note"
    assert [one["content"] for one in second["messages"]] == [
        "Be kind.",
        "one",
        "First answer.",
        "two \nlines",
    ]
    assert [one["content"] for one in third["messages"]] == ["Be kind.", "three\nlines"]
    saved = json.loads(target.read_text())
    assert [turn["answer"]["model"] for turn in saved["turns"]] == ["tiny", "note:7"]


def test_several_are_asked_the_same_at_once_and_none_of_it_is_remembered(
    server: FakeServer, url: str, start: Start
) -> None:
    def respond(request: SentRequest) -> Reply:
        name = request.body.get("model", "tiny")
        if name == "nobody":
            return Reply({"error": {"message": "no such model", "code": "x"}}, status=404)
        choice = {"message": {"content": f"I am {name}."}, "finish_reason": "stop"}
        return Reply({"model": f"{name}:7", "choices": [choice]})

    server.respond("POST", CHAT, respond)

    terminal = start("chat", "--server", url)
    at = terminal.wait_for("base> ")
    terminal.type("/compare note nobody plain\n")
    at = terminal.wait_for("base> ", after=at)
    terminal.type("Who are you?\n")
    at = terminal.wait_for("I am plain.", after=at)
    terminal.type("/models\n")
    terminal.wait_for("note:7   version", after=at)
    terminal.type("/quit\n")

    assert terminal.end() == 0
    assert "-- note: note:7, " in terminal.shown
    assert "error: nobody: no such model" in terminal.shown
    assert terminal.shown.index("I am note.") < terminal.shown.index("I am plain.")
    assert sorted(one["model"] for one in questions(server)) == ["nobody", "note", "plain"]


def test_a_name_that_nobody_has_leaves_everything_as_it_is(
    server: FakeServer, url: str, start: Start
) -> None:
    place = "/v1/adapters/nite/versions/production"
    server.refuse("GET", place, status=404, code="adapter_not_found")

    terminal = start("chat", "--server", url, "--model", "note")
    at = terminal.wait_for("note> ")
    terminal.type("/use nite\n")
    at = terminal.wait_for("error: adapter not found", after=at)
    at = terminal.wait_for("note> ", after=at)
    terminal.type("/nonsense\n")
    at = terminal.wait_for("error: no command /nonsense", after=at)
    terminal.type("/help\n")
    terminal.wait_for("/compare REF ...", after=at)
    terminal.type("/quit\n")

    assert terminal.end() == 0


def test_an_interrupt_stops_the_answer_and_not_the_program(start: Start) -> None:
    left: list[float] = []

    async def talk(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        chunk = {"model": "note:7", "choices": [{"delta": {"content": "and "}}]}
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = f"data: {json.dumps(chunk)}\n\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        left.append(time.monotonic())

    with listening(talk) as url:
        terminal = start("chat", "--server", url)
        at = terminal.wait_for("base> ")
        terminal.type("talk\n")
        at = terminal.wait_for("and ", after=at)
        terminal.type("\x03")
        at = terminal.wait_for("stopped", after=at)
        at = terminal.wait_for("base> ", after=at)
        terminal.type("half a line")
        at = terminal.wait_for("half a line", after=at)
        terminal.press("\x03", until="base> ", after=at)
        terminal.type("\x04")
        assert terminal.end() == 0

    assert len(left) == 1


@pytest.mark.parametrize(
    ("lines", "prompt"),
    [
        (["one"], "one"),
        (["one\\", "two\\", "three"], "one\ntwo\nthree"),
        (['"""', "a\\", "", "b", '"""'], "a\\\n\nb"),
        ([""], ""),
    ],
)
def test_a_prompt_may_have_many_lines(lines: list[str], prompt: str) -> None:
    left = iter(lines)

    assert read_prompt("> ", lambda shown: next(left)) == prompt
    assert list(left) == []
