"""The table of limits."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """What an analyte can be in one unit."""

    low: Decimal
    high: Decimal

    def hold(self, number: Decimal) -> bool:
        """Whether the number is within."""
        return self.low <= number <= self.high


@cache
def table(name: str) -> Mapping[str, Any]:
    """One of the TOML files beside this module."""
    text = files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


def limits_of(section: str, name: str | None) -> Mapping[str, Limits]:
    """Under each usual unit the limits; empty for what the table does not have."""
    entry = table("limits")[section].get(name)
    if entry is None:
        return {}
    return {
        unit: Limits(Decimal(low), Decimal(high)) for unit, (low, high) in entry["units"].items()
    }
