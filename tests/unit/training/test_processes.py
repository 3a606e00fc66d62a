"""Two real processes that train one adapter, against one process that trains it alone."""

import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry.digest import Digest
from medley_training.data.formatting import TokenizedExample
from medley_training.evaluation.scores import Scores
from medley_training.identity.task import Task
from medley_training.local.determinism import reproducible
from medley_training.local.lora import LoraShape, adapter_tensors, wrap
from medley_training.local.processes import Processes
from medley_training.local.trainer import TrainingPlan, train
from medley_training.rounds.learner import HeldOut, Learnt
from medley_training.rounds.together import follow, together

from tests.unit.training.identity.made import make_task
from tests.unit.training.tiny_base import copying_examples, tiny_base

SHAPE = LoraShape(rank=2, alpha=4)
# Steps of three batches are dealt whole; steps of one batch are dealt row by row.
PLANS = {
    "whole batches": TrainingPlan(
        epochs=3, learning_rate=0.05, seed=1, batch_tokens=30, accumulated_batches=3
    ),
    "rows": TrainingPlan(epochs=3, learning_rate=0.05, seed=1, batch_tokens=60, proximal_mu=0.5),
}


class FakeState:
    def __init__(self, index: int, count: int) -> None:
        self.process_index = index
        self.num_processes = count


def _trained(seed: int, plan: TrainingPlan, processes: Processes | None) -> dict[str, object]:
    with reproducible(seed, threads=1):
        model = wrap(tiny_base(), SHAPE)
        result = train(model, copying_examples(13), plan, pad_token_id=0, processes=processes)
    return {**adapter_tensors(model), "losses": result.losses, "num_tokens": result.num_tokens}


def _one_of_two(index: int, port: int, folder: str) -> None:
    import torch

    os.environ |= {
        "LOCAL_RANK": str(index),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "RANK": str(index),
        "WORLD_SIZE": "2",
    }
    processes = Processes.join()
    assert processes is not None
    # Another seed in each process: all must start from the first one's adapter nevertheless.
    found = {name: _trained(1 + index, plan, processes) for name, plan in PLANS.items()}
    found["together"] = _in_a_site(processes)
    torch.save(found, Path(folder) / f"{index}.pt")


def _in_a_site(processes: Processes) -> dict[str, object]:
    """What a site of two processes learns when its first one is asked to."""
    learner = _Remembering(processes)
    if not processes.is_first:
        follow(learner, processes)
        return learner.learnt
    with together(learner, processes) as shared:
        shared.learn(make_task(seed=1, privacy={"mechanism": "none"}), {}, lambda _: None)
    return learner.learnt


class _Remembering:
    base = Digest.of(b"")
    quantization = "none"

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self.learnt: dict[str, object] = {}

    def learn(self, task: Task, start: object, steps: object) -> Learnt:
        del start, steps
        self.learnt = _trained(task.seed, next(iter(PLANS.values())), self._processes)
        return Learnt(
            tensors={},
            loss_first=0.0,
            loss_last=0.0,
            loss_of_start=None,
            num_examples=1,
            num_tokens=1,
            duration_s=1.0,
        )

    @property
    def held_out(self) -> HeldOut:
        raise NotImplementedError

    def score(self, adapter: object, shape: object, plan: object) -> list[Scores]:
        raise NotImplementedError


@pytest.mark.slow
def test_two_processes_train_the_adapter_that_one_would(tmp_path: Path) -> None:
    import torch

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(_one_of_two, args=(port, str(tmp_path)), nprocs=2)
    first, second = (torch.load(tmp_path / f"{index}.pt") for index in (0, 1))

    plans = {**PLANS, "together": next(iter(PLANS.values()))}
    for name, plan in plans.items():
        alone = _trained(1, plan, None)
        assert first[name]["losses"] == second[name]["losses"]
        assert first[name]["losses"] == pytest.approx(alone["losses"], rel=1e-3)
        assert first[name]["num_tokens"] == alone["num_tokens"]
        for key, tensor in alone.items():
            if "lora_" in key:
                assert first[name][key].equal(second[name][key])
                torch.testing.assert_close(first[name][key], tensor, rtol=1e-2, atol=1e-3)


def test_a_process_without_companions_trains_alone() -> None:
    assert Processes.join() is None


@pytest.mark.parametrize("num_batches", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [2, 3])
def test_the_shares_of_a_step_are_the_step(num_batches: int, count: int) -> None:
    examples = copying_examples(14)
    step = [tuple(examples[i::num_batches]) for i in range(num_batches)]

    shares = [Processes(FakeState(i, count)).share(step) for i in range(count)]

    assert _rows(shares[0] + [b for share in shares[1:] for b in share]) == _rows(step)
    assert all(batch for share in shares for batch in share)
    assert max(len(share) for share in shares) <= -(-num_batches // count) or num_batches < count


def _rows(batches: Sequence[Sequence[TokenizedExample]]) -> list[tuple[int, ...]]:
    return sorted(example.input_ids for batch in batches for example in batch)


def test_a_plan_of_one_batch_per_step_still_gives_every_process_work() -> None:
    plan = replace(PLANS["rows"], epochs=1)
    assert plan.accumulated_batches == 1
    step = [tuple(copying_examples(4))]

    shares = [Processes(FakeState(i, 2)).share(step) for i in (0, 1)]

    assert [len(batch) for share in shares for batch in share] == [2, 2]
