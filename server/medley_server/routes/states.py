"""What becomes of a version: its state, its content revoked, its bytes given up."""

from fastapi import APIRouter
from medley_registry import Reference

from medley_server.deps import BY_ADMIN, CallerDep, RegistryDep
from medley_server.schemas.fields import Name, Number
from medley_server.schemas.versions import (
    RevocationRecord,
    StateChange,
    TombstoneRecord,
    VersionRecord,
    Withdrawal,
)

router = APIRouter(prefix="/v1/adapters/{name}/versions/{number}", dependencies=[BY_ADMIN])


@router.post("/state", response_model=VersionRecord)
def change_state(
    registry: RegistryDep, caller: CallerDep, name: Name, number: Number, body: StateChange
) -> object:
    lifecycle, actor = registry.lifecycle, caller.name
    match body.state:
        case "validated":
            return lifecycle.validate(name, number, actor=actor)
        case "admitted":
            return lifecycle.admit(name, number, actor=actor)
        case "deprecated":
            return lifecycle.deprecate(name, number, actor=actor, reason=body.reason)
        case "quarantined":
            return lifecycle.quarantine(name, number, actor=actor, reason=body.reason)


@router.post("/revoke", response_model=RevocationRecord)
def revoke(
    registry: RegistryDep, caller: CallerDep, name: Name, number: Number, body: Withdrawal
) -> object:
    """Take the version's content back for ever, in every adapter that has it."""
    digest = registry.resolve(Reference(name, number=number)).digest
    moved = registry.lifecycle.revoke(digest, actor=caller.name, reason=body.reason)
    return {"digest": digest, "reason": body.reason, "moved": moved}


@router.delete("", response_model=TombstoneRecord)
def delete(
    registry: RegistryDep, caller: CallerDep, name: Name, number: Number, body: Withdrawal
) -> object:
    return registry.lifecycle.delete(name, number, actor=caller.name, reason=body.reason)
