"""What an event says of the records written with it, so that its hash covers every field of them.

The log is a chain of hashes; a record's fingerprint in it makes the record as hard to change
unnoticed as the log itself (`medley_registry.upkeep` compares them).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest
from medley_registry.item_scores import Item
from medley_registry.kinds import KINDS, Record
from medley_registry.lineage import Lineage
from medley_registry.manifest import Manifest
from medley_registry.policies import AliasPolicy
from medley_registry.timestamps import to_text
from medley_registry.traffic import Traffic


def fingerprint(record: Record) -> str:
    """The SHA-256, in hex, of a record's kind and of all its fields that never change."""
    changeable = KINDS[type(record)].changeable
    final = {
        field.name: _plain(getattr(record, field.name))
        for field in fields(record)
        if field.name not in changeable
    }
    return hashlib.sha256(canonical_json([kind_name(type(record)), final])).hexdigest()


def kind_name(kind: type[Record]) -> str:
    """What a kind of record is called in events."""
    return kind.__name__


_FORMS: dict[type[Any], Callable[[Any], Json]] = {
    datetime: to_text,
    Digest: str,
    Manifest: lambda manifest: manifest.digest.hex,
    Lineage: Lineage.to_json,
    AliasPolicy: AliasPolicy.to_json,
    Traffic: Traffic.to_json,
    Item: Item.to_json,
}


def _plain(value: Any) -> Any:
    """A field as JSON; numbers that JSON does not tell apart (1 and 1.0) give the same."""
    if form := _FORMS.get(type(value)):
        return form(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
