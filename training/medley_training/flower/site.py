"""A site's side: one process that answers a coordinator's questions for as long as it runs."""

import fcntl
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.durable import disk_errors, make_folder

from medley_training.errors import RoundError
from medley_training.flower.app import client_app
from medley_training.flower.key_file import read_key_file
from medley_training.flower.node_key import load_node_key
from medley_training.flower.process import FlowerProcess, free_port, quiet_flower, shared_secret
from medley_training.rounds.transport import Answering

if TYPE_CHECKING:
    from flwr.clientapp import ClientApp

    from medley_training.flower.knock import Door, Reception

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.2
_KNOCK_EVERY_S = 2.0
_LINE_EVERY_S = 5.0
_CONNECT_S = 3.0


def run_site(
    answering: Answering,
    *,
    coordinator: str,
    authority: Path,
    node_key: Path,
    folder: Path,
    patience_s: float | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Answer a coordinator's questions until `stop` is set or the coordinator stays away.

    Questions are answered one at a time in the calling thread, by the one `answering` of this
    process, so what it has loaded stays loaded. Nothing listens for the outside: the site calls
    the coordinator. Nothing that the coordinator sends is run.

    A coordinator that is away, restarts, or does not know the key yet is called again every two
    seconds. A site that was killed takes back its place at once.

    Args:
        answering: Answers; it must give the same answer when it is asked the same again.
        coordinator: HOST:PORT; the host is one of those that its certificate was made for.
        authority: ``ca.pem`` of the coordinator.
        node_key: The file of `make_node_key`.
        folder: The SuperNode's log, and what this site remembers; one process at a time.
        patience_s: After how long without a coordinator to give up; without it, never.
        stop: Looked at between questions.

    Raises:
        BadKey: The node key or ``ca.pem`` is missing or damaged.
        RoundError: `patience_s` passed without being let in or without the coordinator; or
            another process runs in `folder`.
        Unavailable: The folder cannot be written.
    """
    quiet_flower()
    from medley_training.flower.knock import Door

    load_node_key(node_key)
    read_key_file(authority)
    stop = stop or threading.Event()
    door = Door(coordinator, authority, node_key, remembered=folder / "node")
    app = client_app(answering)
    with _alone_in(folder):
        while _let_in(door, patience_s, stop):
            _serve(door, app, folder=folder, patience_s=patience_s, stop=stop)


def _let_in(door: "Door", patience_s: float | None, stop: threading.Event) -> bool:
    """Call until the coordinator lets this site in; returns whether it did before `stop`."""
    from medley_training.flower.knock import Reception

    began, before, said = time.monotonic(), "", ""
    while not stop.is_set():
        reception, detail = door.knock()
        if reception is Reception.WELCOME:
            _log.info("the coordinator at %s lets this site in", door.address)
            return True
        text = _refusal(door, reception, detail)
        if patience_s is not None and time.monotonic() - began >= patience_s:
            raise RoundError(text)
        if text == before != said:  # not what is over by itself, as a coordinator starts up
            _log.warning("%s; trying again", text)
            said = text
        before = text
        stop.wait(_KNOCK_EVERY_S)
    return False


def _refusal(door: "Door", reception: "Reception", detail: str) -> str:
    from medley_training.flower.knock import Reception

    if reception is Reception.UNKNOWN_KEY:
        return (
            f"the coordinator at {door.address} does not know this site's node key; "
            f"it needs {door.node_key.name}.pub as sites/NAME.pub"
        )
    if reception is Reception.ALREADY_THERE:
        return (
            f"a node with this site's key is at {door.address} already; "
            "if it was killed, its place is free a minute later"
        )
    if reception is Reception.WRONG_CLOCK:
        return (
            f"this machine's clock is not the coordinator's at {door.address}: "
            "Flower lets it be five seconds ahead, or five minutes behind"
        )
    return f"no coordinator at {door.address}: {detail}"


def _serve(
    door: "Door",
    app: "ClientApp",
    *,
    folder: Path,
    patience_s: float | None,
    stop: threading.Event,
) -> None:
    """Answer questions until the SuperNode ends, an answer is lost, or `stop` is set."""
    from medley_training.flower.desk import Desk

    address = f"127.0.0.1:{free_port()}"
    options = [
        *("--superlink", door.address),
        *("--root-certificates", str(door.authority)),
        *("--auth-supernode-private-key", str(door.node_key)),
        *("--clientappio-api-address", address),
        *("--isolation", "process"),  # we are the process of its ClientApp
        # It would call again by itself, and wait for ever at a SuperLink that has begun anew and
        # does not know it. So it ends, and we knock.
        *("--max-retries", "0"),
    ]
    with (
        shared_secret(folder) as secret,
        FlowerProcess("supernode", [*options, *secret.options], folder=folder) as supernode,
        Desk(address, secret.value) as desk,
    ):
        line = _Line(door.address, patience_s)
        while supernode.is_running and desk.is_in_order and not stop.is_set():
            if desk.answer_next(app):
                line.is_up()
            else:
                line.check()
                stop.wait(_LOOK_EVERY_S)
    if not stop.is_set():
        _log.warning("the SuperNode ended: %s", supernode.last_words)


class _Line:
    """Watches that the coordinator can still be reached."""

    def __init__(self, address: str, patience_s: float | None) -> None:
        host, _, port = address.rpartition(":")
        self._where = host.strip("[]"), int(port)
        self._patience_s = patience_s
        self.is_up()

    def is_up(self) -> None:
        """Note that it was reached just now."""
        self._up = self._looked = time.monotonic()

    def check(self) -> None:
        """Look now and then.

        Raises:
            RoundError: It has been away for longer than `patience_s`.
        """
        now = time.monotonic()
        if self._patience_s is None or now - self._looked < _LINE_EVERY_S:
            return
        self._looked = now
        try:
            socket.create_connection(self._where, _CONNECT_S).close()
        except OSError as error:
            if now - self._up >= self._patience_s:
                raise RoundError(
                    f"the coordinator has been away for {now - self._up:.0f} s"
                ) from error
        else:
            self._up = now


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a site's folder: two processes with one node key would take turns being let in."""
    with disk_errors(folder):
        make_folder(folder.absolute())
        lock = (folder / "lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RoundError(f"another process of this site runs in {folder}") from error
        yield
