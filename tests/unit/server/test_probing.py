"""A version is asked before any caller may ask it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from medley_registry import Registry, VariantKind, Version
from medley_server import probing
from medley_server.engine.fake import FakeEngine
from medley_server.errors import AdapterUnavailable
from medley_server.served_base import ServedBase

from tests.builders import TINY, adapter_tensors, make_adapter
from tests.unit.server.test_swap import Follows

PROMPT, ANSWER = "What is it?", "It is a fever."


@pytest.fixture
def here(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> Follows:
    return Follows(registry, engine, tmp_path / "cache")


def golden(registry: Registry, folder: Path, *, tokens: int = 4) -> Version:
    """A version whose publisher measured -0.5 for each of so many tokens."""
    make_adapter(folder, fill=9)
    prompt = {"prompt": PROMPT, "answer": ANSWER, "tokens": tokens, "logprob": -0.5}
    (folder / "golden.json").write_text(
        json.dumps({"schema": 1, "prompts": [prompt], "tolerance": 0.05})
    )
    return registry.publish(folder, name="measured", base=TINY, actor="t")


class Thinking(FakeEngine):
    """Thinks the same of every word, one thing with an adapter and another without."""

    def __init__(self, logprob: float) -> None:
        super().__init__()
        self.logprob = logprob

    async def score(self, name: str | None, prompt: str, answer: str) -> Sequence[float]:
        return [self.logprob if name else -3.0] * len(answer.split())


async def test_a_version_that_answers_as_the_base_does_is_refused_and_let_go(
    here: Follows, versions: list[Version], engine: FakeEngine
) -> None:
    engine.inert.add(versions[1].engine_name)

    with pytest.raises(AdapterUnavailable, match="exactly as the base does"):
        await here.residency.ensure(versions[1])

    assert engine.loaded == {}
    assert here.residency.residents == here.residency.leaving == []


async def test_a_version_that_was_refused_once_is_not_loaded_again(
    here: Follows, versions: list[Version], engine: FakeEngine
) -> None:
    engine.inert.add(versions[1].engine_name)
    with pytest.raises(AdapterUnavailable):
        await here.residency.ensure(versions[1])
    engine.refuse.add(versions[1].engine_name)

    with pytest.raises(AdapterUnavailable, match="exactly as the base does"):
        await here.residency.ensure(versions[1])


async def test_weights_that_have_learnt_nothing_yet_may_answer_as_the_base_does(
    here: Follows, registry: Registry, engine: FakeEngine, tmp_path: Path
) -> None:
    zeros = {
        name: bytes(4 * shape[0] * shape[1])
        for name, (_, shape) in adapter_tensors().items()
        if name.endswith("lora_B.weight")
    }
    folder = make_adapter(tmp_path / "blank", contents=zeros)
    blank = registry.publish(folder, name="blank", base=TINY, actor="t")
    engine.inert.add(blank.engine_name)

    await here.residency.ensure(blank)

    assert blank.engine_name in engine.loaded


async def test_a_refused_probe_leaves_the_old_version_live_and_says_why(
    here: Follows, registry: Registry, versions: list[Version], engine: FakeEngine
) -> None:
    await here.follower.reconcile()
    engine.inert.add(versions[1].engine_name)
    registry.promote("note", 2, actor="t")

    await here.follower.reconcile()

    assert here.production == "note:1"
    assert "as the base does" in (here.follower.swaps["note", "production"].failure or "")


@pytest.mark.parametrize("measured", [-0.5, -0.54, -0.46])
async def test_golden_prompts_within_the_tolerance_pass(
    registry: Registry, versions: list[Version], tmp_path: Path, measured: float
) -> None:
    version = golden(registry, tmp_path / "golden")
    here = Follows(registry, Thinking(measured), tmp_path / "cache")

    await here.residency.ensure(version)


@pytest.mark.parametrize("measured", [-0.56, -0.44, -2.0])
async def test_golden_prompts_beyond_the_tolerance_are_refused(
    registry: Registry, versions: list[Version], tmp_path: Path, measured: float
) -> None:
    version = golden(registry, tmp_path / "golden")
    here = Follows(registry, Thinking(measured), tmp_path / "cache")

    with pytest.raises(AdapterUnavailable, match="answered otherwise than published"):
        await here.residency.ensure(version)


async def test_another_tokenizer_than_the_publishers_is_refused(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    version = golden(registry, tmp_path / "golden", tokens=5)
    here = Follows(registry, Thinking(-0.5), tmp_path / "cache")

    with pytest.raises(AdapterUnavailable, match="another tokenizer"):
        await here.residency.ensure(version)


async def test_numbers_that_are_none_are_refused(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    here = Follows(registry, Thinking(nan), tmp_path / "cache")

    with pytest.raises(AdapterUnavailable, match="numbers that are none"):
        await here.residency.ensure(versions[0])


async def test_the_tolerance_is_wider_on_a_form_of_the_base_that_was_not_measured(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    version = golden(registry, tmp_path / "golden")
    here = Follows(registry, Thinking(-0.6), tmp_path / "cache")
    base = ServedBase.as_it_is(registry.base(TINY))
    here.residency.prober = probing.Prober(
        here.residency.prober._engine, replace(base, variant=VariantKind.NF4)
    )

    await here.residency.ensure(version)


async def test_a_probe_that_does_not_come_to_its_turn_is_tried_again_later(
    registry: Registry, versions: list[Version], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(FakeEngine):
        is_busy = True

        async def score(self, name: str | None, prompt: str, answer: str) -> Sequence[float]:
            if self.is_busy:
                await asyncio.sleep(60)
            return await super().score(name, prompt, answer)

    monkeypatch.setattr(probing, "PATIENCE_S", 0.05)
    engine = Busy()
    here = Follows(registry, engine, tmp_path / "cache")
    with pytest.raises(AdapterUnavailable, match="the engine is busy"):
        await here.residency.ensure(versions[0])
    assert engine.loaded == {}

    engine.is_busy = False
    await here.residency.ensure(versions[0])
