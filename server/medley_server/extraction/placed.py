"""A caller's own JSON with the place of each plain value, and how the parts of a document join."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from medley.results import ExtractionWarning, Found, Match

from medley_server.extraction.written_json import escaped


@dataclass(frozen=True, slots=True)
class PlacedValue:
    """A plain value; without a place where there is nothing that could have one."""

    value: Any
    found: Found | None


Tree = Any
"""As JSON is in Python, with a `PlacedValue` for every plain value."""


def placed(value: Any, find: Callable[[str], Found | None], pointer: str = "") -> Tree:
    """A tree of a value; `find` is given the pointer of each plain one."""
    if isinstance(value, dict):
        return {
            name: placed(each, find, f"{pointer}/{escaped(name)}") for name, each in value.items()
        }
    if isinstance(value, list):
        return [placed(each, find, f"{pointer}/{index}") for index, each in enumerate(value)]
    return PlacedValue(value, find(pointer))


def merged(first: Tree, second: Tree, warn: Callable[[str, str, str], None], at: str = "") -> Tree:
    """What two parts of a document say together.

    Objects are joined by name and lists one after the other; of two plain values the first that
    says anything counts, and where both do and differ, `warn` is told.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        return {
            name: merged(first[name], second[name], warn, f"{at}/{escaped(name)}")
            if name in first and name in second
            else (first | second)[name]
            for name in first | second
        }
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    if _says_nothing(first):
        return second
    if not _says_nothing(second) and _plain(first) != _plain(second):
        warn("conflicting_values", at, "Pages say different things; the first is given.")
    return first


def _says_nothing(tree: Tree) -> bool:
    return isinstance(tree, PlacedValue) and tree.value in (None, "")


def _plain(tree: Tree) -> Any:
    return tree.value if isinstance(tree, PlacedValue) else tree


@dataclass
class Parting:
    """Parts a tree in data and places.

    Attributes:
        leaves_out: Whether values that are nowhere on a page are left out.
    """

    schema: Mapping[str, Any]
    leaves_out: bool
    places: dict[str, Any] = field(default_factory=dict)
    warnings: list[ExtractionWarning] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)

    def part(self, tree: Tree, pointer: str = "", schema: Mapping[str, Any] | None = None) -> Any:
        """The data; places and warnings gather in the attributes."""
        schema = _shape(self.schema if schema is None else schema)
        if isinstance(tree, dict):
            return self._object(tree, pointer, schema)
        if isinstance(tree, list):
            return self._list(tree, pointer, schema)
        if tree.found is not None:
            self.places[pointer] = tree.found.model_dump(mode="json")
        if tree.value is None or tree.value == "":
            self.not_found.append(pointer)
        return tree.value

    def _object(self, tree: Tree, pointer: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        properties = schema.get("properties", {})
        made = {}
        for name, each in tree.items():
            at = f"{pointer}/{escaped(name)}"
            if self._is_kept(each, at):
                made[name] = self.part(each, at, properties.get(name, {}))
        self.not_found += [f"{pointer}/{escaped(name)}" for name in properties if name not in made]
        return made

    def _list(self, tree: Tree, pointer: str, schema: Mapping[str, Any]) -> list[Any]:
        most = schema.get("maxItems", len(tree))
        if len(tree) > most:
            self._warn("too_many_items", pointer, f"Only the first {most} of {len(tree)} fit.")
        kept = [each for each in tree if self._is_kept(each, pointer)][:most]
        items = schema.get("items", {})
        return [self.part(each, f"{pointer}/{index}", items) for index, each in enumerate(kept)]

    def _is_kept(self, tree: Tree, pointer: str) -> bool:
        is_invented = (
            isinstance(tree, PlacedValue)
            and tree.found is not None
            and tree.found.match is Match.NOT_FOUND
        )
        if not (is_invented and self.leaves_out):
            return True
        self._warn("not_on_page", pointer, "A value is nowhere on its pages: left out.")
        return False

    def _warn(self, code: str, pointer: str, message: str) -> None:
        self.warnings.append(ExtractionWarning(code=code, path=pointer, message=message))


def _shape(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a value that is there, where it may be null."""
    return next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)


def steps(schema: Mapping[str, Any], pointer: str) -> Iterator[Mapping[str, Any]]:
    """The schemas on the way to a value."""
    here = _shape(schema)
    yield here
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        here = _shape(here["items"] if here.get("type") == "array" else here["properties"][name])
        yield here
