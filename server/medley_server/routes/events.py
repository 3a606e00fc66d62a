"""`GET /v1/events`: what changed, and who changed it."""

from fastapi import APIRouter

from medley_server.deps import BY_ADMIN, RegistryDep
from medley_server.schemas.events import EventPage
from medley_server.schemas.fields import PageSize, Sequence

router = APIRouter(prefix="/v1/events", dependencies=[BY_ADMIN])


@router.get("", response_model=EventPage)
def list_events(registry: RegistryDep, after: Sequence = 0, limit: PageSize = 100) -> object:
    return {"events": registry.events(after=after, limit=limit), "head": registry.head()}
