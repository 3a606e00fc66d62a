"""A small model hub on loopback: the routes that a look-up and a download by revision use."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Hub:
    """One repository with one commit, which its branch `main` points at."""

    def __init__(self, repository: str, folder: Path) -> None:
        self.repository = repository
        self.commit = hashlib.sha1(str(folder).encode()).hexdigest()
        self.folder = folder
        self.fetched: set[str] = set()
        self.false_digest: str | None = None
        """A file for which the hub's own digest is wrong, as after damage in its storage."""

    def siblings(self) -> list[dict[str, object]]:
        """Every file as `/api/models/…?blobs=true` has it; large ones carry a digest."""
        found: list[dict[str, object]] = []
        for name in self.names():
            content = (self.folder / name).read_bytes()
            row: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
            if name.endswith(".safetensors"):
                seen = b"else" if name == self.false_digest else content
                digest = hashlib.sha256(seen).hexdigest()
                row["lfs"] = {"size": len(content), "sha256": digest, "pointerSize": 130}
            found.append(row)
        return found

    def tree(self) -> list[dict[str, object]]:
        """Every file as `/api/models/…/tree/…` has it."""
        return [
            {"type": "file", "path": row["rfilename"], "size": row["size"], "oid": row["blobId"]}
            for row in self.siblings()
        ]

    def names(self) -> list[str]:
        """Every file's name in the repository."""
        files = (file for file in self.folder.rglob("*") if file.is_file())
        return sorted(str(file.relative_to(self.folder)) for file in files)


class HubHandler(BaseHTTPRequestHandler):
    """The routes; each server has its own subclass, with the hub it offers."""

    offered: Hub

    def do_GET(self) -> None:
        hub = self.offered
        path = unquote(urlsplit(self.path).path)
        api = f"/api/models/{hub.repository}"
        files = f"/{hub.repository}/resolve/{hub.commit}/"
        if path.startswith(f"{api}/tree/{hub.commit}"):
            self._json(hub.tree())
        elif path in (f"{api}/revision/main", f"{api}/revision/{hub.commit}"):
            self._json({"id": hub.repository, "sha": hub.commit, "siblings": hub.siblings()})
        elif path.startswith(files):
            self._file(path.removeprefix(files))
        else:
            error = "RevisionNotFound" if path.startswith(api) else "RepoNotFound"
            self._answer(b"", {"x-error-code": error}, status=404)

    do_HEAD = do_GET  # noqa: N815 the base class's name

    def _file(self, name: str) -> None:
        body = (self.offered.folder / name).read_bytes()
        if self.command == "GET":
            self.offered.fetched.add(name)
        etag = hashlib.sha256(body).hexdigest()
        self._answer(body, {"etag": f'"{etag}"', "x-repo-commit": self.offered.commit})

    def _json(self, value: object) -> None:
        self._answer(json.dumps(value).encode(), {"content-type": "application/json"})

    def _answer(self, body: bytes, headers: dict[str, str], *, status: int = 200) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(hub: Hub) -> Iterator[str]:
    """The address of a server with this hub, until the block ends."""

    class Handler(HubHandler):
        offered = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
