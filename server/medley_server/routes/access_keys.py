"""`/v1/access-keys`: who may call, and for what."""

from fastapi import APIRouter, Response

from medley_server.deps import BY_ADMIN, CallerDep, RegistryDep
from medley_server.schemas.access_keys import (
    AccessKeyBody,
    AccessKeyList,
    AccessKeyRecord,
    NewAccessKey,
)

router = APIRouter(prefix="/v1/access-keys", dependencies=[BY_ADMIN])


@router.get("", response_model=AccessKeyList)
def list_access_keys(registry: RegistryDep) -> object:
    return {"access_keys": registry.access.keys()}


@router.post("", status_code=201)
def add_access_key(
    registry: RegistryDep, caller: CallerDep, body: AccessKeyBody, response: Response
) -> NewAccessKey:
    key, secret = registry.access.add(
        body.name, scopes=body.scopes, actor=caller.name, expires_at=body.expires_at
    )
    response.headers["cache-control"] = "no-store"
    return NewAccessKey(**AccessKeyRecord.model_validate(key).model_dump(), secret=secret)


@router.delete("/{key_id}", response_model=AccessKeyRecord)
def revoke_access_key(registry: RegistryDep, caller: CallerDep, key_id: str) -> object:
    return registry.access.revoke(key_id, actor=caller.name)
