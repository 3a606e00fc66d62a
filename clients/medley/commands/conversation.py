"""A conversation: what was said, and which version said it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from medley.chats import ChatAnswer


@dataclass(slots=True)
class Conversation:
    """Grows with each turn.

    Attributes:
        model: who is asked, by reference; None is the base.
        system: said before everything else; empty for nothing.
        turns: each question, with its answer.
    """

    model: str | None = None
    system: str = ""
    turns: list[tuple[str, ChatAnswer]] = field(default_factory=list)

    def messages_for(self, question: str) -> list[dict[str, str]]:
        """All that was said, and the next question."""
        messages = [{"role": "system", "content": self.system}] if self.system else []
        for asked, answer in self.turns:
            messages.append({"role": "user", "content": asked})
            messages.append({"role": "assistant", "content": answer.text})
        return [*messages, {"role": "user", "content": question}]

    def add(self, question: str, answer: ChatAnswer) -> None:
        self.turns.append((question, answer))

    def reset(self) -> None:
        """Forget what was said; whom to ask, and how it begins, stay."""
        self.turns.clear()

    def save(self, path: Path) -> None:
        """Write it as JSON, each answer with the version that gave it.

        Raises:
            OSError: it cannot be written, or there is such a file.
        """
        with path.open("x", encoding="utf-8") as file:
            json.dump(self._to_json(), file, indent=2, ensure_ascii=False)
            file.write("\n")

    def _to_json(self) -> dict[str, Any]:
        turns = [{"question": asked, "answer": asdict(answer)} for asked, answer in self.turns]
        return {"system": self.system, "turns": turns}
