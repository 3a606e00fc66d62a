"""Whether a value keeps to a schema: an engine that was not held to it must not be believed."""

from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]


def conforms(value: Any, schema: Schema) -> bool:
    """Whether a value is what a schema says, in the terms that `grammar_of` takes."""
    if "const" in schema:
        return _is_same(value, schema["const"])
    if "enum" in schema:
        return any(_is_same(value, each) for each in schema["enum"])
    if "anyOf" in schema:
        return any(conforms(value, each) for each in schema["anyOf"])
    return _CHECKS[schema["type"]](value, schema)


def _is_object(value: Any, schema: Schema) -> bool:
    properties = schema.get("properties", {})
    return (
        isinstance(value, dict)
        and all(name in value for name in schema.get("required", ()))
        and all(
            name in properties and conforms(each, properties[name]) for name, each in value.items()
        )
    )


def _is_array(value: Any, schema: Schema) -> bool:
    return (
        isinstance(value, list)
        and _is_within(len(value), schema, "Items")
        and all(conforms(each, schema["items"]) for each in value)
    )


def _is_number(value: Any, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


_CHECKS: Mapping[str, Callable[[Any, Schema], bool]] = {
    "object": _is_object,
    "array": _is_array,
    "string": lambda value, schema: (
        isinstance(value, str) and _is_within(len(value), schema, "Length")
    ),
    "boolean": lambda value, _: isinstance(value, bool),
    "integer": lambda value, _: _is_number(value, int),
    "number": lambda value, _: _is_number(value, int, float),
    "null": lambda value, _: value is None,
}


def _is_within(size: int, schema: Schema, of: str) -> bool:
    least, most = schema.get(f"min{of}", 0), schema.get(f"max{of}", size)
    return bool(least <= size <= most)


def _is_same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)
