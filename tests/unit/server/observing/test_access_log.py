import json
from pathlib import Path

import pytest
from medley_registry import Version
from medley_server.errors import CannotStart
from medley_server.observing.access_log import open_access_log
from medley_server.observing.request_record import RequestRecord
from medley_server.observing.routes import route_of

from tests.unit.server.observing.conftest import KEY, Observe
from tests.unit.server.observing.speaking_app import PROMPT_TOKENS, WORDS


async def test_a_line_says_who_asked_what_answered_and_what_it_took(
    observe: Observe, versions: list[Version]
) -> None:
    async with observe() as seen:
        answer = await seen.chat("note", stream=True)

    (line,) = seen.logged
    assert answer.headers["x-request-id"] == line["request_id"]
    assert line["time"].endswith("+00:00")
    assert 0 < line["first_token_s"] < line["duration_s"]
    assert line["queue_s"] >= 0
    told = {name: line[name] for name in line.keys() - {"time", "request_id", "queue_s"}
            - {"first_token_s", "duration_s"}}  # fmt: skip
    assert told == {
        "method": "POST",
        "route": "/v1/chat/completions",
        "status": 200,
        "caller": "configured key 1",
        "adapter": "note",
        "version": "note:1",
        "digest": str(versions[0].digest),
        "round": 1,
        "stream": True,
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": len(WORDS),
    }


async def test_a_refusal_has_its_code_and_a_stranger_no_name(observe: Observe) -> None:
    async with observe() as seen:
        seen.http.headers["authorization"] = f"Bearer wrong-{KEY}"
        await seen.chat()

    (line,) = seen.logged
    assert (line["status"], line["code"]) == (401, "invalid_api_key")
    assert "caller" not in line


async def test_the_callers_own_request_id_goes_all_the_way(observe: Observe) -> None:
    async with observe() as seen:
        seen.http.headers["x-request-id"] = "ward-3.17"
        answer = await seen.chat()

    assert answer.headers["x-request-id"] == "ward-3.17"
    assert seen.logged[0]["request_id"] == "ward-3.17"
    assert seen.app.headers[0][b"x-request-id"] == b"ward-3.17"


def test_it_goes_to_a_file_that_may_be_moved_away(tmp_path: Path) -> None:
    record = RequestRecord(method="GET", route="/health", request_id="r", status=200)
    file = tmp_path / "access.log"

    with open_access_log(str(file)) as lines:
        assert lines is not None
        lines.note(record)
        file.rename(tmp_path / "access.log.1")
        lines.note(record)

    for name in ("access.log", "access.log.1"):
        assert json.loads((tmp_path / name).read_text())["route"] == "/health"


def test_it_goes_to_stdout_or_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    record = RequestRecord(method="GET", route="/health", request_id="r", status=200)

    with open_access_log("-") as lines, open_access_log("none") as none:
        assert lines is not None
        lines.note(record)

    assert none is None
    assert json.loads(capsys.readouterr().out)["status"] == 200


def test_a_file_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="--access-log"), open_access_log(str(tmp_path)):
        pass


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/extract", "/extract"),
        ("/v1/jobs/7f", "/v1/jobs/*"),
        ("/v1/adapters", "/v1/adapters/*"),
        ("/v1/adapters/n/aliases/production", "/v1/adapters/*/aliases/*"),
        ("/v1/adapters/n/versions/7/files/a/b", "/v1/adapters/*/versions/*"),
        ("/v1/access-keys/8c1f", "/v1/access-keys/*"),
        ("/", "/page/*"),
        ("/v1/chat/completions\n", "other"),
        ("/v1/secrets/of/mine", "other"),
    ],
)
def test_a_route_is_one_of_a_fixed_set(path: str, route: str) -> None:
    assert route_of(path) == route
