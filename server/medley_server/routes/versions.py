"""`/v1/adapters/{name}/versions`: what was published."""

from fastapi import APIRouter
from medley_registry import Alias, Reference, Version

from medley_server.deps import RegistryDep
from medley_server.schemas.fields import Name, Number, PageSize
from medley_server.schemas.versions import SignatureList, VersionPage, VersionRecord

router = APIRouter(prefix="/v1/adapters/{name}/versions")


@router.get("")
def list_versions(
    registry: RegistryDep, name: Name, before: Number | None = None, limit: PageSize = 100
) -> VersionPage:
    versions, aliases = registry.versions(name, before=before, limit=limit), registry.aliases(name)
    first = versions[0].number if versions else 1
    records = [_record(version, aliases) for version in reversed(versions)]
    return VersionPage(versions=records, before=first if first > 1 else None)


@router.get("/{selector}")
def get_version(registry: RegistryDep, name: Name, selector: str) -> VersionRecord:
    """By its number, its digest, or an alias: what follows the name in a reference."""
    mark = ":" if selector.isdigit() else "@"
    version = registry.resolve(Reference.parse(f"{name}{mark}{selector}"))
    return _record(version, registry.aliases(name))


@router.get("/{number}/signatures", response_model=SignatureList)
def list_signatures(registry: RegistryDep, name: Name, number: Number) -> object:
    return {"signatures": registry.trust.signatures(name, number)}


def _record(version: Version, aliases: list[Alias]) -> VersionRecord:
    record = VersionRecord.model_validate(version)
    record.aliases = [alias.name for alias in aliases if alias.number == version.number]
    return record
