"""The transformers lane, in a process of its own, on a tiny base."""

from pathlib import Path

import pytest
from medley_registry.variants import VariantKind
from medley_training.benchmarks.condition import Condition, SlotUse
from medley_training.benchmarks.energy import EnergyMeter
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.transformers_process import TransformersLane, transformers_lane
from medley_training.errors import NotMeasured
from medley_training.tiny_base import save_byte_tokenizer

from tests.bench.random_adapter import write_random_adapter

pytestmark = pytest.mark.slow

LOAD = Load(concurrency=2, input_tokens=5, output_tokens=4, requests=3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As wide as a block of NF4, less than which bitsandbytes cannot pack anew."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny") / "base"
    config = LlamaConfig(
        vocab_size=save_byte_tokenizer(folder),
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def _run(
    base: Path, tmp_path: Path, conditions: list[Condition], *, variant: VariantKind
) -> tuple[TransformersLane, list[object]]:
    adapters = {
        f"notes.{number}:1": write_random_adapter(tmp_path / str(number), base, seed=number)
        for number in (1, 2)
    }
    has_lora = conditions[0].has_lora
    with transformers_lane(
        variant,
        base,
        adapters=adapters if has_lora else {},
        log=tmp_path / "log",
        vocabulary=Vocabulary(base),
        meter=EnergyMeter("cpu", rapl=tmp_path),
    ) as lane:
        turns = [lane.run(condition, LOAD, 0) for condition in conditions]
    for turn in turns:
        assert turn.tokens == 3 * 4
        assert all(answer.error is None for answer in turn.answers)
        assert all(
            answer.sent_s < answer.token_times_s[0] < answer.token_times_s[-1] <= turn.wall_s
            for answer in turn.answers
        )
        assert turn.answers[2].sent_s >= turn.answers[0].token_times_s[-1]  # the second batch
        assert turn.memory.weights > 0
        assert turn.memory.kv_cache > 0
        assert (turn.memory.lora_slots > 0) is has_lora
    return lane, [*turns]


def test_the_base_answers_exactly_so_many_tokens(base: Path, tmp_path: Path) -> None:
    lane, _ = _run(base, tmp_path, [Condition(SlotUse.NONE)], variant=VariantKind.BF16)

    assert str(lane.name) == "transformers-bf16-plain"
    assert lane.load_s > 0


def test_one_adapter_and_a_mixed_batch_of_two_answer_too(base: Path, tmp_path: Path) -> None:
    one = Condition(SlotUse.USED, ("notes.1:1",))
    two = Condition(SlotUse.USED, ("notes.1:1", "notes.2:1"))

    _run(base, tmp_path, [one, two, one], variant=VariantKind.BF16)


def test_nf4_takes_adapters_as_well(base: Path, tmp_path: Path) -> None:
    one = Condition(SlotUse.USED, ("notes.1:1",))

    _run(base, tmp_path, [one], variant=VariantKind.NF4)


def test_a_process_that_ends_says_why(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"vocab_size": 9}')

    with (
        pytest.raises(NotMeasured, match=r"ended; the end of .*log"),
        transformers_lane(
            VariantKind.BF16,
            tmp_path,
            adapters={},
            log=tmp_path / "log",
            vocabulary=Vocabulary(tmp_path),
            meter=EnergyMeter("cpu", rapl=tmp_path),
        ),
    ):
        pass
