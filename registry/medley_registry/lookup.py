"""Finding by name in one state of the index, with the nearest names where nothing is found."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from medley_registry.adapters import Adapter, Version, VersionState
from medley_registry.aliases import Alias
from medley_registry.bases import BaseModel
from medley_registry.errors import (
    AdapterNotFound,
    AliasNotFound,
    AmbiguousDigest,
    BaseNotFound,
    VersionDeleted,
    VersionNotFound,
)
from medley_registry.evidence import Evidence
from medley_registry.index import IndexReader
from medley_registry.item_scores import Item, ItemScores
from medley_registry.references import DEFAULT_ALIAS, Reference
from medley_registry.withdrawals import Tombstone

_MOST_NEAREST = 3
_MOST_COMPARED = 1000
_BEYOND_ANY = 2**62


def find_base(reader: IndexReader, name: str) -> BaseModel:
    """Raises BaseNotFound."""
    base = reader.one(BaseModel, name=name)
    if base is None:
        names = [base.name for base in reader.all(BaseModel)]
        raise BaseNotFound(f"no base model {name!r}", nearest=_nearest(name, names))
    return base


def find_adapter(reader: IndexReader, name: str) -> Adapter:
    """Raises AdapterNotFound."""
    adapter = reader.one(Adapter, name=name)
    if adapter is None:
        names = [adapter.name for adapter in reader.all(Adapter)]
        raise AdapterNotFound(f"no adapter {name!r}", nearest=_nearest(name, names))
    return adapter


def find_alias(reader: IndexReader, adapter: str, name: str) -> Alias:
    """Raises AdapterNotFound or AliasNotFound; the nearest are references that do resolve."""
    alias = reader.one(Alias, adapter=adapter, name=name)
    if alias is None:
        find_adapter(reader, adapter)
        there = {alias.name: alias.reference for alias in reader.all(Alias, adapter=adapter)}
        close = _nearest(name, there) or tuple(there)[:_MOST_NEAREST]
        raise AliasNotFound(
            f"{adapter!r} has no alias {name!r}", nearest=tuple(there[name] for name in close)
        )
    return alias


def find_version(reader: IndexReader, adapter: str, number: int) -> Version:
    """Raises AdapterNotFound, VersionNotFound or VersionDeleted."""
    return _not_deleted(reader, find_number(reader, adapter, number))


def find_number(reader: IndexReader, adapter: str, number: int) -> Version:
    """The version with this number, even if it was deleted.

    Raises:
        AdapterNotFound, VersionNotFound: the nearest are references that do resolve.
    """
    is_possible = 0 < number < _BEYOND_ANY
    version = reader.one(Version, adapter=adapter, number=number) if is_possible else None
    if version is None:
        find_adapter(reader, adapter)
        last = reader.last_number(adapter)
        numbers = range(last, max(0, last - _MOST_NEAREST), -1)
        raise VersionNotFound(
            f"{adapter!r} has no version {number}",
            nearest=tuple(str(Reference(adapter, number=n)) for n in numbers),
        )
    return version


def find_items(reader: IndexReader, evidence: Evidence) -> tuple[Item, ...]:
    """What each item contributed, sorted by name; empty where that was not recorded."""
    key = {"adapter": evidence.adapter, "number": evidence.number, "ordinal": evidence.ordinal}
    scores = reader.one(ItemScores, **key)
    return scores.items if scores else ()


def resolve(reader: IndexReader, reference: Reference) -> Version:
    """The version that a reference means in this state of the index.

    Raises:
        AdapterNotFound, AliasNotFound, VersionNotFound: what it names is not there.
        AmbiguousDigest: the digest's prefix fits more than one version.
    """
    if reference.number is not None:
        return find_version(reader, reference.adapter, reference.number)
    if reference.digest_prefix is not None:
        return _by_digest(reader, reference, reference.digest_prefix)
    alias = find_alias(reader, reference.adapter, reference.alias or DEFAULT_ALIAS)
    return find_version(reader, alias.adapter, alias.number)


def _by_digest(reader: IndexReader, reference: Reference, prefix: str) -> Version:
    match reader.versions_by_digest(reference.adapter, prefix):
        case [version]:
            return _not_deleted(reader, version)
        case []:
            find_adapter(reader, reference.adapter)
            raise VersionNotFound(f"no version has the digest in '{reference}'")
        case several:
            fitting = ", ".join(version.reference for version in several)
            raise AmbiguousDigest(f"'{reference}' fits several versions: {fitting}")


def _not_deleted(reader: IndexReader, version: Version) -> Version:
    if version.state is VersionState.DELETED:
        tombstone = reader.one(Tombstone, adapter=version.adapter, number=version.number)
        why = tombstone.reason if tombstone else "no reason is kept"
        raise VersionDeleted(f"{version.reference} was deleted: {why}")
    return version


def _nearest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    compared = islice(names, _MOST_COMPARED)  # a question must not cost more than its answer
    return tuple(get_close_matches(name, compared, n=_MOST_NEAREST, cutoff=0.5))
