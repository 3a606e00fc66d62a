"""The phases of bringing a version in and letting the one before go."""

from collections.abc import Callable
from enum import StrEnum


class Phase(StrEnum):
    """In order. Up to "probed" nothing that a caller sees has changed."""

    VERIFIED = "verified"
    CHECKED = "checked"
    LOADED = "loaded"
    PROBED = "probed"
    LIVE = "live"
    DRAINED = "drained"
    FREED = "freed"


OnPhase = Callable[[Phase], None]
"""Told when a phase has ended."""
