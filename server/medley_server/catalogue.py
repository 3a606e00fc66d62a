"""What this server offers now: the last good state of the registry, as far as it is live here.

Reading it takes no lock and no database: it is what every request resolves its `model` against. An
alias changes here only when the version it moves to is in the engine (`medley_server.swap`).
"""

import asyncio
from collections.abc import Collection, Iterable
from difflib import get_close_matches

from medley_registry import (
    DEFAULT_ALIAS,
    InvalidReference,
    NotFound,
    Reference,
    Registry,
    RegistryError,
    Version,
    VersionDeleted,
)

from medley_server.errors import AdapterUnavailable, ModelNotFound
from medley_server.served_base import ServedBase

AliasKey = tuple[str, str]
"""Adapter and alias name."""


class Catalogue:
    """Resolves references, once per request, to immutable versions."""

    def __init__(self, registry: Registry, base: ServedBase) -> None:
        self._registry = registry
        self._base = base
        self._versions: dict[tuple[str, int], Version] = {}
        self._live: dict[AliasKey, Version] = {}

    @property
    def base(self) -> ServedBase:
        """The base model every adapter here belongs to."""
        return self._base

    @property
    def versions(self) -> list[Version]:
        """Every version known, by adapter and number."""
        return [self._versions[key] for key in sorted(self._versions)]

    @property
    def live(self) -> dict[AliasKey, Version]:
        """What each alias answers with here."""
        return dict(sorted(self._live.items()))

    @property
    def live_engine_names(self) -> Collection[str]:
        """What the engine calls the versions that aliases answer with here."""
        return {version.engine_name for version in self._live.values()}

    def live_at(self, key: AliasKey) -> Version | None:
        """What one alias answers with here."""
        return self._live.get(key)

    def offered(self, adapter: str, number: int) -> Version | None:
        """The version with this number, if it is for this base and may be served."""
        return self._versions.get((adapter, number))

    def offers(self, version: Version) -> bool:
        """Whether it may still be served."""
        return (version.adapter, version.number) in self._versions

    def learn(self, versions: Iterable[Version], *, is_whole: bool) -> None:
        """Takes over how versions stand now; what may not be served is gone at once.

        Args:
            versions: of this base, in any state.
            is_whole: there are no others.
        """
        if is_whole:
            self._versions.clear()
        for version in versions:
            key = (version.adapter, version.number)
            self._versions.pop(key, None)
            if version.state.is_servable:
                self._versions[key] = version
        self._live = {
            alias: version
            for alias, version in self._live.items()
            if (version.adapter, version.number) in self._versions
        }

    def flip(self, key: AliasKey, version: Version) -> None:
        """Lets an alias answer with `version`, from the next request on."""
        self._live[key] = version

    async def resolve(self, model: str) -> Version:
        """The version that `model` means here and now.

        Raises:
            ModelNotFound: there is none, or it is for another base, or may not be served.
            AdapterUnavailable: it is not known here, and the registry cannot be asked.
        """
        try:
            reference = Reference.parse(model)
        except InvalidReference as error:
            raise ModelNotFound(model, because=str(error), nearest=self._nearest(model)) from error
        if (version := self._find(reference)) is None:
            version = await self._ask(model, reference)
        if version.base_id not in self._base.base_ids:
            because = f"it is for base {version.base}, and this server runs {self._base.name}"
            raise ModelNotFound(model, because=because)
        if not version.state.is_servable:
            raise ModelNotFound(model, because=f"{version.reference} is {version.state}")
        return version

    def _find(self, reference: Reference) -> Version | None:
        if reference.number is not None:
            return self._versions.get((reference.adapter, reference.number))
        if (prefix := reference.digest_prefix) is not None:
            fitting = [
                version
                for version in self._versions.values()
                if version.adapter == reference.adapter and version.digest.hex.startswith(prefix)
            ]
            return fitting[0] if len(fitting) == 1 else None
        return self._live.get((reference.adapter, reference.alias or DEFAULT_ALIAS))

    async def _ask(self, model: str, reference: Reference) -> Version:
        try:
            version = await asyncio.to_thread(self._registry.resolve, reference)
        except VersionDeleted as error:
            raise ModelNotFound(model, because=str(error)) from error
        except NotFound as error:
            nearest = error.nearest or self._nearest(model)
            raise ModelNotFound(model, nearest=nearest) from error
        except InvalidReference as error:
            raise ModelNotFound(model, because=str(error)) from error
        except RegistryError as error:
            raise AdapterUnavailable(f"`{model}` is not known here, and {error}") from error
        return version

    def _nearest(self, model: str) -> tuple[str, ...]:
        names = {self._base.name}
        names |= {adapter for adapter, _ in self._live}
        names |= {version.reference for version in self._versions.values()}
        return tuple(get_close_matches(model, sorted(names), n=3, cutoff=0.5))
