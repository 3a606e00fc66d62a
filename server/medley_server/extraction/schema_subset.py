"""The part of JSON Schema that callers may use for a record of their own.

Objects, arrays, strings, numbers, integers and booleans; `properties`, `required`, `items`,
`minItems`, `maxItems`, `minLength`, `maxLength`, `enum` and `const` of plain values; a value that
may be null by `anyOf` with ``{"type": "null"}`` or by a list of types; `$defs` and `$ref` to them
that do not come back to themselves; and words that only people read. `additionalProperties` may be
false, which is how every object is read. Anything else is refused by name: what a model is not
held to must not look as if it were.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from medley_server.extraction.errors import SchemaUnsupported
from medley_server.extraction.grammar import MOST_CHARACTERS, MOST_ITEMS

MOST_DEPTH = 8
MOST_SCHEMAS = 300
MOST_CHOICES = 200
MOST_NAME = 100
LONGEST_SCHEMA = 65_536
LONGEST_STRING = 4096
LONGEST_LIST = 512

_READ_BY_PEOPLE = frozenset(
    {"title", "description", "$schema", "$id", "$comment", "examples", "default"}
)
_OF_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength"}),
    "number": frozenset(),
    "integer": frozenset(),
    "boolean": frozenset(),
    "null": frozenset(),
}
_PLAIN = (str, int, float, bool, type(None))


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema with a bound on everything and no references: what the engine is given.

    Raises:
        SchemaUnsupported: It is outside the subset; the message names the keyword and its place.
    """
    if len(json.dumps(schema)) > LONGEST_SCHEMA:
        raise _unsupported("properties", "", f"more than {LONGEST_SCHEMA} letters in all")
    made = _Bounding(schema).of(schema, "", ())
    if made.get("type") != "object":
        raise _unsupported("type", "", "the outermost value has to be an object")
    return made


def check(schema: Mapping[str, Any]) -> None:
    """Whether a caller may use it.

    Raises:
        SchemaUnsupported: See `bounded`.
    """
    bounded(schema)


class _Bounding:
    """One walk through a schema, which counts what it has seen."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        definitions = root.get("$defs", {})
        self._definitions = definitions if isinstance(definitions, Mapping) else {}
        self._seen = 0

    def of(self, schema: Any, pointer: str, within: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(schema, Mapping):
            raise _unsupported(pointer.rpartition("/")[2], pointer, "it has to be an object")
        self._count(pointer, within)
        if "$ref" in schema:
            return self._referenced(schema, pointer, within)
        if "anyOf" in schema:
            return self._nullable(schema, pointer, within)
        if isinstance(schema.get("type"), Sequence) and not isinstance(schema["type"], str):
            return self._of_types(schema, pointer, within)
        if "const" in schema or "enum" in schema:
            return _closed(schema, pointer)
        return self._typed(schema, pointer, within)

    def _count(self, pointer: str, within: tuple[str, ...]) -> None:
        self._seen += 1
        if self._seen > MOST_SCHEMAS:
            raise _unsupported("properties", pointer, f"more than {MOST_SCHEMAS} schemas in all")
        depth = sum(pointer.count(step) for step in ("/properties/", "/items")) + len(within)
        if depth > MOST_DEPTH:
            raise _unsupported("properties", pointer, f"deeper than {MOST_DEPTH} levels")

    def _referenced(
        self, schema: Mapping[str, Any], pointer: str, within: tuple[str, ...]
    ) -> dict[str, Any]:
        _only({"$ref", "$defs"}, schema, pointer)
        reference = schema["$ref"]
        name = reference.removeprefix("#/$defs/") if isinstance(reference, str) else ""
        name = name.replace("~1", "/").replace("~0", "~")
        if name not in self._definitions or name == reference:
            raise _unsupported("$ref", f"{pointer}/$ref", "it has to name one of $defs")
        if name in within:
            raise _unsupported("$ref", f"{pointer}/$ref", f"{name} holds itself")
        return self.of(self._definitions[name], pointer, (*within, name))

    def _nullable(
        self, schema: Mapping[str, Any], pointer: str, within: tuple[str, ...]
    ) -> dict[str, Any]:
        _only({"anyOf", "$defs"}, schema, pointer)
        choices = schema["anyOf"]
        is_pair = isinstance(choices, Sequence) and len(choices) == 2
        nulls = [
            at
            for at, each in enumerate(choices if is_pair else ())
            if isinstance(each, Mapping) and each.get("type") == "null"
        ]
        if len(nulls) != 1:
            raise _unsupported("anyOf", f"{pointer}/anyOf", 'only with {"type": "null"}')
        other = self.of(choices[1 - nulls[0]], f"{pointer}/anyOf/{1 - nulls[0]}", within)
        return _or_null(other)

    def _of_types(
        self, schema: Mapping[str, Any], pointer: str, within: tuple[str, ...]
    ) -> dict[str, Any]:
        others = [kind for kind in schema["type"] if kind != "null"]
        if len(others) != 1 or len(schema["type"]) > 2:
            raise _unsupported("type", f"{pointer}/type", "one type, or one and null")
        made = self.of({**schema, "type": others[0]}, pointer, within)
        return _or_null(made) if len(schema["type"]) == 2 else made

    def _typed(
        self, schema: Mapping[str, Any], pointer: str, within: tuple[str, ...]
    ) -> dict[str, Any]:
        kind = schema.get("type")
        if not isinstance(kind, str) or kind not in _OF_TYPE:
            raise _unsupported("type", f"{pointer}/type", f"one of {', '.join(_OF_TYPE)}")
        _only({"type", "$defs", *_OF_TYPE[kind]}, schema, pointer)
        if kind == "object":
            return self._object(schema, pointer, within)
        if kind == "array":
            least, most = _bounds(schema, pointer, "Items", MOST_ITEMS, LONGEST_LIST)
            items = self.of(schema.get("items"), f"{pointer}/items", within)
            return {"type": kind, "items": items, "minItems": least, "maxItems": most}
        if kind == "string":
            least, most = _bounds(schema, pointer, "Length", MOST_CHARACTERS, LONGEST_STRING)
            return {"type": kind, "minLength": least, "maxLength": most}
        return {"type": kind}

    def _object(
        self, schema: Mapping[str, Any], pointer: str, within: tuple[str, ...]
    ) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, Mapping) or any(
            len(name) > MOST_NAME or not name.isprintable() for name in properties
        ):
            where = f"{pointer}/properties"
            raise _unsupported("properties", where, f"names of at most {MOST_NAME} letters")
        if not isinstance(required, Sequence) or any(name not in properties for name in required):
            raise _unsupported("required", f"{pointer}/required", "names of properties")
        if schema.get("additionalProperties", False) is not False:
            where = f"{pointer}/additionalProperties"
            raise _unsupported("additionalProperties", where, "only false")
        made = {
            name: self.of(each, f"{pointer}/properties/{_escaped(name)}", within)
            for name, each in properties.items()
        }
        return {
            "type": "object",
            "properties": made,
            "required": list(required),
            "additionalProperties": False,
        }


def _closed(schema: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    """A closed list of plain values; its `type` says nothing new and is not kept."""
    key = "const" if "const" in schema else "enum"
    _only({key, "type", "$defs"}, schema, pointer)
    values = [schema[key]] if key == "const" else schema[key]
    is_list = isinstance(values, Sequence) and not isinstance(values, str)
    is_fit = is_list and 0 < len(values) <= MOST_CHOICES
    if not is_fit or not all(isinstance(value, _PLAIN) for value in values):
        raise _unsupported(key, f"{pointer}/{key}", f"1 to {MOST_CHOICES} plain values")
    if any(isinstance(value, str) and len(value) > LONGEST_STRING for value in values):
        raise _unsupported(key, f"{pointer}/{key}", f"texts of at most {LONGEST_STRING} letters")
    return {"enum": list(values)}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {"enum": [*(value for value in schema["enum"] if value is not None), None]}
    return {"anyOf": [schema, {"type": "null"}]}


def _bounds(
    schema: Mapping[str, Any], pointer: str, of: str, usual: int, limit: int
) -> tuple[int, int]:
    least, most = schema.get(f"min{of}", 0), schema.get(f"max{of}")
    for key, value in ((f"min{of}", least), (f"max{of}", 0 if most is None else most)):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= limit:
            raise _unsupported(key, f"{pointer}/{key}", f"a whole number from 0 to {limit}")
    most = max(usual, least) if most is None else most
    if most < least:
        raise _unsupported(f"max{of}", f"{pointer}/max{of}", f"not less than min{of}")
    return least, most


def _only(known: set[str], schema: Mapping[str, Any], pointer: str) -> None:
    for keyword in schema:
        if keyword not in known | _READ_BY_PEOPLE:
            raise _unsupported(keyword, f"{pointer}/{_escaped(str(keyword))}", "not supported")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _unsupported(keyword: str, pointer: str, because: str) -> SchemaUnsupported:
    return SchemaUnsupported(
        f"The schema's `{keyword}` at `{pointer or '/'}` cannot be used here: {because}.",
        details={"keyword": keyword, "pointer": pointer},
    )
