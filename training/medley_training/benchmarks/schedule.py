"""Who is measured when.

A machine drifts: it warms up, its clock falls, somebody else's work begins. Whoever is measured
first would always meet another machine than whoever comes last, so every second round goes
backwards (A B B A): a drift that is even cancels out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Session(Generic[Item]):
    """Lanes that are up together, and the repeats they are measured in."""

    lanes: tuple[Item, ...]
    repeats: tuple[int, ...]


def mirrored(items: Sequence[Item], repeat: int) -> list[Item]:
    """Forwards in even repeats, backwards in odd ones."""
    return [*items] if repeat % 2 == 0 else [*reversed(items)]


def sessions(lanes: Sequence[Item], *, repeats: int, together: bool) -> list[Session[Item]]:
    """One session of all lanes, or one after another: A B C C B A, half of the repeats each time.

    With a single repeat each lane has one session alone.
    """
    if together:
        return [Session(tuple(lanes), tuple(range(repeats)))]
    there, back = tuple(range(0, repeats, 2)), tuple(range(1, repeats, 2))
    planned = [Session((lane,), there) for lane in lanes]
    if back:
        planned += [Session((lane,), back) for lane in reversed(lanes)]
    return planned
