"""`/v1/jobs`: a caller's own jobs."""

from fastapi import APIRouter, Response
from medley.results import Job
from starlette.concurrency import run_in_threadpool

from medley_server.deps import CallerDep
from medley_server.document_deps import DeskDep
from medley_server.schemas.extraction import JobPage
from medley_server.schemas.fields import PageSize

router = APIRouter(prefix="/v1/jobs")


@router.get("")
async def list_jobs(
    desk: DeskDep, caller: CallerDep, limit: PageSize = 100, before: str | None = None
) -> JobPage:
    found = await desk.jobs(caller.name, limit=limit + 1, before=before)
    more = len(found) > limit
    return JobPage(jobs=found[:limit], before=found[limit - 1].id if more else None)


@router.get("/{job_id}", response_model=Job)
async def get_job(desk: DeskDep, caller: CallerDep, job_id: str) -> Response:
    job = await desk.job(caller.name, job_id)
    headers = {} if job.status.is_final else {"retry-after": str(desk.turns.look_again_s)}
    body = await run_in_threadpool(job.model_dump_json)  # a long result takes its time
    return Response(body, headers=headers, media_type="application/json")


@router.delete("/{job_id}", response_model=Job)
async def delete_job(desk: DeskDep, caller: CallerDep, job_id: str) -> Response:
    job = await desk.delete(caller.name, job_id)
    return Response(job.model_dump_json(), media_type="application/json")
