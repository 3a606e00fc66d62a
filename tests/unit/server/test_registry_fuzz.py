"""Whatever a caller sends, the server answers it; it never fails over it."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medley_server.gateway import Gateway

from tests.unit.server.test_scopes import ROUTES

CHANGES = sorted(route for route in ROUTES if route[0] != "GET")
READS = sorted(route for route in ROUTES if route[0] == "GET")
VERSION, ALIAS = "/v1/adapters/{name}/versions/{number}", "/v1/adapters/{name}/aliases/{alias}"
DIGEST = "sha256:" + "0" * 64
REQUIREMENT = {"kind": "evaluation", "suite": "s", "metric": "f1", "at_least": 0.5, "at_most": None}
VALID: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", f"{VERSION}/state"): {"state": "quarantined", "reason": "r"},
    ("POST", f"{VERSION}/revoke"): {"reason": "r"},
    ("DELETE", VERSION): {"reason": "r"},
    ("POST", f"{VERSION}/evidence"): {
        "kind": "benchmark",
        "suite": "s",
        "suite_digest": DIGEST,
        "environment": {"device": "cpu"},
        "metrics": {"f1": 0.5},
        "variant": "bf16",
    },
    ("PUT", ALIAS): {"number": 1, "expected_generation": None},
    ("POST", f"{ALIAS}/rollback"): {"expected_generation": None},
    ("PUT", f"{ALIAS}/policy"): {"requirements": [REQUIREMENT], "signers": [], "approvals": 0},
    ("POST", f"{ALIAS}/approvals"): {"number": 1},
    ("POST", "/v1/access-keys"): {"name": "n", "scopes": ["infer"], "expires_at": None},
}
FIELDS = sorted({field for body in VALID.values() for field in body} | REQUIREMENT.keys())
KNOWN: list[Any] = [
    *("validated", "admitted", "deprecated", "quarantined", "evaluation", "benchmark", "bf16"),
    *(DIGEST, "infer", "promote:*", "2026-11-21T08:00:00Z", 0, 1, 2, 3, 10**18),
    *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "\ud800", "a\0b", 1e308, -0.0),
]

text = st.text(st.characters(codec=None), max_size=40)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | text | st.sampled_from(KNOWN)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | text, inner, max_size=5)
    ),
    max_leaves=20,
)
bodies = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6) | values


words = (
    st.sampled_from(["note", "1", "2", "3", "production", "canary", "sha256:" + "0" * 12])
    | st.text(max_size=20)
    | st.integers(min_value=-1).map(str)
)
TYPED: dict[str, st.SearchStrategy[Any]] = {
    "reason": text,
    "suite": text,
    "name": text,
    "environment": st.dictionaries(text, values, max_size=4),
    "metrics": st.dictionaries(text, st.floats() | st.integers(), max_size=4),
    "scopes": st.lists(st.sampled_from(["infer", "promote:a", "admin"]) | text, max_size=3),
    "expires_at": st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()),
    "requirements": st.lists(
        st.fixed_dictionaries(
            {
                "kind": st.just("benchmark"),
                "suite": text,
                "metric": text,
                "at_least": st.floats() | st.integers() | st.none(),
            }
        ),
        max_size=3,
    ),
    "signers": st.lists(text, max_size=2),
    "approvals": st.integers(),
    "number": st.integers(0, 4) | st.integers(),
    "expected_generation": st.integers(0, 9) | st.integers(),
}


@st.composite
def bodies_for(draw: st.DrawFn, route: tuple[str, str]) -> Any:
    """A body that the route takes, with a few of its fields, or all of it, replaced."""
    valid = dict(VALID.get(route, {}))
    if not valid or draw(st.integers(0, 9)) == 0:
        return draw(bodies)
    for field in draw(st.lists(st.sampled_from(sorted(valid)), max_size=2, unique=True)):
        valid[field] = draw(values if draw(st.integers(0, 3)) == 0 else TYPED.get(field, values))
    return valid


@pytest.fixture
def calls(gateway: Gateway) -> Any:
    """Sends requests one at a time; what the server raises comes out."""

    async def send(method: str, path: str, content: bytes, kind: str) -> httpx.Response:
        headers = {"authorization": "Bearer root", "content-type": kind}
        transport = httpx.ASGITransport(app=gateway)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, content=content, headers=headers)

    with asyncio.Runner() as runner:
        yield lambda *request: runner.run(send(*request))


def path_of(template: str, data: st.DataObject) -> str:
    places = ("name", "number", "selector", "alias", "path", "key_id")
    known = {"name": "note", "number": "1", "selector": "1", "alias": "production"}
    chosen = {
        place: known[place]
        if place in known and data.draw(st.integers(0, 3), label=f"known {place}")
        else quote(data.draw(words, label=place), safe="")
        for place in places
        if f"{{{place}}}" in template
    }
    return template.format_map(chosen)


QUIET = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@QUIET
@given(data=st.data(), route=st.sampled_from(CHANGES))
def test_no_body_makes_the_server_fail(
    calls: Any, data: st.DataObject, route: tuple[str, str]
) -> None:
    method, template = route
    content = json.dumps(data.draw(bodies_for(route))).encode()

    answer = calls(method, path_of(template, data), content, "application/json")

    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json()["error"]["code"]


@QUIET
@given(
    content=st.binary(max_size=200), kind=st.sampled_from(["application/json", "text/plain", ""])
)
def test_no_bytes_make_the_server_fail(calls: Any, content: bytes, kind: str) -> None:
    answer = calls("PUT", "/v1/adapters/note/aliases/production", content, kind)

    assert answer.status_code < 500


@QUIET
@given(
    data=st.data(),
    route=st.sampled_from(READS),
    query=st.dictionaries(
        st.sampled_from(["before", "limit", "at", "after"]), scalars.map(str), max_size=3
    ),
)
def test_no_address_makes_the_server_fail(
    calls: Any, data: st.DataObject, route: tuple[str, str], query: dict[str, str]
) -> None:
    asked = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in query.items())

    answer = calls("GET", f"{path_of(route[1], data)}?{asked}", b"", "")

    assert answer.status_code < 500, answer.text


@QUIET
@given(data=st.data())
def test_no_form_makes_the_server_fail(calls: Any, data: st.DataObject, tmp_path: Path) -> None:
    names = ["base", "round", "note", "state", "lineage", "bundle", "key_id", "config", "weights"]
    parts = data.draw(
        st.lists(st.tuples(st.sampled_from(names) | st.text(max_size=5), st.binary(max_size=60)))
    )
    form = b"".join(
        b'--B\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in parts
    )
    end = data.draw(st.sampled_from([b"--B--\r\n", b"--B--", b"", b"--B\r\n"]))

    answer = calls(
        "POST", "/v1/adapters/new/versions", form + end, "multipart/form-data; boundary=B"
    )

    assert 400 <= answer.status_code < 500, answer.text
