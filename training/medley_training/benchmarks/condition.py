"""With which adapters a variant is measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from medley_training.errors import BadLoad


class SlotUse(StrEnum):
    """``none``: an engine without LoRA. ``idle``: it has slots, and all ask the base."""

    NONE = "none"
    IDLE = "idle"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Condition:
    """Which versions are asked in turn; none of them means that the base is.

    Attributes:
        slots: whether the engine has LoRA slots, and whether they are used.
        versions: references to those that answer, in the scratch registry.
    """

    slots: SlotUse
    versions: tuple[str, ...] = ()

    @property
    def adapters(self) -> int:
        """How many versions answer."""
        return len(self.versions)

    @property
    def has_lora(self) -> bool:
        """Whether it needs an engine with slots."""
        return self.slots is not SlotUse.NONE

    @property
    def label(self) -> str:
        """``none``, ``0``, ``1``, …: the adapters as the command takes them."""
        return "none" if self.slots is SlotUse.NONE else str(self.adapters)


def parse_counts(text: str) -> tuple[int | None, ...]:
    """Reads ``none,0,1,4``; None stands for ``none``.

    Raises:
        BadLoad: another word, or one of them twice.
    """
    words = [word.strip() for word in text.split(",")]
    if any(word != "none" and not word.isdigit() for word in words):
        raise BadLoad(f"--adapters takes numbers and 'none', as in none,0,1,4; not {text!r}")
    counts = tuple(None if word == "none" else int(word) for word in words)
    if len(set(counts)) < len(counts):
        raise BadLoad(f"--adapters names one of {text!r} twice")
    return counts


def conditions(
    counts: Sequence[int | None], *, own: Sequence[str], stand_ins: Sequence[str]
) -> list[Condition]:
    """The conditions for these counts of adapters.

    For one adapter there is a condition for each of `own`; more adapters are the first of `own`,
    then of `stand_ins`.
    """
    pool = [*own, *stand_ins]
    found: list[Condition] = []
    for count in counts:
        if count is None:
            found.append(Condition(SlotUse.NONE))
        elif count == 0:
            found.append(Condition(SlotUse.IDLE))
        elif count == 1:
            found += [Condition(SlotUse.USED, (version,)) for version in own]
        else:
            found.append(Condition(SlotUse.USED, tuple(pool[:count])))
    return found
