"""A site that does its work and then sends something else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from medley_registry.digest import Digest
from medley_training.identity.envelope import Envelope, seal
from medley_training.identity.keys import SigningKey
from medley_training.identity.participants import ParticipantBook
from medley_training.identity.statement import Statement
from medley_training.identity.task import Task
from medley_training.rounds.transport import Answering, Question, Request, Response
from safetensors.torch import load, save


@dataclass
class Sent:
    """An honest answer, and what is needed to make another of it.

    `earlier` are the site's own honest answers of the rounds before, `neighbour` what another site
    sent in this round.
    """

    task: Task
    answer: Response
    key: SigningKey
    book: ParticipantBook
    earlier: tuple["Sent", ...]
    neighbour: "Sent | None" = None

    @property
    def reply(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.answer.body)
        return found

    @property
    def envelope(self) -> Envelope:
        return Envelope.from_json(self.reply["statement"])

    @property
    def statement(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.envelope.payload)
        return found

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = load(self.answer.payload)
        return found

    def replying(self, **changes: Any) -> Response:
        """With another statement, or other figures beside it."""
        return replace(self.answer, body=json.dumps({**self.reply, **changes}))

    def saying(self, key: SigningKey | None = None, **changes: Any) -> Response:
        """With other members in the statement, signed anew."""
        signed = seal(Statement.payload_type, {**self.statement, **changes}, key or self.key)
        return self.replying(statement=signed.to_json())

    def sending(self, payload: bytes, key: SigningKey | None = None) -> Response:
        """With another file, and a statement that is signed over just that."""
        return replace(self.saying(key, update=str(Digest.of(payload))), payload=payload)

    def training(
        self, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None
    ) -> Response:
        """With these tensors in the file."""
        whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
        return self.sending(save(whole, metadata=dict(metadata or {"codec": "none"})))

    def changing(self, change: Callable[[str, torch.Tensor], torch.Tensor]) -> Response:
        """With every tensor changed, by its name."""
        return self.training({name: change(name, t) for name, t in self.tensors.items()})


Forge = Callable[[Sent], Response]


def new_key() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.generate())


@dataclass
class Post:
    """What every site sent, so that others can send it again."""

    run: Path
    sent: dict[tuple[str, int], Sent] = field(default_factory=dict)

    def forging(self, forges: Mapping[tuple[str, int], Forge]) -> Callable[..., Answering]:
        """Wraps sites; those named with a round send what is forged of their answer in it."""
        return lambda name, site: _Forging(self, name, site, forges)

    def add(self, name: str, task: Task, answer: Response) -> Sent:
        earlier = [sent for (site, _), sent in sorted(self.sent.items()) if site == name]
        neighbours = [s for (site, r), s in self.sent.items() if site != name and r == task.round]
        sent = Sent(
            task=task,
            answer=answer,
            key=SigningKey.load(self.run / "sites" / name / "key.pem"),
            book=ParticipantBook(self.run / "participants.json"),
            earlier=tuple(earlier),
            neighbour=neighbours[0] if neighbours else None,
        )
        self.sent[name, task.round] = sent
        return sent


@dataclass
class _Forging:
    post: Post
    name: str
    site: Answering
    forges: Mapping[tuple[str, int], Forge]

    def handle(self, request: Request) -> Response:
        answer = self.site.handle(request)
        if request.question is not Question.TRAIN:
            return answer
        task = Task.from_json(json.loads(Envelope.from_json(request.body).payload))
        sent = self.post.add(self.name, task, answer)
        forge = self.forges.get((self.name, task.round))
        return forge(sent) if forge else answer
