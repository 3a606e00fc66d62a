"""A site does what its coordinator signed, says the same twice, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from medley_registry.digest import Digest
from medley_training.errors import Diverged, TaskRefused
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.identity.envelope import Envelope
from medley_training.identity.keys import SigningKey
from medley_training.identity.statement import Statement
from medley_training.identity.task import Task
from medley_training.local.lora import LoraShape
from medley_training.rounds.events import Event, SiteStarted, Step
from medley_training.rounds.participant import Participant
from medley_training.rounds.questions import Assessment
from medley_training.rounds.transport import Question, Request, Response
from safetensors.torch import save

from tests.unit.training.identity.made import COORDINATOR, NORTH, STRANGER, make_task
from tests.unit.training.rounds.runs import DrawnLearner

BASE = Digest.of(b"base")
SHAPE = LoraShape(rank=2, alpha=4)
MODULE = "base_model.model.model.layers.0.self_attn.q_proj.lora_"
START = save({f"{MODULE}A.weight": torch.ones(2, 6), f"{MODULE}B.weight": torch.zeros(5, 2)})


def task(**changes: Any) -> Task:
    given: dict[str, Any] = {
        "start": Digest.of(START),
        "base": BASE,
        "quantization": DrawnLearner.quantization,
        "shape": SHAPE,
        "codec": "none",
        "round": 1,
        "privacy": {"mechanism": "none"},
    }
    return make_task(**{**given, **changes})


def asking(asked: Task, *, key: SigningKey = COORDINATOR, start: bytes = START) -> Request:
    return Request(Question.TRAIN, asked.seal(key).to_json(), start)


def scoring(*, key: SigningKey = COORDINATOR, adapter: bytes = START, **changes: Any) -> Request:
    asked = Assessment(
        run="smoke-7",
        round=1,
        participant="north",
        adapter=Digest.of(START),
        shape=SHAPE,
        plan=EvaluationPlan().model_dump(mode="json"),
    )
    text = replace(asked, **changes).seal(key).to_json()
    return Request(Question.EVALUATE, text, adapter)


@dataclass
class North:
    """The site north, which can be restarted."""

    folder: Path
    learner: DrawnLearner = field(default_factory=lambda: DrawnLearner(BASE))
    events: list[Event] = field(default_factory=list)

    def handle(self, request: Request) -> Response:
        site = Participant(
            "north",
            key=NORTH,
            coordinator=COORDINATOR.public,
            learner=self.learner,
            folder=self.folder,
            observer=self.events.append,
        )
        return site.handle(request)

    def refuses(self, request: Request) -> str:
        with pytest.raises(TaskRefused) as caught:
            self.handle(request)
        assert self.learner.calls == []
        return str(caught.value)


@pytest.fixture
def north(tmp_path: Path) -> North:
    return North(tmp_path)


def statement_in(answer: Response) -> Statement:
    text = json.loads(answer.body)["statement"]
    return Statement.open(Envelope.from_json(text), [NORTH.public])


def test_a_task_is_answered_with_a_signed_statement_over_the_file(north: North) -> None:
    asked = task()

    answer = north.handle(asking(asked))

    statement = statement_in(answer)
    statement.answers(asked)
    statement.covers(answer.payload)
    assert [event.site for event in north.events if isinstance(event, SiteStarted)] == ["north"]
    assert [event.round for event in north.events if isinstance(event, Step)] == [1]


def test_how_many_examples_a_site_has_does_not_leave_it(north: North) -> None:
    north.learner.num_examples = 41

    answer = north.handle(asking(task()))

    assert statement_in(answer).sample_bucket == 40


def test_a_task_for_another_site_is_refused(north: North) -> None:
    assert north.refuses(asking(task(participant="south"))) == ("the task is south's, not north's")


@pytest.mark.parametrize("key", [STRANGER, NORTH])
def test_a_task_that_the_coordinator_did_not_sign_is_refused(north: North, key: SigningKey) -> None:
    assert "not a task of the coordinator's" in north.refuses(asking(task(), key=key))


def under_anothers_name(request: Request) -> Request:
    """Signed by a stranger, with the coordinator's key named."""
    envelope = replace(task().seal(STRANGER), key_id=COORDINATOR.public.key_id)
    return replace(request, body=envelope.to_json())


@pytest.mark.parametrize(
    "change",
    [
        lambda request: replace(request, body=""),
        lambda request: replace(request, body="{}"),
        lambda request: replace(request, body=request.body + " "),
        lambda request: replace(request, body=request.body.replace("A", "B", 1)),
        lambda request: replace(request, body=json.dumps(task().to_json())),
        lambda request: replace(request, body=scoring().body),
        under_anothers_name,
    ],
)
def test_a_task_that_was_changed_is_refused(
    north: North, change: Callable[[Request], Request]
) -> None:
    assert "not a task of the coordinator's" in north.refuses(change(asking(task())))


def test_a_task_on_another_base_is_refused(north: North) -> None:
    assert "this site's base model is" in north.refuses(asking(task(base=Digest.of(b"other"))))


def test_a_task_on_a_base_of_other_precision_is_refused(north: North) -> None:
    assert "this site loads its base as" in north.refuses(asking(task(quantization="nf4")))


@pytest.mark.parametrize("start", [b"", START[:-1] + b"\x01", START + b"\0"])
def test_a_start_that_was_changed_is_refused(north: North, start: bytes) -> None:
    assert "which the task names" in north.refuses(asking(task(), start=start))


def test_a_start_that_is_no_adapter_is_refused(north: North) -> None:
    start = b"no safetensors"

    request = asking(task(start=Digest.of(start)), start=start)

    assert "the adapter cannot be read" in north.refuses(request)


def test_the_same_task_gets_the_same_answer_without_training_again(north: North) -> None:
    request = asking(task())

    answers = [north.handle(request) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert north.learner.calls == [1]


def test_two_sites_with_the_same_data_say_the_same(tmp_path: Path) -> None:
    one, other = (North(tmp_path / name).handle(asking(task())) for name in ("one", "other"))

    assert one == other


def test_an_answer_that_was_not_written_down_whole_is_made_again(north: North) -> None:
    request = asking(task())
    first = north.handle(request)
    for answer in north.folder.rglob("answer.json"):
        answer.unlink()

    assert north.handle(request) == first
    assert north.learner.calls == [1, 1]


def test_a_training_that_failed_can_be_asked_for_again(
    north: North, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: object) -> None:
        raise Diverged("the loss is NaN")

    with monkeypatch.context() as patched:
        patched.setattr(DrawnLearner, "learn", diverge)
        with pytest.raises(Diverged):
            north.handle(asking(task()))

    assert north.handle(asking(task())).payload


def test_an_answer_to_another_task_of_the_round_is_not_reused(north: North) -> None:
    first = north.handle(asking(task()))

    second = north.handle(asking(task(nonce="0e" * 16)))

    assert statement_in(second).nonce == "0e" * 16
    assert second.payload == first.payload
    assert north.learner.calls == [1, 1]


def lossy(number: int, **changes: Any) -> Request:
    """A task whose answer leaves most of what was learnt unsent."""
    nonce = f"{number:02x}" * 16
    return asking(task(round=number, seed=number, codec="topk:0.2", nonce=nonce, **changes))


def test_what_was_not_sent_is_sent_later(tmp_path: Path) -> None:
    going_on, fresh = North(tmp_path / "going-on"), North(tmp_path / "fresh")
    going_on.handle(lossy(1))

    assert going_on.handle(lossy(2)).payload != fresh.handle(lossy(2)).payload


def test_feedback_is_taken_from_earlier_rounds_alone(tmp_path: Path) -> None:
    in_order, crosswise = North(tmp_path / "in-order"), North(tmp_path / "crosswise")

    expected = [in_order.handle(lossy(number)).payload for number in (1, 2)]
    first, _, second = (crosswise.handle(lossy(number)).payload for number in (1, 3, 2))

    assert [first, second] == expected


def test_feedback_of_another_run_is_left_alone(tmp_path: Path) -> None:
    both, one = North(tmp_path / "both"), North(tmp_path / "one")
    both.handle(lossy(1, run="other-run"))

    assert both.handle(lossy(2)).payload == one.handle(lossy(2)).payload


def test_a_round_taken_up_again_begins_from_the_same_feedback(north: North) -> None:
    north.handle(lossy(1))
    second = north.handle(lossy(2)).payload
    [answer] = north.folder.rglob("0002/*/answer.json")
    answer.unlink()

    assert north.handle(lossy(2)).payload == second
    assert north.learner.calls == [1, 2, 2]


def test_an_adapter_is_scored(north: North) -> None:
    answer = north.handle(scoring())

    assert json.loads(answer.body)
    assert answer.payload == b""


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (scoring(adapter=START[:-1] + b"\x01"), "the adapter is not the one"),
        (scoring(adapter=b""), "the adapter is not the one"),
        (scoring(participant="south"), "south's, not north's"),
        (scoring(key=STRANGER), "not a question of the coordinator's"),
        (replace(scoring(), body=asking(task()).body), "not a question of the coordinator's"),
    ],
)
def test_an_adapter_that_was_changed_is_not_scored(
    north: North, request_: Request, message: str
) -> None:
    assert message in north.refuses(request_)
