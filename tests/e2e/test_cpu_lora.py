"""Who is answered with whose weights, on vLLM's real CPU engine (docs/cpu-lora.md)."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench.engine_process import Ask, EngineProcess, EngineSpec
from tests.bench.random_adapter import write_random_adapter

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def asks(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Ask]:
    """The base and two adapters, four prompts each, interleaved."""
    folder = tmp_path_factory.mktemp("adapters")
    adapters = [
        str(write_random_adapter(folder / str(i), tiny_base, seed=i, scale=0.2)) for i in (1, 2)
    ]
    pick = random.Random(5)
    return [
        Ask(tuple(pick.randrange(512) for _ in range(length)), 24, adapter)
        for length in (5, 40, 90, 17)
        for adapter in (None, *adapters)
    ]


@pytest.fixture(scope="module")
def engines(tiny_base: Path) -> Iterator[dict[str, EngineProcess]]:
    """vLLM with Medley's wrapper and vLLM as it comes, both in float32, every slot in use."""
    with ExitStack() as stack:
        yield {
            wrapper: stack.enter_context(
                EngineProcess(
                    EngineSpec(
                        str(tiny_base), wrapper, dtype="float32", max_loras=2, max_model_len=256
                    )
                )
            )
            for wrapper in ("medley", "stock")
        }


def differing(engine: EngineProcess, asks: list[Ask]) -> list[Ask]:
    """The requests whose greedy tokens in one batch are not their tokens alone."""
    together, _ = engine.generate(asks)
    alone = [engine.generate([ask])[0][0] for ask in asks]
    return [ask for ask, a, b in zip(asks, alone, together, strict=True) if a != b]


def test_every_request_in_a_mixed_batch_gets_the_tokens_it_gets_alone(
    engines: dict[str, EngineProcess], asks: list[Ask]
) -> None:
    assert engines["medley"].wrapper_class.endswith("MedleyPunicaCPU")

    assert differing(engines["medley"], asks) == []


def test_vllms_own_wrapper_answers_base_requests_with_another_requests_adapter(
    engines: dict[str, EngineProcess], asks: list[Ask]
) -> None:
    assert engines["stock"].wrapper_class.endswith("PunicaWrapperCPU")

    wrong = differing(engines["stock"], asks)

    assert wrong
    assert all(ask.adapter is None for ask in wrong)


def test_both_wrappers_agree_on_requests_that_run_alone(
    engines: dict[str, EngineProcess], asks: list[Ask]
) -> None:
    for ask in asks:
        assert engines["medley"].generate([ask])[0] == engines["stock"].generate([ask])[0]


def test_the_adapters_do_change_the_answers(
    engines: dict[str, EngineProcess], asks: list[Ask]
) -> None:
    adapters = {ask.adapter for ask in asks}
    answers = {
        str(engines["medley"].generate([Ask(asks[0].prompt, 24, adapter)])[0])
        for adapter in adapters
    }

    assert len(answers) == len(adapters)
