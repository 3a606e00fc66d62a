"""What a shell offers after Tab: names that are in the registry, and nothing if it cannot be read.

The words given so far tell which registry (`medley completion` prints the shell's side of it).
"""

import re
from collections.abc import Callable, Iterable
from functools import wraps

import typer

from medley_registry.errors import RegistryError
from medley_registry.registry import Registry

_MOST_NUMBERS = 20

Complete = Callable[[typer.Context, str], list[str]]


def _silently(find: Callable[[Registry, typer.Context, str], Iterable[str]]) -> Complete:
    """Open the registry for a completion; someone who is typing wants no error."""

    @wraps(find)
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from medley_registry.opening import open_registry

        where = {name: ctx.params.get(name) for name in ("registry", "blobs", "tenant")}
        try:
            with open_registry(
                where["registry"], blobs=where["blobs"], tenant=where["tenant"]
            ) as r:
                return [*find(r, ctx, incomplete)]
        except (RegistryError, OSError):
            return []

    # Typer finds out by the annotations what to pass.
    complete.__annotations__ = {"ctx": typer.Context, "incomplete": str}
    del complete.__wrapped__
    return complete


@_silently
def adapter_names(registry: Registry, _ctx: typer.Context, _incomplete: str) -> Iterable[str]:
    return (adapter.name for adapter in registry.adapters())


@_silently
def base_names(registry: Registry, _ctx: typer.Context, _incomplete: str) -> Iterable[str]:
    return (base.name for base in registry.bases())


@_silently
def alias_names(registry: Registry, _ctx: typer.Context, _incomplete: str) -> Iterable[str]:
    return sorted({alias.name for alias in registry.aliases()})


@_silently
def key_ids(registry: Registry, _ctx: typer.Context, _incomplete: str) -> Iterable[str]:
    return (key.key_id for key in registry.trust.keys())  # noqa: SIM118 it is no mapping


@_silently
def access_key_ids(registry: Registry, _ctx: typer.Context, _incomplete: str) -> Iterable[str]:
    return (key.key_id for key in registry.access.keys())  # noqa: SIM118 it is no mapping


@_silently
def version_references(registry: Registry, _ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """The adapters; of the one that is typed, the newest versions."""
    names, chosen = _adapters(registry, incomplete)
    return _newest(registry, chosen) if chosen else names


@_silently
def references(registry: Registry, _ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """The adapters; of the one that is typed, its aliases and newest versions."""
    names, chosen = _adapters(registry, incomplete)
    if chosen is None:
        return names
    aliases = [alias.reference for alias in registry.aliases(chosen)]
    return [chosen, *aliases, *_newest(registry, chosen)]


def _adapters(registry: Registry, incomplete: str) -> tuple[list[str], str | None]:
    """The adapters whose names begin so; and which one it is, if it can be only one."""
    name = re.split("[:@]", incomplete, maxsplit=1)[0]
    fitting = [a.name for a in registry.adapters() if a.name.startswith(name)]
    if name != incomplete:
        return fitting, name
    return fitting, fitting[0] if len(fitting) == 1 else None


def _newest(registry: Registry, name: str) -> list[str]:
    return [v.reference for v in reversed(registry.versions(name, limit=_MOST_NUMBERS))]
