"""Where a SuperNode lays down the questions that have come in, and a site takes them up.

Flower's own program for this starts a process for each question. This one answers them in the
process it is called in, one after the other, so that a base model stays loaded.
"""

import logging
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import grpc

if TYPE_CHECKING:
    from flwr.clientapp import ClientApp

_log = logging.getLogger(__name__)

_CALL_S = 10.0


class Desk:
    """The ClientAppIo API of one SuperNode on this machine.

    Attributes:
        is_in_order: Whether every question that was taken up has had its answer delivered.
    """

    def __init__(self, address: str, secret: bytes) -> None:
        from flwr.proto.clientappio_pb2_grpc import ClientAppIoStub
        from flwr.supercore.interceptors import SuperExecAuthClientInterceptor
        from flwr.supercore.interceptors.superexec_auth_interceptor import (
            CLIENTAPPIO_SUPEREXEC_METHODS,
        )

        self.is_in_order = True
        self._address = address
        sign = SuperExecAuthClientInterceptor(
            master_secret=secret, protected_methods=CLIENTAPPIO_SUPEREXEC_METHODS
        )
        self._channel = _channel(address, "SuperExec", sign)
        self._stub = ClientAppIoStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._channel.close()

    def answer_next(self, app: "ClientApp") -> bool:
        """Answer one question if there is one; returns whether there was.

        What goes wrong with one question is logged. The SuperNode should then be ended, so that the
        coordinator asks again: it waits for the answer, a minute at least, and takes up nothing.
        """
        try:
            token = self._claim()
        except grpc.RpcError:
            return False  # the SuperNode is about to listen, or has ended
        if not token:
            return False
        try:
            self._answer(token, app)
        except Exception:
            _log.exception("an answer was not delivered")
            self.is_in_order = False
        return True

    def _claim(self) -> str:
        from flwr.proto.appio_pb2 import ClaimTaskRequest, PullPendingTasksRequest

        tasks = self._stub.PullPendingTasks(PullPendingTasksRequest(), timeout=_CALL_S).tasks
        if not tasks:
            return ""
        return str(self._stub.ClaimTask(ClaimTaskRequest(task_id=tasks[0].task_id)).token)

    def _answer(self, token: str, app: "ClientApp") -> None:
        from flwr.proto.appio_pb2 import PushTaskOutputRequest
        from flwr.proto.clientappio_pb2_grpc import ClientAppIoStub
        from flwr.supercore.heartbeat import HeartbeatSender
        from flwr.supercore.interceptors import AppIoTokenClientInterceptor
        from flwr.supernode.runtime.run_clientapp import pull_task_input, push_message

        channel = _channel(self._address, "flwr-clientapp", AppIoTokenClientInterceptor(token))
        stub = ClientAppIoStub(channel)
        heartbeat = HeartbeatSender(lambda: _beat(stub))
        heartbeat.start()
        try:
            message, context, _, _ = pull_task_input(stub)  # the bundle is not opened
            push_message(stub, app(message=message, context=context), context)
            stub.PushTaskOutput(PushTaskOutputRequest(sub_status="completed", details=""))
        finally:
            heartbeat.stop()
            channel.close()


def _beat(stub: Any) -> bool:
    """Tell the SuperNode that its question is still being worked on."""
    from flwr.proto.appio_pb2 import SendTaskHeartbeatRequest

    try:
        return bool(stub.SendTaskHeartbeat(SendTaskHeartbeatRequest(), timeout=_CALL_S).success)
    except grpc.RpcError:
        return False


def _channel(address: str, component: str, interceptor: Any) -> Any:
    from flwr.supercore.grpc import create_channel
    from flwr.supercore.interceptors import RuntimeVersionClientInterceptor

    version = RuntimeVersionClientInterceptor(component_name=component)
    return create_channel(address, insecure=True, interceptors=[version, interceptor])
