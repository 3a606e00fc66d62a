import asyncio
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest
from medley.results import Job
from medley_server.errors import CannotStart
from medley_server.extraction.errors import InvalidRequest
from medley_server.extraction_settings import ExtractionSettings
from medley_server.jobs.callback_hosts import CallbackHosts
from medley_server.jobs.callbacks import SIGNATURE, Callbacks

from tests.unit.server.documents.conftest import Front, Open, eventually, finished
from tests.unit.server.documents.extractor import LineExtractor

LISTED = CallbackHosts(["127.0.0.1", "10.1.0.0/16", "Hooks.example.org", "localhost"])


class Receiver:
    """Takes what is posted; answers with one status after another, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses or (204,))
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 0:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, headers={"location": "http://127.0.0.1/elsewhere"})

    def callbacks(self, key: str | None = None, *, tries: int = 4) -> Callbacks:
        transport = httpx.MockTransport(self)
        return Callbacks(LISTED, key=key, pauses_s=[0.0] * (tries - 1), transport=transport)


def at(host: str) -> Any:
    """Makes names lead to an address, as their owner may."""

    async def getaddrinfo(*_: Any, **__: Any) -> Any:
        return [(2, 1, 6, "", (host, 443))]

    return getaddrinfo


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/done",
        "http://127.0.0.1:8080/done?x=1",
        "https://10.1.255.3/",
        "https://hooks.example.org/a",
        "https://HOOKS.example.org:8443",
    ],
)
def test_a_listed_host_may_be_told(url: str) -> None:
    assert LISTED.check(url).hostname is not None


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "hooks.example.org",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "http://",
            "https://[",
        ),
        *("http://127.0.0.2/", "http://10.2.0.1/", "http://[::1]/", "http://2130706433/"),
        *("http://0x7f.1/", "http://[::ffff:127.0.0.1]/", "http://127.1/"),
        *("http://hooks.example.org/", "https://evil.example.org/", "https://example.org/"),
        *(
            "https://hooks.example.org.evil/",
            "https://hooks.example.org@evil/",
            "http://localhost/",
        ),
        *("https://u:p@hooks.example.org/", "https://hooks.example.org:x/", "https://hooks .org/"),
        *("https://hooks.example.org/\r\nx: y", "https://hooks.exampl\u00e9.org/"),
        "https://hooks.example.org/" + "x" * 2000,
    ],
)
def test_nobody_else_may_be_told(url: str) -> None:
    with pytest.raises(InvalidRequest, match="callback_url"):
        LISTED.check(url)


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("93.184.215.14", True),
        ("10.1.0.9", True),
        ("10.2.0.9", False),
        ("169.254.169.254", False),
        ("::1", False),
        ("::ffff:10.2.0.9", False),
        ("64:ff9b::a02:9", False),
        ("2002:a02:9::1", False),
        ("fd00::1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
    ],
)
async def test_a_listed_name_that_leads_into_the_network_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, address: str, *, is_allowed: bool
) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", at(address))
    receiver = Receiver()

    is_told = await receiver.callbacks().tell("https://hooks.example.org:8443/a?b=c", b"{}")

    assert is_told is is_allowed
    assert [str(request.url.host) for request in receiver.requests] == [address] * is_allowed
    for request in receiver.requests:  # the address that was looked at, under the name
        assert request.headers["host"] == "hooks.example.org:8443"
        assert request.extensions["sni_hostname"] == "hooks.example.org"
        assert request.url.raw_path == b"/a?b=c"


@pytest.mark.parametrize(
    ("statuses", "tries", "is_told"),
    [
        ((200,), 1, True),
        ((503, 0, 429, 204), 4, True),
        ((500,), 4, False),
        ((0,), 4, False),
        ((302,), 1, False),
        ((404,), 1, False),
    ],
)
async def test_it_is_tried_a_few_times_and_redirects_are_not_followed(
    statuses: tuple[int, ...], tries: int, *, is_told: bool
) -> None:
    receiver = Receiver(*statuses)

    assert await receiver.callbacks().tell("http://127.0.0.1/a", b"{}") is is_told
    assert len(receiver.requests) == tries


async def test_a_job_is_posted_when_it_is_over_and_signed(
    open_front: Open, extractor: LineExtractor
) -> None:
    receiver = Receiver()
    async with open_front(callbacks=receiver.callbacks("secret")) as front:
        answer = await front.extract(mode="async", callback_url="http://127.0.0.1:9/done")
        job = await finished(front, answer.json()["id"])
        await eventually(lambda: len(receiver.requests) == 1)

    (request,) = receiver.requests
    assert Job.model_validate_json(request.content) == job
    at_, _, mac = request.headers[SIGNATURE].partition(",v1=")
    signed = f"{at_.removeprefix('t=')}.".encode() + request.content
    assert mac == hmac.new(b"secret", signed, hashlib.sha256).hexdigest()


async def test_without_a_key_nothing_is_signed(open_front: Open) -> None:
    receiver = Receiver()
    async with open_front(callbacks=receiver.callbacks()) as front:
        await front.extract(callback_url="http://127.0.0.1:9/done")
        await eventually(lambda: len(receiver.requests) == 1)

    assert SIGNATURE not in receiver.requests[0].headers


async def test_a_failed_job_is_posted_too(open_front: Open, extractor: LineExtractor) -> None:
    extractor.failure = RuntimeError("Jane Doe")
    receiver = Receiver()
    async with open_front(callbacks=receiver.callbacks()) as front:
        await front.extract(mode="async", callback_url="http://127.0.0.1:9/done")
        await eventually(lambda: len(receiver.requests) == 1)

    told = json.loads(receiver.requests[0].content)
    assert (told["status"], told["error"]["code"]) == ("failed", "engine_error")
    assert b"Jane" not in receiver.requests[0].content


async def test_who_was_not_told_yet_is_told_by_the_next_server(open_front: Open) -> None:
    away, receiver = Receiver(0), Receiver()
    slow = Callbacks(LISTED, pauses_s=[3600.0], transport=httpx.MockTransport(away))
    async with open_front(callbacks=slow) as front:
        await front.extract(mode="async", callback_url="http://127.0.0.1:9/done")
        await eventually(lambda: len(away.requests) == 1)
    for _ in range(2):
        async with open_front(callbacks=receiver.callbacks()) as front:
            await eventually(lambda: len(receiver.requests) == 1 and not front.desk._telling)

    assert len(receiver.requests) == 1


async def test_callbacks_are_off_unless_hosts_are_listed(front: Front) -> None:
    answer = await front.extract(mode="async", callback_url="https://hooks.example.org/a")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_request")
    assert error["param"] == "callback_url"
    assert "--callback-hosts" in error["message"]
    assert front.files() == set()


async def test_a_synchronous_call_has_no_callback(front: Front) -> None:
    answer = await front.extract(mode="sync", callback_url="https://hooks.example.org/a")

    assert answer.status_code == 400
    assert "async" in answer.json()["error"]["message"]


@pytest.mark.parametrize("host", ["https://a.example", "a.example:80", "a/b", "a b", "", "*.a"])
def test_the_list_holds_hosts_and_nothing_else(host: str) -> None:
    with pytest.raises(CannotStart, match="--callback-hosts"):
        ExtractionSettings(callback_hosts=(host,))
