"""`/v1/adapters`: which adapters there are."""

from fastapi import APIRouter
from medley_registry import Adapter, Registry

from medley_server.deps import RegistryDep
from medley_server.schemas.adapters import AdapterList, AdapterRecord
from medley_server.schemas.fields import Name

router = APIRouter(prefix="/v1/adapters")


@router.get("")
def list_adapters(registry: RegistryDep) -> AdapterList:
    return AdapterList(adapters=[_record(registry, one) for one in registry.adapters()])


@router.get("/{name}")
def get_adapter(registry: RegistryDep, name: Name) -> AdapterRecord:
    return _record(registry, registry.adapter(name))


def _record(registry: Registry, adapter: Adapter) -> AdapterRecord:
    record = AdapterRecord.model_validate(adapter)
    record.versions = registry.version_count(adapter.name)
    record.aliases = {alias.name: alias.number for alias in registry.aliases(adapter.name)}
    return record
