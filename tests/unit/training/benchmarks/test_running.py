"""Who is measured when, and what is up meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from medley_registry.variants import VariantKind
from medley_training.benchmarks.answer import Slo
from medley_training.benchmarks.condition import Condition, SlotUse, conditions, parse_counts
from medley_training.benchmarks.lane import Engine, Lane, LaneName
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.plan import Plan
from medley_training.benchmarks.running import Run
from medley_training.benchmarks.schedule import mirrored, sessions
from medley_training.benchmarks.turn import Turn
from medley_training.errors import BadLoad, NotMeasured

from tests.unit.training.benchmarks.made import turn

NONE, IDLE = Condition(SlotUse.NONE), Condition(SlotUse.IDLE)
USED = Condition(SlotUse.USED, ("a:1",))
PLAIN = LaneName(Engine.VLLM, VariantKind.BF16, has_lora=False)
LORA = LaneName(Engine.VLLM, VariantKind.BF16, has_lora=True)
NF4 = LaneName(Engine.VLLM, VariantKind.NF4, has_lora=False)


class Diary:
    """What happened, in order."""

    def __init__(self, *, fails_at: str = "") -> None:
        self.lines: list[str] = []
        self.fails_at = fails_at

    @contextmanager
    def start(self, name: LaneName) -> Iterator[Lane]:
        self.lines.append(f"start {name}")
        try:
            yield FakeLane(name, self)
        finally:
            self.lines.append(f"stop {name}")

    @property
    def measured(self) -> list[str]:
        return [line for line in self.lines if line.startswith("run")]


class FakeLane:
    """Writes down what it is asked for."""

    load_s = 1.0

    def __init__(self, name: LaneName, diary: Diary) -> None:
        self.name = name
        self._diary = diary

    def run(self, condition: Condition, load: Load, repeat: int) -> Turn:
        line = f"{self.name.variant} {condition.label}"
        self._diary.lines.append(f"warm {line}" if repeat < 0 else f"run {line}")
        if line == self._diary.fails_at:
            raise NotMeasured("gone")
        return turn()


def _plan(repeats: int = 2) -> Plan:
    return Plan(
        variants=(VariantKind.BF16,),
        counts=(None,),
        loads=(Load(),),
        repeats=repeats,
        slo=Slo(),
    )


def _measure(diary: Diary, lanes: list[LaneName], *, together: bool, repeats: int = 2) -> Run:
    run = Run(
        _plan(repeats),
        [NONE, IDLE, USED],
        start=diary.start,
        progress=lambda done, total: diary.lines.append(f"done {done}/{total}"),
        pause_s=0,
    )
    run.measure(lanes, together=together)
    return run


def test_every_second_repeat_goes_backwards() -> None:
    assert mirrored("abc", 0) == ["a", "b", "c"]
    assert mirrored("abc", 1) == ["c", "b", "a"]


def test_lanes_apart_are_started_in_mirrored_order_and_share_the_repeats() -> None:
    planned = sessions("abc", repeats=4, together=False)

    assert [session.lanes[0] for session in planned] == ["a", "b", "c", "c", "b", "a"]
    assert [session.repeats for session in planned] == [(0, 2)] * 3 + [(1, 3)] * 3
    assert len(sessions("abc", repeats=1, together=False)) == 3


def test_together_all_are_up_and_take_turns_a_b_b_a() -> None:
    diary = Diary()

    _measure(diary, [PLAIN, LORA], together=True)

    there = ["run bf16 none", "run bf16 0", "run bf16 1"]
    assert diary.measured == [*there, *reversed(there)]
    assert [line for line in diary.lines if line.startswith("st")] == [
        "start vllm-bf16-plain",
        "start vllm-bf16-lora",
        "stop vllm-bf16-lora",
        "stop vllm-bf16-plain",
    ]
    assert diary.lines[-3] == "done 6/6"


def test_apart_each_is_alone_and_started_twice() -> None:
    diary = Diary()

    _measure(diary, [PLAIN, NF4], together=False)

    assert diary.measured == ["run bf16 none", "run nf4 none", "run nf4 none", "run bf16 none"]
    starts = [line for line in diary.lines if line.startswith("st")]
    assert [line.split()[0] for line in starts] == ["start", "stop"] * 4


def test_each_condition_is_warmed_up_before_it_counts() -> None:
    diary = Diary()

    _measure(diary, [LORA], together=True, repeats=1)

    told = [line for line in diary.lines if not line.startswith(("done", "st"))]
    assert told == ["warm bf16 0", "warm bf16 1", "run bf16 0", "run bf16 1"]


def test_whatever_happens_nothing_is_left_running() -> None:
    diary = Diary(fails_at="bf16 1")

    with pytest.raises(NotMeasured):
        _measure(diary, [PLAIN, LORA], together=True)

    assert diary.lines[-2:] == ["stop vllm-bf16-lora", "stop vllm-bf16-plain"]


def test_counts_become_conditions_and_stand_ins_come_last() -> None:
    counts = parse_counts("none, 0,1,3")

    found = conditions(counts, own=["a:1", "b:1"], stand_ins=["stand-in-0:1"])

    assert [condition.label for condition in found] == ["none", "0", "1", "1", "3"]
    assert found[2].versions == ("a:1",)
    assert found[3].versions == ("b:1",)
    assert found[4].versions == ("a:1", "b:1", "stand-in-0:1")


@pytest.mark.parametrize("text", ["", "one", "1,1", "-1", "none,none"])
def test_other_counts_are_refused(text: str) -> None:
    with pytest.raises(BadLoad, match="--adapters"):
        parse_counts(text)


def test_transformers_has_no_slots_that_could_be_idle() -> None:
    lane = LaneName(Engine.TRANSFORMERS, VariantKind.BF16, has_lora=True)

    assert not lane.takes(IDLE)
    assert lane.takes(USED)
    assert LORA.takes(IDLE)
    assert not PLAIN.takes(IDLE)
