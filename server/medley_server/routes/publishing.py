"""`POST /v1/adapters/{name}/versions`: an adapter's files come in and become a version."""

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from medley_registry import Registry, Version
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from medley_server.callers import Caller
from medley_server.deps import BY_PUBLISHER, CallerDep, RegistryDep
from medley_server.schemas.fields import Name
from medley_server.schemas.publishing import FORM, PublishForm
from medley_server.schemas.versions import VersionRecord
from medley_server.sent_signature import sent_signature
from medley_server.uploads import Submission, Uploads

router = APIRouter(prefix="/v1/adapters")


@router.post("/{name}/versions", dependencies=[BY_PUBLISHER], openapi_extra=FORM)
async def publish(
    request: Request, registry: RegistryDep, caller: CallerDep, name: Name
) -> VersionRecord:
    uploads: Uploads = request.app.state.uploads
    async with uploads.receive(request) as submission:
        version = await run_in_threadpool(_publish, registry, caller, name, submission)
    return VersionRecord.model_validate(version)


def _publish(registry: Registry, caller: Caller, name: str, submission: Submission) -> Version:
    try:
        form = PublishForm.model_validate(submission.fields)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    signer = None
    if form.key_id is not None and form.bundle is not None:
        signer = sent_signature(registry.trust.keys(), form.key_id, bundle=form.bundle)
    return registry.publish(
        submission.folder,
        name=name,
        base=form.base,
        actor=caller.name,
        round=form.round,
        note=form.note,
        lineage=form.lineage.lineage(),
        state=form.state,
        signer=signer,
    )
