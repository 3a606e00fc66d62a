"""`GET /v1/adapters/{name}/versions/{number}/files/{path}`: the bytes of a version."""

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import Response, StreamingResponse
from medley_registry import Reference

from medley_server.callers import INFER, PUBLISH
from medley_server.deps import CallerDep, RegistryDep
from medley_server.schemas.fields import Name, Number
from medley_server.stored_file import checked, find_file

router = APIRouter(prefix="/v1/adapters")


@router.get("/{name}/versions/{number}/files/{path}", response_class=StreamingResponse)
def get_file(
    *,
    registry: RegistryDep,
    caller: CallerDep,
    name: Name,
    number: Number,
    path: str,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Publishers get those of versions that are not served, too."""
    caller.require(INFER, PUBLISH)
    if not caller.allows(PUBLISH):
        caller.require_use(name)
    version = Reference(name, number=number)
    entry = find_file(registry, version, path, to_serve=not caller.allows(PUBLISH))
    headers = {
        "etag": f'"{entry.sha256}"',
        "cache-control": "private, no-cache",
        "content-disposition": f'attachment; filename="{entry.path}"',
        "x-content-type-options": "nosniff",
    }
    if if_none_match == headers["etag"]:
        return Response(status_code=304, headers=headers)
    headers["content-length"] = str(entry.size)
    pieces = checked(registry.blobs.open(entry.sha256), entry)
    return StreamingResponse(pieces, media_type=entry.media_type, headers=headers)
