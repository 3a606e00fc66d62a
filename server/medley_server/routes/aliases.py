"""`/v1/adapters/{name}/aliases`: where aliases point, and moving them."""

from fastapi import APIRouter

from medley_server.deps import BY_PROMOTER, CallerDep, RegistryDep
from medley_server.schemas.aliases import AliasList, AliasRecord, MoveList, Promotion, Rollback
from medley_server.schemas.fields import AliasName, Moment, Name

router = APIRouter(prefix="/v1/adapters/{name}/aliases")


@router.get("", response_model=AliasList)
def list_aliases(registry: RegistryDep, name: Name) -> object:
    return {"aliases": registry.aliases(name)}


@router.put("/{alias}", response_model=AliasRecord, dependencies=[BY_PROMOTER])
def promote(
    registry: RegistryDep, caller: CallerDep, name: Name, alias: AliasName, body: Promotion
) -> object:
    return registry.promote(
        name,
        body.number,
        alias=alias,
        actor=caller.name,
        expected_generation=body.expected_generation,
    )


@router.post("/{alias}/rollback", response_model=AliasRecord, dependencies=[BY_PROMOTER])
def roll_back(
    registry: RegistryDep, caller: CallerDep, name: Name, alias: AliasName, body: Rollback
) -> object:
    return registry.rollback(
        name, alias=alias, actor=caller.name, expected_generation=body.expected_generation
    )


@router.get("/{alias}/history", response_model=MoveList)
def history(
    registry: RegistryDep, name: Name, alias: AliasName, at: Moment | None = None
) -> object:
    if at is None:
        return {"moves": registry.history(name, alias=alias)}
    move = registry.target_at(name, alias=alias, at=at)
    return {"moves": [move] if move else []}
