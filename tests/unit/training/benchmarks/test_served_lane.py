"""A server as a lane, and pages asked of it; what answers is a fake."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from medley_registry.variants import VariantKind
from medley_training.benchmarks.condition import Condition, SlotUse
from medley_training.benchmarks.energy import EnergyMeter
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.pages import page_latencies_ms
from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.served_lane import ServedLane
from medley_training.errors import NotMeasured
from medley_training.measuring.served import Served

from tests.unit.training.benchmarks.fake_server import MEMORY, FakeServer, fake_server

LOAD = Load(concurrency=2, input_tokens=3, output_tokens=4, requests=4)


@dataclass(frozen=True, slots=True)
class Named:
    """A base or a process, as far as it matters here."""

    name: str = "tiny"
    url: str = ""


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        yield fake


def _lane(
    server: FakeServer, tmp_path: Path, variant: VariantKind = VariantKind.BF16
) -> ServedLane:
    (tmp_path / "config.json").write_text('{"vocab_size": 9}')
    process: Any = Named(url=server.url)
    served = Served(cast(Any, Named()), variant, process, 41.0)
    return ServedLane(
        served,
        has_lora=True,
        vocabulary=Vocabulary(tmp_path),
        meter=EnergyMeter("cpu", rapl=tmp_path),
    )


def test_a_turn_has_the_answers_the_memory_and_what_the_server_says_of_itself(
    server: FakeServer, tmp_path: Path
) -> None:
    turn = _lane(server, tmp_path).run(Condition(SlotUse.USED, ("a:1", "b:1")), LOAD, 0)

    assert turn.tokens == 16
    assert {body["model"] for body in server.asked} == {"a:1", "b:1"}
    assert turn.memory.total == MEMORY["total"]
    assert turn.facts["engine"] == "vllm 0"
    assert "rows" not in turn.facts
    assert server.resets == 1  # the peak is this turn's
    assert turn.energy_j is None


def test_without_versions_the_base_is_asked(server: FakeServer, tmp_path: Path) -> None:
    _lane(server, tmp_path).run(Condition(SlotUse.IDLE), LOAD, 0)

    assert {body["model"] for body in server.asked} == {"tiny"}


def test_preemptions_are_those_of_the_turn(server: FakeServer, tmp_path: Path) -> None:
    server.preemptions = 5
    lane = _lane(server, tmp_path)

    assert lane.run(Condition(SlotUse.IDLE), LOAD, 0).preemptions == 0


def test_a_server_that_is_gone_is_not_measured(tmp_path: Path) -> None:
    with fake_server() as fake:
        lane = _lane(fake, tmp_path)

    with pytest.raises(NotMeasured, match="benchmark"):
        lane.run(Condition(SlotUse.IDLE), LOAD, 0)


def test_a_server_that_runs_another_quantization_is_not_measured(
    server: FakeServer, tmp_path: Path
) -> None:
    lane = _lane(server, tmp_path, VariantKind.AWQ)

    with pytest.raises(NotMeasured, match="unquantized: that is not awq"):
        lane.run(Condition(SlotUse.IDLE), LOAD, 0)


def test_no_proxy_stands_before_a_server_of_ones_own(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    turn = _lane(server, tmp_path).run(Condition(SlotUse.IDLE), LOAD, 0)

    assert turn.tokens == 16


def test_each_page_is_asked_once_and_the_first_once_more_to_warm_up(server: FakeServer) -> None:
    times = page_latencies_ms(server.url, "tiny", [b"one", b"two", b"three"])

    assert len(times) == 3
    images = [body["messages"][0]["content"][0]["image_url"]["url"] for body in server.asked]
    assert len(images) == 4
    assert images[0] == images[3] == "data:image/png;base64,b25l"


def test_a_page_that_is_refused_is_not_measured(server: FakeServer) -> None:
    server.status = 400

    with pytest.raises(NotMeasured, match="400"):
        page_latencies_ms(server.url, "tiny", [b"one"])
