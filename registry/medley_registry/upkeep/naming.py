"""What a record is called, even if its names are none that a reference would take."""

from typing import Any

from medley_registry.adapters import Version
from medley_registry.aliases import Alias
from medley_registry.fingerprint import kind_name
from medley_registry.kinds import Record, key_of

Name = tuple[type[Any], tuple[Any, ...]]
"""A record's kind and key."""


def named(name: Name) -> str:
    """The record with this kind and key, as people know it."""
    kind, key = name
    if kind is Version:
        return "{}:{}".format(*key)
    if kind is Alias:
        return "{}@{}".format(*key)
    return f"{kind_name(kind)} {' '.join(map(str, key))}"


def name_of(record: Record) -> str:
    """A record, as people know it."""
    return named((type(record), key_of(record)))
