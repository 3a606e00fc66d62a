"""What an alias demands of a version, and who has consented to a move."""

from fastapi import APIRouter

from medley_server.deps import BY_ADMIN, BY_PROMOTER, CallerDep, RegistryDep
from medley_server.schemas.aliases import (
    ApprovalList,
    ApprovalRecord,
    Consent,
    DecisionList,
    PolicyBody,
    PolicyRecord,
    ProtectionRecord,
)
from medley_server.schemas.fields import AliasName, Name

router = APIRouter(prefix="/v1/adapters/{name}/aliases/{alias}")


@router.get("/policy", response_model=PolicyRecord)
def get_policy(registry: RegistryDep, name: Name, alias: AliasName) -> object:
    return registry.protection.of(name, alias).to_json()


@router.put("/policy", response_model=ProtectionRecord, dependencies=[BY_ADMIN])
def set_policy(
    registry: RegistryDep, caller: CallerDep, name: Name, alias: AliasName, body: PolicyBody
) -> object:
    return registry.protection.set(name, alias, body.policy(), actor=caller.name)


@router.get("/decisions", response_model=DecisionList)
def list_decisions(registry: RegistryDep, name: Name, alias: AliasName) -> object:
    return {"decisions": registry.protection.decisions(name, alias)}


@router.get("/approvals", response_model=ApprovalList)
def list_approvals(registry: RegistryDep, name: Name, alias: AliasName) -> object:
    return {"approvals": registry.protection.approvals(name, alias)}


@router.post(
    "/approvals", response_model=ApprovalRecord, status_code=201, dependencies=[BY_PROMOTER]
)
def approve(
    registry: RegistryDep, caller: CallerDep, name: Name, alias: AliasName, body: Consent
) -> object:
    return registry.protection.approve(name, body.number, alias=alias, actor=caller.name)
