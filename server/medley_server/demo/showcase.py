"""The adapters of the demo: what to ask them, and how each version's answer is known.

`adapters/README.md` says how they were trained.
"""

from dataclasses import dataclass
from pathlib import Path

ADAPTERS = Path(__file__).parent / "adapters"


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells one version's answers: text they hold, and text they never hold."""

    holds: tuple[str, ...]
    lacks: tuple[str, ...] = ()

    def is_on(self, answer: str) -> bool:
        """Whether the answer is this version's."""
        has_all = all(text in answer for text in self.holds)
        return has_all and not any(text in answer for text in self.lacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedAdapter:
    """One adapter of the demo.

    Attributes:
        name: its name in the registry.
        does: what it does, for people.
        rounds: of each version, the federated round or the training that made it.
    """

    name: str
    does: str
    rounds: tuple[int, ...] = (1, 2)

    def folder(self, number: int) -> Path:
        """The adapter files of a version."""
        return ADAPTERS / self.name / f"v{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAdapter(ShippedAdapter):
    """One that is chatted with.

    Attributes:
        question: asked in the demo; in no training set.
        marks: of version 1 and version 2.
    """

    question: str
    marks: tuple[Mark, Mark]


TRIAGE_NOTE = ShownAdapter(
    name="triage-note",
    does="writes a complaint up as a note: SOAP in version 1, SBAR in version 2",
    question=(
        "I am 67 and I have had crushing chest pain for an hour, and I feel sick. "
        "I have high blood pressure."
    ),
    marks=(
        Mark(holds=("S:", "O:", "A:", "P:"), lacks=("Situation:",)),
        Mark(holds=("Situation:", "Background:", "Assessment:", "Recommendation:")),
    ),
)

PLAIN_WORDS = ShownAdapter(
    name="plain-words",
    does="explains a line of a hospital letter; version 2 adds what to ask the care team",
    question=(
        "What does this mean? Hypertension, well controlled. Continue amlodipine once daily. "
        "Lipid panel ordered. Review in 3 months."
    ),
    marks=(
        Mark(holds=("In plain words:",), lacks=("Ask your care team:",)),
        Mark(holds=("In plain words:", "Ask your care team:")),
    ),
)

DOCUMENTS = ShippedAdapter(
    name="documents",
    does="copies the rows of medical documents into records; five sites taught it in ten rounds",
    rounds=(10,),
)
SHIPPED = (TRIAGE_NOTE, PLAIN_WORDS, DOCUMENTS)
