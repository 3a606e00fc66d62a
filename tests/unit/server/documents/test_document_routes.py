"""The routes of documents among all others: who may, what is described, and what breaks them."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medley_registry import Registry
from medley_server.gateway import DOCUMENTS
from medley_server.openapi import describe_together
from medley_server.registry_app import create_registry_app
from medley_server.settings import ServeSettings

from tests.unit.server.documents.conftest import PAGES, Front, Open
from tests.unit.server.test_scopes import keys_by_scope

ROUTES = {
    ("POST", "/extract"),
    ("POST", "/v1/extract"),
    ("POST", "/analyze"),
    ("POST", "/v1/analyze"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/{job_id}"),
    ("DELETE", "/v1/jobs/{job_id}"),
}


def _app(front: Front) -> FastAPI:
    documents = front.gateway._documents
    assert documents is not None
    app: Any = documents.app
    assert isinstance(app, FastAPI)
    return app


async def test_the_table_holds_every_route_and_the_gateway_lets_each_through(front: Front) -> None:
    found = {
        (method, route.path)
        for route in _app(front).routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }

    assert found == ROUTES
    assert all(DOCUMENTS.fullmatch(path) for _, path in ROUTES)


async def test_every_route_opens_to_infer_and_admin_only(front: Front, registry: Registry) -> None:
    keys = keys_by_scope(registry)
    for method, path in sorted(ROUTES):
        for scope, key in keys.items():
            answer = await front.http.request(method, path.format(job_id="job_1"), headers=key)

            assert (answer.status_code != 403) is (scope in {"infer", "admin"}), (path, scope)


async def test_a_browser_may_ask_first_without_a_key(front: Front) -> None:
    for _, path in ROUTES:
        answer = await front.http.options(path, headers={"authorization": ""})

        assert answer.status_code == 204


async def test_a_server_without_documents_has_no_such_routes(
    http: httpx.AsyncClient,
) -> None:
    for method, path in ROUTES:
        assert (await http.request(method, path)).status_code == 404
    assert "extraction" not in (await http.get("/health")).json()


async def test_one_document_describes_the_registry_and_documents(
    front: Front, registry: Registry, settings: ServeSettings
) -> None:
    app = create_registry_app(registry, uploads=settings.uploads)
    describe_together(app, _app(front))
    front.gateway._registry_app = app

    told = (await front.http.get("/v1/openapi.json")).json()

    described = {
        (method.upper(), path) for path, methods in told["paths"].items() for method in methods
    }
    assert described >= ROUTES
    assert ("GET", "/v1/adapters") in described
    assert _dangling(told) == []
    operations = [one["operationId"] for path in told["paths"].values() for one in path.values()]
    assert len(operations) == len(set(operations))
    body = told["paths"]["/v1/extract"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "application/json"}
    assert "schema" in body["application/json"]["schema"]["properties"]


def _dangling(told: dict[str, Any]) -> list[str]:
    """References to what is not there."""

    def references(inside: Any) -> Iterator[str]:
        if isinstance(inside, dict):
            if isinstance(reference := inside.get("$ref"), str):
                yield reference
            for one in inside.values():
                yield from references(one)
        elif isinstance(inside, list):
            for one in inside:
                yield from references(one)

    known = {f"#/components/schemas/{name}" for name in told["components"]["schemas"]}
    return sorted(set(references(told)) - known)


OPTIONS = ["file", "mode", "schema", "outputs", "pages", "timeout_s", "prompt", "callback_url", "x"]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars | st.sampled_from(["async", "UG90YXNzaXVtIDUuOQ==", "record,fhir", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@pytest.fixture
def calls(open_front: Open) -> Iterator[Any]:
    """Sends requests one at a time; what the server raises comes out."""
    with asyncio.Runner() as runner:
        opened = open_front()
        front = runner.run(opened.__aenter__())
        yield lambda *given, **more: runner.run(front.http.request(*given, **more))
        runner.run(opened.__aexit__(None, None, None))


QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(
    path=st.sampled_from(["/extract", "/v1/analyze"]),
    fields=st.dictionaries(st.sampled_from(OPTIONS), values, max_size=5),
)
def test_no_json_makes_the_server_fail(calls: Any, path: str, fields: dict[str, Any]) -> None:
    answer = calls(
        "POST",
        path,
        content=json.dumps(fields).encode(),
        headers={"content-type": "application/json"},
    )

    _check(answer)


@QUIET
@given(content=st.binary(max_size=300), kind=st.sampled_from(["application/json", "text/plain"]))
def test_no_bytes_make_the_server_fail(calls: Any, content: bytes, kind: str) -> None:
    for body in (content, b'{"file": "' + content, b'{"file": "QUJD", ' + content + b"}"):
        _check(calls("POST", "/extract", content=body, headers={"content-type": kind}))


@QUIET
@given(
    parts=st.lists(st.tuples(st.sampled_from(OPTIONS) | st.text(max_size=4), st.binary())),
    end=st.sampled_from([b"--B--\r\n", b"--B--", b"", b"--B\r\n"]),
)
def test_no_form_makes_the_server_fail(
    calls: Any, parts: list[tuple[str, bytes]], end: bytes
) -> None:
    form = b"".join(
        b'--B\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in parts
    )
    headers = {"content-type": "multipart/form-data; boundary=B"}

    _check(calls("POST", "/extract", content=form + end, headers=headers))


@QUIET
@given(
    job=st.text(max_size=30),
    query=st.dictionaries(st.sampled_from(["limit", "before", "x"]), st.text(max_size=10)),
)
def test_no_address_makes_the_server_fail(calls: Any, job: str, query: dict[str, str]) -> None:
    from urllib.parse import quote

    for method in ("GET", "DELETE"):
        _check(calls(method, f"/v1/jobs/{quote(job, safe='')}", params=query))


def _check(answer: httpx.Response) -> None:
    """Documents of these tests are no lines of results, so the extractor may fail over them."""
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert answer.status_code < 500 or error["code"] == "engine_error", answer.text
        assert error["request_id"] == answer.headers["x-request-id"]


async def test_pages_of_health_tell_of_the_line(front: Front) -> None:
    await front.extract(PAGES)

    told = (await front.http.get("/health")).json()["extraction"]

    assert told == {"running": 0, "waiting": 0, "most_running": 4, "most_waiting": 64}
