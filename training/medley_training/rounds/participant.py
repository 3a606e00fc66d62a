"""A site: it trains, scores and checks receipts when asked, and gives the same answer twice."""

from collections.abc import Callable
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.digest import Digest

from medley_training.errors import BadSignature, TaskRefused
from medley_training.evaluation.scores import pooled
from medley_training.identity.admission import accept
from medley_training.identity.envelope import Envelope
from medley_training.identity.keys import PublicKey, SigningKey
from medley_training.identity.statement import Losses, Statement
from medley_training.identity.task import Task
from medley_training.local.trainer import StepReport
from medley_training.privacy.accountant import rounded_up
from medley_training.rounds.answers import AnswerFolder
from medley_training.rounds.events import Event, Observer, SiteStarted, Step
from medley_training.rounds.learner import Learner, Learnt
from medley_training.rounds.questions import Assessment, EvaluationReply, TrainingReply
from medley_training.rounds.receipts import ReceiptBook
from medley_training.rounds.transport import Question, Request, Response

if TYPE_CHECKING:
    from torch import Tensor


class Participant:
    """One site, whatever carries the questions to it; an `Answering` of `rounds.transport`.

    It does what its coordinator signed, and nothing else. What it sent is kept in its folder until
    the next round, so a coordinator that lost an answer gets the same bytes again.

    Args:
        name: The site's name, as its coordinator knows it.
        key: Signs the site's statements.
        coordinator: Whose tasks and receipts count.
        learner: The site's data and base model.
        folder: What the site keeps: its answers, its error feedback, its receipts.
        observer: Told of every training step.
    """

    def __init__(
        self,
        name: str,
        *,
        key: SigningKey,
        coordinator: PublicKey,
        learner: Learner,
        folder: Path,
        observer: Observer = lambda _: None,
    ) -> None:
        self.name = name
        self._key = key
        self._coordinator = coordinator
        self._learner = learner
        self._answers = AnswerFolder(folder / "answers")
        self._receipts = ReceiptBook(folder / "receipts", coordinator, self._answers)
        self._observe: Callable[[Event], None] = observer

    def handle(self, request: Request) -> Response:
        """Answer one question.

        Raises:
            TaskRefused: It is not signed by the coordinator, not for this site, or does not fit
                its base model.
            TrainingError: The work failed.
        """
        match request.question:
            case Question.TRAIN:
                return self._train(request)
            case Question.EVALUATE:
                return self._assess(request)
            case Question.RECEIPT:
                return Response(self._receipts.take(request.body, self.name))

    def _train(self, request: Request) -> Response:
        task = accept(
            request.body, request.payload, participant=self.name, coordinator=self._coordinator
        )
        with self._answers.alone(task):
            return self._answers.find(task) or self._learn(task, request)

    def _learn(self, task: Task, request: Request) -> Response:
        self._require_same_base(task)
        start = _tensors(request.payload)
        self._observe(SiteStarted(round=task.round, site=self.name))
        learnt = self._learner.learn(task, start, self._steps(task))
        update = self._answers.write_update(task, learnt.tensors, start)
        return self._answers.keep(task, self._reply(task, learnt, update), update)

    def _reply(self, task: Task, learnt: Learnt, update: bytes) -> TrainingReply:
        statement = Statement.answering(
            task,
            update,
            num_examples=learnt.num_examples,
            losses=Losses(
                first=learnt.loss_first, last=learnt.loss_last, of_start=learnt.loss_of_start
            ),
            spent=None if learnt.epsilon is None else {"epsilon": rounded_up(learnt.epsilon)},
        )
        return TrainingReply(
            statement=statement.seal(self._key).to_json(),
            num_tokens=int(_roughly(learnt.num_tokens)),
            duration_s=_roughly(learnt.duration_s),
        )

    def _assess(self, request: Request) -> Response:
        try:
            asked = Assessment.open(Envelope.from_json(request.body), [self._coordinator])
        except BadSignature as error:
            raise TaskRefused(f"not a question of the coordinator's: {error}") from error
        if asked.participant != self.name:
            raise TaskRefused(f"the question is {asked.participant}'s, not {self.name}'s")
        if Digest.of(request.payload) != asked.adapter:
            raise TaskRefused("the adapter is not the one that the question was signed over")
        plan = asked.evaluation
        scores = tuple(self._learner.score(_tensors(request.payload), asked.shape, plan))
        if not plan.per_document:
            return Response(EvaluationReply((pooled(scores),)).to_json())
        held_out = self._learner.held_out
        reply = EvaluationReply(scores, held_out.groups[: len(scores)], held_out.digest.hex[:16])
        return Response(reply.to_json())

    def _require_same_base(self, task: Task) -> None:
        if task.base != self._learner.base:
            raise TaskRefused(f"this site's base model is {self._learner.base}, not {task.base}")
        if task.quantization != self._learner.quantization:
            raise TaskRefused(
                f"this site loads its base as {self._learner.quantization}, not {task.quantization}"
            )

    def _steps(self, task: Task) -> Callable[[StepReport], None]:
        """Tells of steps; not of their losses where epsilon does not cover what is told of them.

        Observers may be the coordinator's: on one machine they write the run's log.
        """

        def observe(report: StepReport) -> None:
            self._observe(
                Step(
                    round=task.round,
                    site=self.name,
                    step=report.step,
                    total_steps=report.total_steps,
                    loss=nan if task.is_private else report.loss,
                    num_tokens=int(_roughly(report.num_tokens)),
                    elapsed_s=report.elapsed_s,
                )
            )

        return observe


def _roughly(amount: float) -> float:
    """To two digits: the exact number of tokens would tell one example more or less."""
    return float(f"{amount:.2g}")


def _tensors(data: bytes) -> dict[str, "Tensor"]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors: dict[str, Tensor] = load(data)
    except SafetensorError as error:
        raise TaskRefused(f"the adapter cannot be read: {error}") from error
    return tensors
