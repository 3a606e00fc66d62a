"""Answers, turns and rows of benchmarks that nobody ran."""

from collections.abc import Sequence

from medley_registry.variants import VariantKind
from medley_training.benchmarks.answer import Answer, Slo
from medley_training.benchmarks.base_bytes import BaseBytes
from medley_training.benchmarks.condition import Condition, SlotUse
from medley_training.benchmarks.floor import MachineSpeed
from medley_training.benchmarks.lane import Engine, LaneName
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.memory import Memory
from medley_training.benchmarks.rows import Measured, Row, row_of
from medley_training.benchmarks.turn import Turn

BASE = BaseBytes(
    file_bytes=1_000_000, read_bytes=1_000_000, linear_parameters=500_000, kv_bytes_per_token=100
)
MACHINE = MachineSpeed("cpu", bandwidth_bytes_per_s=1e9, flops=1e12)
MEMORY = Memory(
    weights=1_000_000,
    kv_cache=2_000_000,
    activation=500_000,
    lora_slots=100_000,
    other=6_400_000,
    total=10_000_000,
)
LOAD = Load(concurrency=2, input_tokens=8, output_tokens=4, requests=2)
NONE = Condition(SlotUse.NONE)
ONE = Condition(SlotUse.USED, ("discharge:3",))


def answer(*, first_s: float = 0.1, gap_s: float = 0.02, error: str | None = None) -> Answer:
    """An answer of four tokens."""
    times = tuple(first_s + gap_s * place for place in range(4))
    return Answer(model="m", due_s=0.0, sent_s=0.0, token_times_s=times, error=error)


def turn(answers: Sequence[Answer] | None = None, *, preemptions: int = 0) -> Turn:
    """A turn of two answers in one second."""
    two = [answer(), answer()] if answers is None else answers
    return Turn(answers=two, wall_s=1.0, memory=MEMORY, preemptions=preemptions, facts={})


def measured(
    condition: Condition = NONE,
    turns: Sequence[Turn] | None = None,
    *,
    load: Load = LOAD,
    engine: Engine = Engine.VLLM,
    variant: VariantKind = VariantKind.BF16,
) -> Measured:
    """Two turns of one lane."""
    return Measured(
        lane=LaneName(engine, variant, condition.has_lora),
        condition=condition,
        load=load,
        turns=[turn(), turn()] if turns is None else turns,
        load_s=[40.0, 42.0],
        base=BASE,
        lora_bytes=[50_000] * condition.adapters,
    )


def row(of: Measured, *, alone: Measured | None = None) -> Row:
    """Its row."""
    return row_of(of, slo=Slo(), machine=MACHINE, alone=alone)
