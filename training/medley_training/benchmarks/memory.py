"""Memory by component, as `GET /benchmark` and the transformers lane tell it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from medley_training.errors import NotMeasured

_MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes of one process tree; the components add up to ``total``.

    ``activation`` is None where the system does not tell; it is part of ``other`` then.
    """

    weights: int
    kv_cache: int
    activation: int | None
    lora_slots: int
    other: int
    total: int

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Reads ``memory_bytes``.

        Raises:
            NotMeasured: a component is missing.
        """
        try:
            parts = {name: int(told[name]) for name in ("weights", "kv_cache", "lora_slots")}
            activation = None if told["activation"] is None else int(told["activation"])
            total = int(told["total"])
        except (KeyError, TypeError, ValueError) as error:
            raise NotMeasured(f"the memory is not told by component: {error!r}") from error
        # The rest is computed here, so that the parts add up whatever was rounded there.
        other = total - sum(parts.values()) - (activation or 0)
        return cls(**parts, activation=activation, other=other, total=total)

    def to_mb(self) -> dict[str, float | None]:
        """Each component in megabytes (10^6 bytes)."""
        return {
            name: None if value is None else value / _MB for name, value in asdict(self).items()
        }


def largest(seen: Iterable[Memory]) -> Memory:
    """The moment at which most was taken."""
    return max(seen, key=lambda memory: memory.total)
