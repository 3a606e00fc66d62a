"""One task, one result: what a site sent once is never made again, whatever is asked in between."""

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from medley_registry.digest import Digest
from medley_training.errors import RunDamaged
from medley_training.identity.task import Task
from medley_training.local.lora import LoraShape
from medley_training.rounds.answers import AnswerFolder
from medley_training.rounds.assignment import Assignment
from medley_training.rounds.learner import Learnt, Steps
from medley_training.rounds.participant import Participant
from medley_training.rounds.transport import Question, Request, Response
from safetensors.torch import save

from tests.unit.training.identity.made import COORDINATOR, NORTH, make_task
from tests.unit.training.privacy.private_training import PLAN
from tests.unit.training.rounds.runs import DrawnLearner

BASE = Digest.of(b"base")
MODULE = "base_model.model.model.layers.0.self_attn.q_proj"
START = {
    f"{MODULE}.lora_A.weight": torch.ones(2, 4),
    f"{MODULE}.lora_B.weight": torch.zeros(6, 2),
}


def asked(*, nonce: str, codec: str = "none", round_number: int = 1) -> Task:
    return make_task(
        nonce=nonce,
        codec=codec,
        round=round_number,
        start=Digest.of(save(START)),
        base=BASE,
        quantization=DrawnLearner(BASE).quantization,
        shape=LoraShape(rank=2, alpha=4, target_modules=("q_proj",)),
        plan=Assignment(training=PLAN, max_tokens=64).to_json(),
    )


def request(task: Task) -> Request:
    return Request(Question.TRAIN, task.seal(COORDINATOR).to_json(), save(START))


class NoisyLearner(DrawnLearner):
    """As under differential privacy: no two trainings give the same."""

    def learn(self, task: Task, start: Mapping[str, torch.Tensor], steps: Steps) -> Learnt:
        self.size += 0.1
        return super().learn(task, start, steps)


def site(folder: Path, learner: DrawnLearner) -> Participant:
    return Participant(
        "north", key=NORTH, coordinator=COORDINATOR.public, learner=learner, folder=folder
    )


def test_an_earlier_task_asked_again_after_another_gets_its_first_answer(tmp_path: Path) -> None:
    learner = NoisyLearner(BASE)
    north = site(tmp_path, learner)
    first, second = request(asked(nonce="11")), request(asked(nonce="22"))

    answers = [north.handle(each) for each in (first, second, first, second)]

    assert len(learner.calls) == 2
    assert answers[0] == answers[2] != answers[1] == answers[3]


def test_a_site_that_was_restarted_gives_the_same_answer(tmp_path: Path) -> None:
    task = request(asked(nonce="11"))
    first = site(tmp_path, NoisyLearner(BASE)).handle(task)

    again = NoisyLearner(BASE)
    assert site(tmp_path, again).handle(task) == first
    assert not again.calls


def test_an_answer_is_never_replaced(tmp_path: Path) -> None:
    site(tmp_path, NoisyLearner(BASE)).handle(request(asked(nonce="11")))

    with pytest.raises(RunDamaged, match="never replaced"):
        AnswerFolder(tmp_path / "answers").write_update(asked(nonce="11"), START, START)


def test_two_processes_of_a_site_make_one_answer(tmp_path: Path) -> None:
    """A coordinator that was killed left one at work, and asks the other."""
    is_learning, may_end = threading.Event(), threading.Event()

    class Slow(NoisyLearner):
        def learn(self, task: Task, start: Mapping[str, torch.Tensor], steps: Steps) -> Learnt:
            is_learning.set()
            assert may_end.wait(10)
            return super().learn(task, start, steps)

    task, answers = request(asked(nonce="11")), list[Response]()
    learners = [Slow(BASE), NoisyLearner(BASE)]
    threads = [
        threading.Thread(
            target=lambda at=at: answers.append(site(tmp_path, learners[at]).handle(task))
        )
        for at in range(2)
    ]
    threads[0].start()
    assert is_learning.wait(10)
    threads[1].start()
    threads[1].join(0.2)
    assert not answers
    may_end.set()
    for thread in threads:
        thread.join(10)

    assert answers[0] == answers[1]
    assert [len(learner.calls) for learner in learners] == [1, 0]


def test_feedback_is_of_the_last_answer_of_the_round_before(tmp_path: Path) -> None:
    north = site(tmp_path, NoisyLearner(BASE))
    codec = "topk:0.5"
    for nonce in ("11", "22"):
        north.handle(request(asked(nonce=nonce, codec=codec)))
    answers = AnswerFolder(tmp_path / "answers")
    kept = answers._feedback(asked(nonce="33", codec=codec, round_number=2))

    newest = answers._folder(asked(nonce="22", codec=codec)) / "feedback.safetensors"
    assert kept is not None
    assert save(kept) == newest.read_bytes()
    assert answers._feedback(asked(nonce="44", codec=codec, round_number=1)) is None


def test_every_statement_of_a_round_can_be_acknowledged(tmp_path: Path) -> None:
    north = site(tmp_path, NoisyLearner(BASE))
    tasks = [asked(nonce=nonce) for nonce in ("11", "22")]
    for task in tasks:
        north.handle(request(task))

    statements = AnswerFolder(tmp_path / "answers").statements(tasks[0].run, 1)

    assert len(set(statements)) == 2
