"""A run of Flower as its ServerApp process sees it: messages out, answers in.

We are that process ourselves: whoever knows the SuperLink's secret may claim the run's one task,
and gets the token that messages are sent with.
"""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import grpc

from medley_training.errors import RoundError

if TYPE_CHECKING:
    from flwr.app import Message

_CALL_S = 20.0
_SUPERLINK_GONE_S = 15.0
_SETTLE_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """An answer that has come in, its content not yet read.

    Attributes:
        asked: The id of the message it answers.
        message_id: Its own id.
        tree: What Flower keeps its parts under.
    """

    asked: str
    message_id: str
    tree: Any


class Exchange:
    """The messages of one run."""

    def __init__(self, address: str, *, secret: bytes, run_id: int) -> None:
        """Claim the run.

        Raises:
            RoundError: The SuperLink does not give it.
        """
        from flwr.superlink.grid import GrpcGrid

        token = _claim(address, secret, run_id)
        self._grid = GrpcGrid(address, insecure=True, token=token)
        # Flower's own would try for ever, and interrupts this process when a token has expired.
        self._grid._retry_invoker = _retries()
        self._start(run_id)

    def _start(self, run_id: int) -> None:
        from flwr.common.serde import run_from_proto
        from flwr.proto.appio_pb2 import PullTaskInputRequest
        from flwr.supercore.heartbeat import HeartbeatSender

        given = self._grid._stub.PullTaskInput(PullTaskInputRequest())
        if given.run.run_id != run_id:
            raise RoundError("the SuperLink gave another run than the one that was started")
        self._grid.set_run(run_from_proto(given.run))
        self._run_id = run_id
        self._heartbeat = HeartbeatSender(self._beat)
        self._heartbeat.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        from flwr.proto.appio_pb2 import PushTaskOutputRequest

        self._grid._retry_invoker.max_tries = 1
        if self._heartbeat.is_running:
            self._heartbeat.stop()
        status = "completed" if kind is None else "failed"
        with suppress(grpc.RpcError):  # without it the run ends as its heartbeat stays out
            self._grid._stub.PushTaskOutput(PushTaskOutputRequest(sub_status=status, details=""))
        self._grid.close()

    def push(self, messages: Sequence["Message"]) -> list[str | None]:
        """Hand messages to the SuperLink; returns their ids, none for one that it did not take.

        Raises:
            RoundError: The SuperLink is gone, or has given up on this run.
        """
        try:
            return [message_id or None for message_id in self._grid.push_messages(messages)]
        except grpc.RpcError as error:
            raise _gone(error) from error

    def arrivals(self, asked: Iterable[str]) -> list[Arrival]:
        """The answers to these messages that have come in since; each is told of once.

        Raises:
            RoundError: The SuperLink is gone, or has given up on this run.
        """
        from flwr.proto.appio_pb2 import PullAppMessagesRequest

        request = PullAppMessagesRequest(message_ids=list(asked))
        if not request.message_ids:
            return []
        try:
            pulled = self._grid._stub.PullMessages(request)
        except grpc.RpcError as error:
            raise _gone(error) from error
        return [
            Arrival(message.metadata.reply_to_message_id, message.metadata.message_id, tree)
            for message, tree in zip(pulled.messages_list, pulled.message_object_trees, strict=True)
        ]

    def fetch(
        self, arrival: Arrival, *, timeout_s: float, given_up: threading.Event
    ) -> "Message | None":
        """The whole answer, or nothing where its parts do not arrive in time.

        Unlike `arrivals` this waits: a site tells of its answer first and then uploads it. It
        stops waiting when `given_up` is set.

        Raises:
            RoundError: The SuperLink is gone, or has given up on this run.
        """
        from flwr.supercore.inflatable.inflatable_object import iterate_object_tree
        from flwr.supercore.inflatable.inflatable_protobuf_utils import (
            make_pull_object_fn_protobuf,
        )
        from flwr.supercore.inflatable.inflatable_utils import (
            ObjectIdNotPreregisteredError,
            ObjectUnavailableError,
            inflate_object_from_contents,
            pull_objects,
        )

        pull_part = make_pull_object_fn_protobuf(
            self._grid._stub.PullObject, self._grid.node, self._run_id
        )

        def pull(part: str) -> bytes:
            if given_up.is_set():
                raise ObjectIdNotPreregisteredError(part)
            return bytes(pull_part(part))

        parts = [part.object_id for part in iterate_object_tree(arrival.tree)]
        try:
            contents = pull_objects(
                parts, pull, max_time=timeout_s, initial_backoff=_SETTLE_S, backoff_cap=2.0
            )
        except (ObjectUnavailableError, ObjectIdNotPreregisteredError):
            return None
        except grpc.RpcError as error:
            raise _gone(error) from error
        self.forget(arrival)
        return inflate_object_from_contents(arrival.message_id, contents)

    def forget(self, arrival: Arrival) -> None:
        """Let the SuperLink delete what it keeps of an answer."""
        from flwr.proto.message_pb2 import ConfirmMessageReceivedRequest

        request = ConfirmMessageReceivedRequest(
            node=self._grid.node, run_id=self._run_id, message_object_id=arrival.message_id
        )
        try:
            self._grid._stub.ConfirmMessageReceived(request)
        except grpc.RpcError as error:
            raise _gone(error) from error

    def _beat(self) -> bool:
        from flwr.proto.appio_pb2 import SendTaskHeartbeatRequest

        try:
            return bool(self._grid._stub.SendTaskHeartbeat(SendTaskHeartbeatRequest()).success)
        except grpc.RpcError:
            return False  # the next question says what is wrong, to somebody who can act on it


def _claim(address: str, secret: bytes, run_id: int) -> str:
    from flwr.proto.appio_pb2 import ClaimTaskRequest, PullPendingTasksRequest
    from flwr.proto.serverappio_pb2_grpc import ServerAppIoStub
    from flwr.supercore.grpc import create_channel
    from flwr.supercore.interceptors import (
        RuntimeVersionClientInterceptor,
        SuperExecAuthClientInterceptor,
    )
    from flwr.supercore.interceptors.superexec_auth_interceptor import (
        SERVERAPPIO_SUPEREXEC_METHODS,
    )

    interceptors = [
        RuntimeVersionClientInterceptor(component_name="SuperExec"),
        SuperExecAuthClientInterceptor(
            master_secret=secret, protected_methods=SERVERAPPIO_SUPEREXEC_METHODS
        ),
    ]
    channel = create_channel(address, insecure=True, interceptors=interceptors)
    try:
        stub = ServerAppIoStub(channel)
        until = time.monotonic() + _CALL_S
        while time.monotonic() < until:
            tasks = stub.PullPendingTasks(PullPendingTasksRequest(), timeout=_CALL_S).tasks
            for task in tasks:
                if task.run_id == run_id:
                    request = ClaimTaskRequest(task_id=task.task_id)
                    return str(stub.ClaimTask(request, timeout=_CALL_S).token)
            time.sleep(_SETTLE_S)
    except grpc.RpcError as error:
        raise _gone(error) from error
    finally:
        channel.close()
    raise RoundError("the SuperLink does not offer the run that was started")


def _retries() -> Any:
    from flwr.supercore.retry import RetryInvoker, constant

    return RetryInvoker(
        wait_gen_factory=lambda: constant(0.5),
        recoverable_exceptions=grpc.RpcError,
        max_tries=None,
        max_time=_SUPERLINK_GONE_S,
        should_giveup=lambda error: error.code() != grpc.StatusCode.UNAVAILABLE,
    )


def _gone(error: grpc.RpcError) -> RoundError:
    reasons: Mapping[Any, str] = {
        grpc.StatusCode.UNAVAILABLE: "the SuperLink is gone",
        grpc.StatusCode.UNAUTHENTICATED: "the SuperLink has given up on this run",
    }
    return RoundError(f"{reasons.get(error.code(), 'the SuperLink failed')}: {error.details()}")
