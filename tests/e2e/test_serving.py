"""The running server, through the `openai` package as it is."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from medley_registry import Registry, open_registry
from medley_server.demo.showcase import PLAIN_WORDS, TRIAGE_NOTE
from medley_server.demo.small_base import NAME

from tests.e2e.conftest import RunningServer

pytestmark = pytest.mark.e2e


@pytest.fixture
def client(server: RunningServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{server.process.url}/v1", api_key="none", max_retries=0
    ) as client:
        yield client


@pytest.fixture
def registry(server: RunningServer, client: openai.OpenAI) -> Iterator[Registry]:
    """The server's registry, opened by another process: this one. Version 1 is live."""
    name = TRIAGE_NOTE.name
    with open_registry(server.home / "registry") as registry:
        registry.promote(name, 1, actor="test")
        wait_for(client, name, f"{name}:1")
        yield registry


def ask(client: openai.OpenAI, model: str, question: str, **more: Any) -> Any:
    messages: Any = [{"role": "user", "content": question}]
    return client.chat.completions.create(
        model=model, messages=messages, **({"temperature": 0, "max_tokens": 120} | more)
    )


def wait_for(client: openai.OpenAI, model: str, version: str) -> float:
    """Seconds until the alias is answered by the version."""
    started = time.monotonic()
    while time.monotonic() - started < 30:
        if ask(client, model, "Hi", max_tokens=1).model == version:
            return time.monotonic() - started
    raise AssertionError(f"{model} was never answered by {version}")


@pytest.mark.parametrize("shown", [TRIAGE_NOTE, PLAIN_WORDS], ids=lambda shown: str(shown.name))
@pytest.mark.parametrize("number", [1, 2])
def test_each_version_visibly_answers_in_its_own_way(
    client: openai.OpenAI, shown: Any, number: int
) -> None:
    answer = ask(client, f"{shown.name}:{number}", shown.question, max_tokens=160)

    assert answer.model == f"{shown.name}:{number}"
    assert shown.marks[number - 1].is_on(answer.choices[0].message.content)


def test_the_base_answers_without_any_adapters_mark(client: openai.OpenAI) -> None:
    answer = ask(client, NAME, TRIAGE_NOTE.question)

    assert answer.model == NAME
    assert not any(mark.is_on(answer.choices[0].message.content) for mark in TRIAGE_NOTE.marks)


def test_a_stream_keeps_its_version_while_the_alias_moves(
    client: openai.OpenAI, registry: Registry
) -> None:
    text, models = [], set()

    for number, chunk in enumerate(
        ask(client, TRIAGE_NOTE.name, TRIAGE_NOTE.question, stream=True)
    ):
        models.add(chunk.model)
        text.append(chunk.choices[0].delta.content or "")
        if number == 5:
            registry.promote(TRIAGE_NOTE.name, 2, actor="test")
            wait_for(client, TRIAGE_NOTE.name, f"{TRIAGE_NOTE.name}:2")

    assert models == {f"{TRIAGE_NOTE.name}:1"}
    # Its marks, not its very text: in bfloat16 a neighbour in the batch may turn a near tie.
    assert TRIAGE_NOTE.marks[0].is_on("".join(text))


def test_an_alias_moved_by_another_process_is_served_and_rolled_back(
    client: openai.OpenAI, registry: Registry
) -> None:
    name = TRIAGE_NOTE.name

    registry.promote(name, 2, actor="test")
    forward_s = wait_for(client, name, f"{name}:2")
    registry.rollback(name, actor="test")
    back_s = wait_for(client, name, f"{name}:1")

    print(f"served after {forward_s:.2f} s, rolled back after {back_s:.2f} s")


def test_the_answer_carries_the_digest_and_the_round(
    client: openai.OpenAI, registry: Registry
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=f"{PLAIN_WORDS.name}:2", messages=[{"role": "user", "content": "Hi"}], max_tokens=1
    )

    digest = registry.resolve(f"{PLAIN_WORDS.name}:2").digest
    assert raw.headers["x-medley-digest"] == str(digest)
    assert raw.headers["x-medley-round"] == "2"


def test_a_version_is_found_by_its_digest(client: openai.OpenAI, registry: Registry) -> None:
    digest = registry.resolve(f"{PLAIN_WORDS.name}:1").digest

    answer = ask(client, f"{PLAIN_WORDS.name}@{digest}", "Hi", max_tokens=1)

    assert answer.model == f"{PLAIN_WORDS.name}:1"


def test_log_probabilities_come_with_an_adapters_answer(client: openai.OpenAI) -> None:
    answer = ask(client, PLAIN_WORDS.name, "Hi", max_tokens=3, logprobs=True, top_logprobs=2)

    tokens = answer.choices[0].logprobs.content
    assert [len(token.top_logprobs) for token in tokens] == [2] * len(tokens)


def test_a_json_schema_is_kept(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "drug": {"type": "string", "maxLength": 12},
            "dose_mg": {"type": "integer", "minimum": 1, "maximum": 1000},
        },
        "required": ["drug", "dose_mg"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "dose", "schema": schema}}

    answer = ask(client, PLAIN_WORDS.name, "Aspirin 75 mg daily.", response_format=wanted)

    record = json.loads(answer.choices[0].message.content)
    assert record.keys() == {"drug", "dose_mg"}
    assert 1 <= record["dose_mg"] <= 1000


def test_a_named_tool_is_called(client: openai.OpenAI) -> None:
    """Only the call's name is checked: this base's template never shows it the tools."""
    parameters = {
        "type": "object",
        "properties": {"level": {"type": "string", "enum": ["low", "high"]}},
        "required": ["level"],
        "additionalProperties": False,
    }
    tool = {"type": "function", "function": {"name": "set_alarm", "parameters": parameters}}

    answer = ask(
        client,
        NAME,
        "Set the alarm high.",
        tools=[tool],
        tool_choice={"type": "function", "function": {"name": "set_alarm"}},
    )

    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == "set_alarm"


def test_completions_and_responses_take_references_too(client: openai.OpenAI) -> None:
    reference = f"{TRIAGE_NOTE.name}:2"

    completion = client.completions.create(model=reference, prompt="The heart", max_tokens=4)
    response = client.responses.create(model=reference, input="Hi", max_output_tokens=4)

    assert completion.model == response.model == reference


def test_an_unknown_reference_is_not_found_and_the_nearest_are_named(
    client: openai.OpenAI,
) -> None:
    with pytest.raises(openai.NotFoundError, match=TRIAGE_NOTE.name) as caught:
        ask(client, "triage-nota", "Hi")

    assert caught.value.code == "model_not_found"


def test_models_health_and_metrics_tell_what_is_served(
    client: openai.OpenAI, server: RunningServer, registry: Registry
) -> None:
    wait_for(client, PLAIN_WORDS.name, f"{PLAIN_WORDS.name}:1")
    listed = {model.id for model in client.models.list()}
    health = server.process.health()
    metrics = httpx.get(f"{server.process.url}/metrics").text

    assert {NAME, TRIAGE_NOTE.name, f"{TRIAGE_NOTE.name}@production", "plain-words:2"} <= listed
    assert health is not None
    assert health["ready"]
    assert health["base"]["name"] == NAME
    assert {row["version"] for row in health["resident"]} >= {"triage-note:1", "plain-words:1"}
    assert "vllm:num_requests_running" in metrics


def test_engine_routes_that_change_state_are_not_reachable(server: RunningServer) -> None:
    for path in ("/v1/load_lora_adapter", "/invocations", "/pause", "/reset_prefix_cache"):
        assert httpx.post(f"{server.process.url}{path}", json={}).status_code == 404


def test_the_files_the_engine_reads_lie_under_the_home_by_digest(
    server: RunningServer, registry: Registry
) -> None:
    digest = registry.resolve(f"{TRIAGE_NOTE.name}:1").digest

    folder: Path = server.home / "cache" / "adapters" / digest.hex

    assert (folder / "adapter_model.safetensors").is_file()
