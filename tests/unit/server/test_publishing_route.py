import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from medley_registry import Lineage, Parent, Registry, Relation, Version, make_key
from medley_server import draining, uploads
from medley_server.settings import ServeSettings

from tests.builders import TINY, make_adapter

VERSIONS = "/v1/adapters/fresh/versions"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_adapter(tmp_path / "fresh", fill=7)
    (folder / "README.md").write_text("# Fresh\n")
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        "config": (folder / "adapter_config.json").read_bytes(),
        "weights": (folder / "adapter_model.safetensors").read_bytes(),
        "readme": (folder / "README.md").read_bytes(),
    }


async def publish(
    http: httpx.AsyncClient, folder: Path, *, place: str = VERSIONS, **fields: str
) -> httpx.Response:
    files = {name: ("whatever", data) for name, data in files_of(folder).items()}
    return await http.post(place, data={"base": TINY} | fields, files=files)


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    return error


async def test_files_sent_become_the_same_version_as_the_folder_they_came_from(
    http: httpx.AsyncClient, registry: Registry, folder: Path, settings: ServeSettings
) -> None:
    answer = await publish(http, folder, round="3", note="third round", state="draft")

    here = registry.publish(folder, name="copy", base=TINY, actor="t")
    assert answer.status_code == 200
    assert answer.json()["digest"] == str(here.digest)
    version = registry.resolve("fresh:1")
    assert (version.round, version.note, version.state) == (3, "third round", "draft")
    assert version.published_by == "configured key 1"
    assert list(settings.uploads.iterdir()) == []


async def test_the_same_content_again_is_the_version_that_is_there(
    http: httpx.AsyncClient, folder: Path
) -> None:
    first, second = [(await publish(http, folder)).json()["reference"] for _ in range(2)]

    assert (first, second) == ("fresh:1", "fresh:1")


async def test_lineage_is_kept(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version], folder: Path
) -> None:
    lineage = Lineage(
        parents=(Parent("note:1", versions[0].digest, Relation.TRAINED_FROM),), run="run-7"
    )

    answer = await publish(http, folder, lineage=json.dumps(lineage.to_json()))

    assert answer.json()["lineage"] == lineage.to_json()
    assert registry.resolve("fresh:1").lineage == lineage


async def test_a_registry_that_trusts_keys_takes_what_one_of_them_signed_elsewhere(
    http: httpx.AsyncClient, registry: Registry, folder: Path, tmp_path: Path
) -> None:
    signer, stranger = make_key(tmp_path / "key.pem"), make_key(tmp_path / "stranger.pem")
    manifest = registry.publish(folder, name="model", base=TINY, actor="t").manifest
    registry.trust.add(signer.public_key, name="site 1", actor="t")
    bundle = signer.sign(manifest)

    unsigned = await publish(http, folder)
    foreign = await publish(http, folder, key_id=stranger.key_id, bundle=stranger.sign(manifest))
    swapped = await publish(http, folder, key_id=signer.key_id, bundle=stranger.sign(manifest))
    signed = await publish(http, folder, key_id=signer.key_id, bundle=bundle)

    for refused in (unsigned, foreign, swapped):
        assert (refused.status_code, error_of(refused)["code"]) == (422, "signature_refused")
    assert signed.status_code == 200
    (signature,) = registry.trust.signatures("fresh", 1)
    assert (signature.key_id, signature.bundle) == (signer.key_id, bundle)
    assert registry.trust.verify(registry.resolve("fresh:1")) is not None


async def test_a_signature_over_other_files_is_refused(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version], folder: Path
) -> None:
    signer = make_key(folder.parent / "key.pem")
    registry.trust.add(signer.public_key, name="site 1", actor="t")
    bundle = signer.sign(versions[0].manifest)

    answer = await publish(http, folder, key_id=signer.key_id, bundle=bundle)

    assert error_of(answer)["code"] == "signature_refused"


async def test_what_admission_refuses_names_the_rule_and_the_value(
    http: httpx.AsyncClient, folder: Path
) -> None:
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"auto_mapping": {"a": 1}}))

    answer = await publish(http, folder)

    assert (answer.status_code, error_of(answer)["code"]) == (422, "admission_refused")
    assert error_of(answer)["details"]["rule"].startswith("config-")
    assert "value" in error_of(answer)["details"]


@pytest.mark.parametrize(
    "fields",
    [
        {"round": "soon"},
        {"round": "1" + "0" * 30},
        {"state": "perfect"},
        {"lineage": "{"},
        {"lineage": '{"parents": [{"reference": {}}]}'},
        {"key_id": "abc"},
        {"surprise": "1"},
        {"note": "two\nlines"},
        {"base": "No Name"},
    ],
)
async def test_a_wrong_field_is_refused(
    http: httpx.AsyncClient, folder: Path, fields: dict[str, str]
) -> None:
    answer = await publish(http, folder, **fields)

    assert 400 <= answer.status_code < 500
    assert next(iter(fields)) in answer.text or "text" in answer.text or "a-z" in answer.text


async def test_a_file_larger_than_it_may_be_is_not_taken_in(
    http: httpx.AsyncClient, folder: Path, settings: ServeSettings
) -> None:
    (folder / "README.md").write_bytes(b"x" * (1 << 20) + b"y")

    answer = await publish(http, folder)

    assert (answer.status_code, error_of(answer)["code"]) == (413, "body_too_large")
    assert list(settings.uploads.iterdir()) == []


async def test_a_form_announced_longer_than_any_is_refused_and_only_its_first_bytes_are_read(
    http: httpx.AsyncClient, settings: ServeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "MOST_BYTES", 4 << 20)
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1 << 20
            yield bytes(1 << 20)

    length = {"content-length": str(uploads.LIMIT_BYTES + 1)}
    answer = await http.post(VERSIONS, content=body(), headers=length)

    assert answer.status_code == 413
    assert read <= draining.MOST_BYTES
    assert not any(settings.uploads.glob("*"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--B\r\n\r\nno name\r\n--B--\r\n",
        b'--B\r\ncontent-disposition: form-data; name="base"\r\n\r\ntiny\r\n',
        b'--B\r\ncontent-disposition: form-data; name="base"\r\n\r\n\xff\r\n--B--\r\n',
        (
            b'--B\r\ncontent-disposition: form-data; name="config"\r\n\r\n{}\r\n'
            b'--B\r\ncontent-disposition: form-data; name="config"\r\n\r\n{}\r\n--B--\r\n'
        ),
        b"--C\r\n",
        b"--B\r\n" + b"a: b\r\n" * 50 + b"\r\n--B--\r\n",
    ],
)
async def test_a_broken_form_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    kind = {"content-type": "multipart/form-data; boundary=B"}

    answer = await http.post(VERSIONS, content=body, headers=kind)

    assert (answer.status_code, error_of(answer)["code"]) == (400, "bad_request")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "", "a/b; boundary=B"])
async def test_what_is_no_form_is_refused(http: httpx.AsyncClient, kind: str) -> None:
    answer = await http.post(VERSIONS, content=b"{}", headers={"content-type": kind})

    assert answer.status_code == 400


async def test_only_so_many_uploads_come_in_at_once(
    http: httpx.AsyncClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_AT_ONCE", 1)
    has_begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"--B\r\n"
        has_begun.set()
        await may_end.wait()

    kind = {"content-type": "multipart/form-data; boundary=B"}
    first = asyncio.create_task(http.post(VERSIONS, content=slow(), headers=kind))
    await has_begun.wait()
    second = await publish(http, folder)
    may_end.set()

    assert (second.status_code, error_of(second)["code"]) == (503, "busy")
    assert int(second.headers["retry-after"]) > 0
    assert (await first).status_code == 400
    assert (await publish(http, folder)).status_code == 200


async def test_an_upload_that_sends_nothing_is_given_up(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, settings: ServeSettings
) -> None:
    monkeypatch.setattr(uploads, "PATIENCE_S", 0.01)

    async def silent() -> AsyncIterator[bytes]:
        yield b"--B\r\n"
        await asyncio.Event().wait()

    kind = {"content-type": "multipart/form-data; boundary=B"}
    answer = await http.post(VERSIONS, content=silent(), headers=kind)

    assert answer.status_code == 408
    assert list(settings.uploads.iterdir()) == []
