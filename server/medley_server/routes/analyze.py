"""`POST /analyze`: a free prompt over a document, answered at once or as a stream."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from fastapi import APIRouter, Request, Response

from medley_server.analysis_answer import AnalysisAnswer
from medley_server.deps import CallerDep
from medley_server.document_deps import (
    DeskDep,
    ExtractorDep,
    LimitsDep,
    UploadsDep,
    request_id_in,
)
from medley_server.document_forms import analysis_options
from medley_server.extraction.errors import InvalidRequest
from medley_server.schemas.extraction import ANALYZE_BODY

router = APIRouter()

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "OpenAI's chat completion, or its events.",
        "content": {"application/json": {}, "text/event-stream": {}},
    }
}


@router.post("/analyze", response_class=Response, responses=_ANSWERS, openapi_extra=ANALYZE_BODY)
@router.post("/v1/analyze", response_class=Response, responses=_ANSWERS, openapi_extra=ANALYZE_BODY)
async def analyze(
    *,
    request: Request,
    desk: DeskDep,
    uploads: UploadsDep,
    extractor: ExtractorDep,
    caller: CallerDep,
    limits: LimitsDep,
) -> Response:
    desk.turns.check_room()
    async with AsyncExitStack() as stack:
        sent = await stack.enter_async_context(uploads.receive(request))
        options = analysis_options(sent)
        if objection := limits.objection("max_tokens", options.max_tokens):
            raise InvalidRequest(objection, about="max_tokens")
        await extractor.check(options, caller)
        place = desk.turns.enter()
        stack.callback(place.leave)

        async def begin() -> AsyncIterator[bytes]:
            return await extractor.analyze(
                sent.document,
                options,
                request_id=request_id_in(request),
                caller=caller.name,
                most_tokens=limits.max_tokens,
            )

        return AnalysisAnswer(
            request,
            begin,
            place=place,
            media_type="text/event-stream" if options.stream else "application/json",
            held=stack.pop_all(),
        )
