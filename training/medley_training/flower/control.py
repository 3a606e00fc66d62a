"""The SuperLink's own administration: which nodes are let in, and the run.

It asks nobody who they are, so it listens on this machine's loopback alone. Another user of the
coordinator's machine could let a node of his own in there, which no round would ask; starting a
run that reaches sites also takes the secret of `exchange`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from medley_training.errors import RoundError
from medley_training.flower.bundle import app_bundle

_CALL_S = 20.0


@dataclass(frozen=True, slots=True)
class Node:
    """A site's node at the SuperLink.

    Attributes:
        node_id: What Flower calls it.
        is_online: Whether it has shown itself within the last minute.
        activation: When it last came up; another one says that it was restarted.
    """

    node_id: int
    is_online: bool
    activation: str


class Control:
    """Calls to the SuperLink's control API; each raises `RoundError` where that fails."""

    def __init__(self, address: str, authority: Path) -> None:
        from flwr.proto.control_pb2_grpc import ControlStub
        from flwr.supercore.grpc import create_channel

        self._channel = create_channel(
            address, insecure=False, root_certificates=authority.read_bytes()
        )
        self._stub = ControlStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._channel.close()

    @property
    def answers(self) -> bool:
        """Whether the SuperLink is up."""
        from flwr.proto.control_pb2 import ListNodesRequest

        try:
            self._stub.ListNodes(ListNodesRequest(), timeout=_CALL_S)
        except grpc.RpcError:
            return False
        return True

    def nodes(self) -> Mapping[bytes, Node]:
        """The nodes that are let in, by their public keys."""
        from flwr.proto.control_pb2 import ListNodesRequest

        listed = self._call("ListNodes", ListNodesRequest()).nodes_info
        return {
            each.public_key: Node(each.node_id, each.status == "online", each.last_activated_at)
            for each in listed
            if each.status != "unregistered"
        }

    def admit_only(self, keys: Collection[bytes]) -> None:
        """Let these node keys in and no others.

        A node whose key stays keeps its id, so that a site which is connected stays so.
        """
        from flwr.proto.control_pb2 import RegisterNodeRequest, UnregisterNodeRequest

        known = self.nodes()
        for key, node in known.items():
            if key not in keys:
                request = UnregisterNodeRequest(node_id=node.node_id)
                self._call("UnregisterNode", request)
        for key in keys:
            if key not in known:
                self._call("RegisterNode", RegisterNodeRequest(public_key=key))

    def start_run(self) -> int:
        """Start a run of Flower in the place of those of an earlier coordinator; returns its id.

        What those had not delivered is dropped: a site should not work for a round that is over.
        """
        from flwr.proto.control_pb2 import ListRunsRequest, StartRunRequest, StopRunRequest
        from flwr.proto.fab_pb2 import Fab

        runs = self._call("ListRuns", ListRunsRequest()).run_dict
        for run_id, run in runs.items():
            if run.status.status != "finished":
                self._call("StopRun", StopRunRequest(run_id=run_id))
        request = StartRunRequest(fab=Fab(content=app_bundle()))
        return int(self._call("StartRun", request).run_id)

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request, timeout=_CALL_S)
        except grpc.RpcError as error:
            raise RoundError(f"the SuperLink did not do {method}: {error.details()}") from error
