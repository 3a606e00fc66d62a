"""What a round's version does on each form of its base: measured as served, before it is judged.

What a variant does is never inferred from another (docs/benchmarks.md), so each is served and
measured for itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from medley_registry.adapters import Version
from medley_registry.variants import VariantKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one suite found of one variant; the registry has it as evidence."""

    variant: VariantKind
    suite: str
    metrics: Mapping[str, float]


Measure: TypeAlias = Callable[[Version], Iterator[Measurement]]
"""Gives what is measured of a version as it is found; what the registry already has, once more.

Raises:
    TrainingError: A variant cannot be made, served or measured.
"""


def nothing(version: Version) -> Iterator[Measurement]:
    """Measures no variant."""
    del version
    return iter(())
