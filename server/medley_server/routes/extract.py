"""`POST /extract`: a document comes in, and a record, or a job, goes out."""

from typing import Any

from fastapi import APIRouter, Request, Response
from medley.results import Extraction, ExtractionOptions, Job, Mode

from medley_server.deps import CallerDep
from medley_server.document_deps import (
    DeskDep,
    ExtractorDep,
    SettingsDep,
    UploadsDep,
    request_id_in,
)
from medley_server.document_forms import extraction_options
from medley_server.extraction.errors import DeadlineExceeded, InvalidRequest
from medley_server.extraction_settings import ExtractionSettings
from medley_server.jobs import JobDesk, Order, Outcome, Work
from medley_server.leaving import until_left
from medley_server.schemas.extraction import EXTRACT_BODY, IDEMPOTENCY_KEY

router = APIRouter()

_LONGEST_KEY = 255
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": Extraction},
    202: {"model": Job, "description": "It goes on; ask again where `Location` says."},
}


@router.post(
    "/extract",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra={**EXTRACT_BODY, "parameters": [IDEMPOTENCY_KEY]},
)
@router.post(
    "/v1/extract",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra={**EXTRACT_BODY, "parameters": [IDEMPOTENCY_KEY]},
)
async def extract(
    *,
    request: Request,
    desk: DeskDep,
    uploads: UploadsDep,
    extractor: ExtractorDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    key = _idempotency_key(request)
    is_new = await desk.is_new(caller.name, key)
    async with uploads.receive(request) as sent:
        options = extraction_options(sent)
        if is_new:
            await extractor.check(options, caller)
        order = Order(
            caller=caller.name,
            request_id=request_id_in(request),
            options=options,
            document=sent.document,
            sha256=sent.sha256,
            idempotency_key=key,
        )
        work = await desk.submit(order)
    if options.mode is Mode.ASYNC:
        return _accepted(desk, work)
    seconds = _patience(options, settings)
    outcome = await desk.wait(work, seconds=seconds, until_left=until_left(request))
    if outcome is not None:
        return _answered(outcome)
    if options.mode is Mode.SYNC:
        desk.give_up(work)
        raise DeadlineExceeded(
            f"The document took longer than {seconds:g} s; `mode` auto or async makes it a job.",
            details={"timeout_s": seconds},
        )
    return _accepted(desk, work) if await desk.promise(work) else _answered(work.outcome.result())


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (
        key.isascii() and key.isprintable() and 0 < len(key) <= _LONGEST_KEY
    ):
        raise InvalidRequest(
            f"Idempotency-Key must be 1 to {_LONGEST_KEY} printable characters.",
            about="idempotency-key",
        )
    return key


def _patience(options: ExtractionOptions, settings: ExtractionSettings) -> float:
    usual = settings.deadline_s if options.mode is Mode.SYNC else settings.patience_s
    return min(options.timeout_s or usual, settings.most_wait_s)


def _accepted(desk: JobDesk, work: Work) -> Response:
    """202 and the job as it was when its id was told."""
    return Response(
        work.row().job().model_dump_json(),
        202,
        {"location": f"/v1/jobs/{work.id}", "retry-after": str(desk.turns.look_again_s)},
        media_type="application/json",
    )


def _answered(outcome: Outcome) -> Response:
    return Response(
        outcome.body, outcome.code, dict(outcome.headers), media_type="application/json"
    )
