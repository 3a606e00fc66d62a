"""What a site sent in each round, kept so that asking again gives the same bytes."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.digest import Digest
from medley_registry.durable import make_folder

from medley_training.compression.contribution_file import write_contribution
from medley_training.errors import RunDamaged
from medley_training.identity.task import Task
from medley_training.rounds.questions import TrainingReply
from medley_training.rounds.run_folder import read_json, write_bytes, write_json
from medley_training.rounds.transport import Response

if TYPE_CHECKING:
    from torch import Tensor


class AnswerFolder:
    """A site's answers: ``RUN/0001/NONCE/contribution.safetensors``, then ``answer.json``.

    Every task has a nonce, and an answer that was given to one is never made again or thrown away:
    under differential privacy each result that leaves is paid for, and the same task pays once
    (`medley_training.privacy.accountant.PrivacyLedger`).

    A lossy codec's error feedback is kept beside the answer that left it, so that a round taken up
    again begins from the same feedback.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def alone(self, task: Task) -> Iterator[None]:
        """Keep other processes of this site from answering the same task meanwhile.

        Two would make two results: a coordinator that was killed and started again can meet a
        process that it left at work.
        """
        folder = self._folder(task)
        make_folder(folder.parent)
        with folder.with_suffix(".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, or its process dies
            yield

    def find(self, task: Task) -> Response | None:
        """The answer that was given to this very task, if there is one."""
        folder = self._folder(task)
        if not (folder / "answer.json").exists():
            return None
        kept = read_json(folder / "answer.json")
        body = TrainingReply(**kept["reply"]).to_json()
        return Response(body, (folder / "contribution.safetensors").read_bytes())

    def write_update(
        self, task: Task, trained: Mapping[str, "Tensor"], start: Mapping[str, "Tensor"]
    ) -> bytes:
        """Encode what was trained as the task says; the file's bytes, and the feedback beside it.

        Raises:
            RunDamaged: This task was answered already.
        """
        from safetensors.torch import save

        folder = self._folder(task)
        if (folder / "answer.json").exists():
            raise RunDamaged(f"{folder} holds an answer, which is never replaced")
        make_folder(folder)
        path = folder / "contribution.safetensors"
        left = write_contribution(path, trained, start, task.codec, self._feedback(task))
        if left:
            write_bytes(folder / "feedback.safetensors", save(dict(left)))
        return path.read_bytes()

    def keep(self, task: Task, reply: TrainingReply, update: bytes) -> Response:
        """Write the answer down, then give it."""
        folder = self._folder(task)
        write_json(folder / "answer.json", {"nonce": task.nonce, "reply": asdict(reply)})
        return Response(reply.to_json(), update)

    def statements(self, run: str, round_number: int) -> tuple[bytes, ...]:
        """The signed statements of a round, as sent: one for each task that was answered."""
        answers = _answers(self._path / run / f"{round_number:04d}")
        return tuple(str(read_json(path)["reply"]["statement"]).encode() for path in answers)

    def _feedback(self, task: Task) -> "dict[str, Tensor] | None":
        """What the last answer of the newest round before this one left unsent."""
        from safetensors.torch import load_file

        before = [
            answers
            for folder in sorted((self._path / task.run).glob("[0-9]*"))
            if int(folder.name) < task.round and (answers := _answers(folder))
        ]
        feedback = before[-1][-1].with_name("feedback.safetensors") if before else None
        return load_file(feedback) if feedback is not None and feedback.exists() else None

    def _folder(self, task: Task) -> Path:
        # The digest, because a nonce can be any text.
        name = Digest.of(task.nonce.encode()).hex[:32]
        return self._path / task.run / f"{task.round:04d}" / name


def _answers(folder: Path) -> list[Path]:
    """The answers given in a round, the newest last."""
    return sorted(folder.glob("*/answer.json"), key=lambda path: (path.stat().st_mtime_ns, path))
