"""Who may answer behind an alias."""

from enum import StrEnum


class Side(StrEnum):
    """The alias's own target, the version tried on some callers, the one that nobody hears."""

    STABLE = "stable"
    CANARY = "canary"
    SHADOW = "shadow"
