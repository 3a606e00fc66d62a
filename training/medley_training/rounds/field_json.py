"""Frozen values as JSON objects and back, field by field, checked against the fields' types."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from math import isfinite, nan
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from medley_registry.timestamps import from_text, to_text

Value = TypeVar("Value")


def to_fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass's value; None is left out, a number that is not finite is null."""
    found = {each.name: getattr(value, each.name) for each in fields(value)}
    return {name: _encoded(of_name) for name, of_name in found.items() if of_name is not None}


def from_fields(kind: type[Value], found: Mapping[str, Any]) -> Value:
    """The value that `to_fields` took apart.

    Raises:
        ValueError: A field is unknown, missing or of another type.
    """
    hashable: Any = kind  # which mypy does not see of a class
    hints = _hints(hashable)
    try:
        return kind(**{name: _decoded(value, hints[name]) for name, value in found.items()})
    except KeyError as error:
        raise ValueError(f"unknown field {error}") from error
    except TypeError as error:
        raise ValueError(str(error)) from error


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _encoded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _encoded(of_name) for name, of_name in value.items()}
    if isinstance(value, datetime):
        return to_text(value)
    return None if isinstance(value, float) and not isfinite(value) else value


def _decoded(value: Any, hint: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _decoded(value, next(each for each in inner if each is not NoneType))
    if origin is tuple and isinstance(value, list):
        return tuple(_decoded(each, inner[0]) for each in value)
    if origin is Mapping and isinstance(value, dict):
        return {name: _decoded(of_name, inner[1]) for name, of_name in value.items()}
    if hint is datetime and isinstance(value, str):
        return from_text(value)
    if hint is float and (value is None or type(value) in (int, float)):
        return nan if value is None else float(value)
    if type(value) is not hint:
        raise TypeError(f"{value!r} is not of type {getattr(hint, '__name__', hint)}")
    return value
