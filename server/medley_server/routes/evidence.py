"""Variants of a version, and what was measured of them."""

from fastapi import APIRouter
from medley_registry import Digest

from medley_server.deps import BY_PUBLISHER, CallerDep, RegistryDep
from medley_server.schemas.evidence import EvidenceBody, EvidenceList, EvidenceRecord, VariantList
from medley_server.schemas.fields import Name, Number

router = APIRouter(prefix="/v1/adapters/{name}/versions/{number}")


@router.get("/variants", response_model=VariantList)
def list_variants(registry: RegistryDep, name: Name, number: Number) -> object:
    return {"variants": registry.evidence.variants(name, number)}


@router.get("/evidence", response_model=EvidenceList)
def list_evidence(registry: RegistryDep, name: Name, number: Number) -> object:
    return {"evidence": registry.evidence.of(name, number)}


@router.post(
    "/evidence", response_model=EvidenceRecord, status_code=201, dependencies=[BY_PUBLISHER]
)
def add_evidence(
    registry: RegistryDep, caller: CallerDep, name: Name, number: Number, body: EvidenceBody
) -> object:
    return registry.evidence.add(
        name,
        number,
        variant=body.variant,
        kind=body.kind,
        suite=body.suite,
        suite_digest=Digest.parse(body.suite_digest),
        environment=body.environment,
        metrics=body.metrics,
        actor=caller.name,
        items=[item.read() for item in body.items],
    )
