"""`/v1/adapters/{name}/aliases/{alias}/traffic`: canary and shadow of an alias."""

from fastapi import APIRouter

from medley_server.deps import BY_PROMOTER, CallerDep, RegistryDep
from medley_server.schemas.fields import AliasName, Name
from medley_server.schemas.traffic import TrafficBody, TrafficRecord, traffic_record

router = APIRouter(prefix="/v1/adapters/{name}/aliases/{alias}/traffic")


@router.get("", response_model=TrafficRecord)
def get_traffic(registry: RegistryDep, name: Name, alias: AliasName) -> object:
    return traffic_record(name, alias, registry.traffic.of(name, alias))


@router.put("", response_model=TrafficRecord, dependencies=[BY_PROMOTER])
def set_traffic(
    registry: RegistryDep, caller: CallerDep, name: Name, alias: AliasName, body: TrafficBody
) -> object:
    rule = registry.traffic.set(
        name,
        alias,
        body.traffic(),
        actor=caller.name,
        expected_revision=body.expected_revision,
    )
    return traffic_record(name, alias, rule)
