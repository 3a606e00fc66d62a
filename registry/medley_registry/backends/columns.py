"""How values stand in columns: the same form on every database."""

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from medley_registry import timestamps
from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest
from medley_registry.errors import IndexDamaged, RegistryError
from medley_registry.item_scores import Item
from medley_registry.lineage import Lineage
from medley_registry.manifest import Manifest
from medley_registry.policies import AliasPolicy
from medley_registry.traffic import Traffic

# Sorted by code point on every database, whatever the locale of the server.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")


class Coded(TypeDecorator[Any]):
    """A value object kept as text: the same form on every database."""

    impl = Text
    cache_ok = True

    def __init__(self, write: Callable[[Any], str], read: Callable[[str], Any]) -> None:
        super().__init__()
        self.write = write
        self.read = read

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(TEXT)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else self.write(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        try:
            return self.read(value)
        except (ValueError, KeyError, TypeError, AttributeError, RegistryError) as error:
            raise IndexDamaged(
                f"the index holds {value[:80]!r} where it cannot: {error}"
            ) from error


def _to_json(value: Json) -> str:
    return canonical_json(value).decode()


def _shapes_to_json(shapes: dict[str, tuple[int, ...]]) -> str:
    return _to_json({name: [*shape] for name, shape in shapes.items()})


def _shapes_from_json(text: str) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in json.loads(text).items()}


def _read_lineage(text: str) -> Lineage:
    return Lineage.from_json(json.loads(text)) if text else Lineage()


def choice(kind: type[StrEnum]) -> Coded:
    """One of an enumeration's values."""
    return Coded(lambda value: value.value, kind)


# 64 bits on both; SQLite's own word for it.
INTEGER = BigInteger().with_variant(Integer(), "sqlite")
# Sorts as time does, and is the form that event hashes cover.
TIME = Coded(timestamps.to_text, timestamps.from_text)
DIGEST = Coded(lambda digest: digest.hex, Digest)
JSON = Coded(_to_json, json.loads)
NAMES = Coded(lambda names: _to_json([*names]), lambda text: tuple(json.loads(text)))
SHAPES = Coded(_shapes_to_json, _shapes_from_json)
PATH = Coded(str, Path)
MANIFEST = Coded(
    lambda manifest: manifest.to_json().decode(), lambda text: Manifest.from_json(text.encode())
)
LINEAGE = Coded(
    lambda lineage: _to_json(lineage.to_json()) if lineage != Lineage() else "", _read_lineage
)
ITEMS = Coded(
    lambda items: _to_json([item.to_json() for item in items]),
    lambda text: tuple(Item.from_json(item) for item in json.loads(text)),
)
POLICY = Coded(
    lambda policy: _to_json(policy.to_json()), lambda text: AliasPolicy.from_json(json.loads(text))
)
TRAFFIC = Coded(
    lambda traffic: _to_json(traffic.to_json()), lambda text: Traffic.from_json(json.loads(text))
)
