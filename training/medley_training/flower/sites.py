"""The sites of a run as nodes of Flower.

Which node is which site is settled by the node's key: the coordinator lets keys in under names,
and the SuperLink has each node sign for its own. So no site can speak under another's name, and
one that got hold of another's node key would gain nothing: what it contributes is signed inside,
with a key that the coordinator checks itself.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import TYPE_CHECKING

from medley_training.errors import RoundError
from medley_training.flower.control import Control, Node
from medley_training.flower.exchange import Arrival, Exchange
from medley_training.flower.messages import (
    MESSAGE_TYPES,
    one_line,
    read_answer,
    request_content,
)
from medley_training.rounds.transport import Failure, Request, Response

if TYPE_CHECKING:
    from flwr.app import Message

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.25
_NODES_EVERY_S = 1.5
_NO_DEADLINE_S = 30 * 86_400.0
_GIVEN_UP_FIRST_S = 5.0
_UPLOADS_AT_ONCE = 4  # each may be an adapter in memory


@dataclass(slots=True)
class _Asked:
    """What is known of one site's answer.

    Attributes:
        request: The question.
        message_id: The message that carries it, once it is on its way and until it is answered.
        activation: When the site's node had last come up as the message was sent.
        upload: The answer that is on its way here.
    """

    request: Request
    message_id: str | None = None
    activation: str = ""
    upload: "_Upload | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class _Upload:
    """An answer on its way here.

    Attributes:
        site: Whose it is.
        arrival: The answer.
        given_up: Set when nobody waits for it any more.
    """

    site: str
    arrival: Arrival
    given_up: threading.Event = field(default_factory=threading.Event)


_Answers = Queue[tuple[_Upload, Response | Failure | RoundError | None]]


class FlowerSites:
    """`Sites` over a SuperLink. One thread at a time may ask."""

    def __init__(self, control: Control, exchange: Exchange, keys: Mapping[str, bytes]) -> None:
        self._control = control
        self._exchange = exchange
        self._keys = keys
        self._uploads = threading.Semaphore(_UPLOADS_AT_ONCE)
        self._abandoned: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The sites that are let in, sorted; they may be connected or not."""
        return tuple(sorted(self._keys))

    @property
    def connected(self) -> tuple[str, ...]:
        """The sites that have shown themselves within the last minute, sorted."""
        nodes = self._nodes()
        return tuple(name for name in self.names if name in nodes and nodes[name].is_online)

    def wait(self, count: int, *, timeout_s: float) -> tuple[str, ...]:
        """Wait until that many sites are connected, or the time is over; returns those that are."""
        until = time.monotonic() + timeout_s
        while len(connected := self.connected) < count and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)
        return connected

    def ask(
        self, requests: Mapping[str, Request], *, deadline_s: float | None
    ) -> Iterator[tuple[str, Response | Failure]]:
        """Ask the named sites at once; yields the answers as they come.

        A site that is not connected, goes away, or is restarted before it has answered is asked
        (again) when it is back, until the deadline. Without a deadline it is waited for.

        Raises:
            RoundError: A name is not among `names`, or the SuperLink is gone.
        """
        if strangers := sorted(requests.keys() - self._keys.keys()):
            raise RoundError(f"no such site in this run: {', '.join(strangers)}")
        self._drop_abandoned()
        limit_s = _NO_DEADLINE_S if deadline_s is None else deadline_s
        until = time.monotonic() + limit_s
        open_ = {name: _Asked(request) for name, request in sorted(requests.items())}
        uploading: set[str] = set()
        try:
            yield from self._answers(open_, until)
            uploading |= {name for name, asked in open_.items() if asked.upload}
        finally:
            for asked in open_.values():
                self._abandon(asked)
        for name in open_:
            yield name, Failure(self._why_late(name, name in uploading, limit_s))

    def _answers(
        self, open_: dict[str, _Asked], until: float
    ) -> Iterator[tuple[str, Response | Failure]]:
        """Yields what comes before `until` and takes it out of `open_`."""
        answers: _Answers = Queue()
        look_at_nodes = 0.0
        while open_ and (now := time.monotonic()) < until:
            if now >= look_at_nodes:
                self._send(open_, until)
                look_at_nodes = time.monotonic() + _NODES_EVERY_S
            self._receive(open_, answers, until)
            for upload, answer in _waiting(answers, min(_LOOK_EVERY_S, until - now)):
                if upload.given_up.is_set():
                    continue
                if isinstance(answer, RoundError):
                    raise answer
                if answer is None:
                    open_[upload.site].upload = None
                else:
                    del open_[upload.site]
                    yield upload.site, answer

    def _send(self, open_: Mapping[str, _Asked], until: float) -> None:
        """Send what has not been sent, or went to a node that has been restarted since."""
        from flwr.app import Message

        nodes = self._nodes()
        names, messages = [], []
        for name, asked in open_.items():
            node = nodes.get(name)
            if node is None or not node.is_online:
                continue
            if asked.message_id is not None or asked.upload is not None:
                if asked.activation == node.activation:
                    continue
                _log.info("site %s is back; asking again", name)
                self._abandon(asked)
            asked.activation = node.activation
            names.append(name)
            messages.append(
                Message(
                    request_content(asked.request),
                    dst_node_id=node.node_id,
                    message_type=MESSAGE_TYPES[asked.request.question],
                    ttl=max(1.0, until - time.monotonic()),
                )
            )
        if messages:
            for name, message_id in zip(names, self._exchange.push(messages), strict=True):
                open_[name].message_id = message_id

    def _receive(self, open_: Mapping[str, _Asked], answers: _Answers, until: float) -> None:
        """Begin the upload of each answer that has come in."""
        by_id = {each.message_id: name for name, each in open_.items() if each.message_id}
        for arrival in self._exchange.arrivals(by_id):
            name = by_id[arrival.asked]
            upload = _Upload(name, arrival)
            open_[name].message_id, open_[name].upload = None, upload
            threading.Thread(target=self._fetch, args=(upload, answers, until), daemon=True).start()

    def _fetch(self, upload: _Upload, answers: _Answers, until: float) -> None:
        """Read one answer whole, in a thread of its own: a slow line holds up nobody else."""
        with self._uploads:
            try:
                message = self._exchange.fetch(
                    upload.arrival,
                    timeout_s=max(0.0, until - time.monotonic()) + _GIVEN_UP_FIRST_S,
                    given_up=upload.given_up,
                )
            except RoundError as error:
                answers.put((upload, error))
                return
        answers.put((upload, None if message is None else _answer(message)))

    def _abandon(self, asked: _Asked) -> None:
        if asked.message_id is not None:
            self._abandoned.add(asked.message_id)
            asked.message_id = None
        if asked.upload is not None:
            asked.upload.given_up.set()
            asked.upload = None

    def _drop_abandoned(self) -> None:
        """Clear away late answers to earlier questions."""
        for arrival in self._exchange.arrivals(self._abandoned):
            self._exchange.forget(arrival)
            self._abandoned.discard(arrival.asked)

    def _nodes(self) -> Mapping[str, Node]:
        nodes = self._control.nodes()
        return {name: nodes[key] for name, key in self._keys.items() if key in nodes}

    def _why_late(self, name: str, was_uploading: bool, limit_s: float) -> str:
        node = self._nodes().get(name)
        if was_uploading:
            return f"its answer was still being uploaded after {limit_s:g} s"
        if node is None or not node.is_online:
            return f"not connected, and no answer within {limit_s:g} s"
        return f"no answer within {limit_s:g} s"


def _waiting(
    answers: _Answers, wait_s: float
) -> Iterator[tuple[_Upload, Response | Failure | RoundError | None]]:
    """What has come in: waits for the first of it, then yields the rest."""
    try:
        yield answers.get(timeout=max(0.0, wait_s))
        while True:
            yield answers.get_nowait()
    except Empty:
        return


def _answer(message: "Message") -> Response | Failure | None:
    """What a message says; nothing where it says that the question did not get there.

    Flower speaks for a node that is offline or for a message whose time is over.
    """
    from flwr.common.constant import ErrorCode

    if message.has_content():
        return read_answer(message.content)
    undelivered = (
        ErrorCode.NODE_UNAVAILABLE,
        ErrorCode.MESSAGE_UNAVAILABLE,
        ErrorCode.REPLY_MESSAGE_UNAVAILABLE,
        ErrorCode.CLIENT_APP_CRASHED,  # the site's machine slept, say
    )
    if message.error.code in undelivered:
        return None
    return Failure(one_line(f"the site's Flower node failed: {message.error.reason}"))
