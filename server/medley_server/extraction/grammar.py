"""A schema as the grammar that the engine writes by.

xgrammar's own conversion of JSON schemas lets a model put white space between values without end,
write numbers without end, put control characters into bounded strings and never a quote; and with
white space forbidden it still demands a space after the comma of a list (mlc-ai/xgrammar#945).
Each of these was seen with 0.2.8. So the grammar is ours: the shortest JSON and nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from medley_server.extraction.copying import COPIED, can_copy, copied_rules, literal

MOST_CHARACTERS = 512
"""Of a string whose schema gives no `maxLength`."""

MOST_ITEMS = 64
"""Of a list whose schema gives no `maxItems`."""

STRING_BOUNDS = (128, 512, 4096)
"""What the grammar knows of the length of texts."""

_TERMINALS = (
    r'escape ::= "\\" ["\\/bfnrt]',
    r'integer ::= "-"? ("0" | [1-9] [0-9]{0,14})',
    r'number ::= integer ("." [0-9]{1,12})?',
    r'boolean ::= "true" | "false"',
)


def grammar_of(schema: Mapping[str, Any], *, copied_from: str = "") -> str:
    """EBNF, in xgrammar's dialect, of the shortest JSON texts that keep to a schema.

    Args:
        schema: Of the keywords that `schema_subset.bounded` gives, and `anyOf` of any such
            schemas. Properties are written in their order; objects have no others.
        copied_from: Where strings are pieces of a text (`copied_rules`), the text; their bounds in
            the schema do not count then.

    Raises:
        ValueError: It has something else.
    """
    if not can_copy(copied_from):
        return _grammar_of(json.dumps(schema), is_copied=False)
    rules = _grammar_of(json.dumps(schema), is_copied=True)
    return rules + "\n".join(copied_rules(copied_from)) + "\n"


@lru_cache(maxsize=256)
def _grammar_of(schema: str, *, is_copied: bool) -> str:
    rules = _Rules(is_copied=is_copied)
    rules.add("root", rules.of(json.loads(schema)))
    return "\n".join((*rules.lines, *_TERMINALS)) + "\n"


class _Rules:
    """The rules of one grammar, as they come up."""

    def __init__(self, *, is_copied: bool) -> None:
        self.lines: list[str] = []
        self._is_copied = is_copied
        self._names: dict[str, str] = {}

    def add(self, name: str, body: str) -> None:
        self.lines.append(f"{name} ::= {body}")

    def named(self, body: str) -> str:
        """The name of a rule with this body; equal bodies share one."""
        if body not in self._names:
            self._names[body] = f"r{len(self._names)}"
            self.add(self._names[body], body)
        return self._names[body]

    def of(self, schema: Mapping[str, Any]) -> str:
        """What an expression for the schema is."""
        if "const" in schema:
            return literal(_json(schema["const"]))
        if "enum" in schema:
            return " | ".join(literal(_json(value)) for value in schema["enum"])
        if "anyOf" in schema:
            return " | ".join(self.named(self.of(each)) for each in schema["anyOf"])
        kind = schema.get("type")
        if isinstance(kind, list):
            return " | ".join(self.named(self.of({**schema, "type": each})) for each in kind)
        if kind in ("integer", "number", "boolean"):
            return str(kind)
        return self._composed(str(kind), schema)

    def _composed(self, kind: str, schema: Mapping[str, Any]) -> str:
        if kind == "null":
            return '"null"'
        if kind == "string" and self._is_copied:
            return rf'"\"" {COPIED} "\""'
        if kind == "string":
            return _string(schema.get("minLength", 0), schema.get("maxLength", MOST_CHARACTERS))
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            return self._object(schema)
        raise ValueError(f"no grammar for type {kind}")

    def _array(self, schema: Mapping[str, Any]) -> str:
        least, most = schema.get("minItems", 0), schema.get("maxItems", MOST_ITEMS)
        if most == 0:
            return '"[]"'
        item = self.named(self.of(schema["items"]))
        more = self.named(f'"," {item}')
        full = f'"[" {item} {more}{{{max(least - 1, 0)},{most - 1}}} "]"' if most > 1 else ""
        full = full or f'"[" {item} "]"'
        return full if least else f'"[]" | {full}'

    def _object(self, schema: Mapping[str, Any]) -> str:
        """Each property in its order; the first that is there comes without a comma."""
        properties = list(schema.get("properties", {}).items())
        required = frozenset(schema.get("required", ()))
        started = self._rest(properties, required, is_first=False)
        opened = self._rest(properties, required, is_first=True, started=started)
        return f'"{{" {opened[0]} "}}"'

    def _rest(
        self,
        properties: Sequence[tuple[str, Mapping[str, Any]]],
        required: frozenset[str],
        *,
        is_first: bool,
        started: Sequence[str] = (),
    ) -> list[str]:
        """What may come from each property on; `started` is the same with one written before."""
        rests = ['""']
        for index in range(len(properties) - 1, -1, -1):
            name, schema = properties[index]
            key = literal(("" if is_first else ",") + _json(name) + ":")
            after = started[index + 1] if is_first else rests[0]
            written = f"{key} {self.named(self.of(schema))} {after}"
            body = written if name in required else f"{written} | {rests[0]}"
            rests.insert(0, self.named(body))
        return rests


def _string(least: int, most: int) -> str:
    """Letters up to the next of a few bounds, and as many again after each that is escaped.

    A count of a rule, which could bound escaped letters too, makes each token of a text cost 28 ms
    on one core (a class: 0.03 ms); and each bound that differs costs a second of compiling (290 of
    them: 340 s; SmolLM2's 49152 tokens, xgrammar 0.2.8). `conforming.conforms` is exact.
    """
    if most == 0:
        return r'"\"\""'
    letters = r'[^"\\\x00-\x1f]'
    bound = next(bound for bound in STRING_BOUNDS if bound >= min(most, STRING_BOUNDS[-1]))
    return rf'"\"" {letters}{{{min(least, 1)},{bound}}} (escape {letters}{{0,{bound}}})* "\""'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
