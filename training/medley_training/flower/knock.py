"""A site's first call to the coordinator: whether it would be let in, and why not.

A SuperNode that is refused ends with a text that is not for the people at a hospital, and one that
was killed is refused for a minute, because the SuperLink takes it to be there still. So the site
calls first, and where it was killed it takes back its old place.
"""

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from medley_training.flower.messages import one_line
from medley_training.flower.node_key import load_node_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_CALL_S = 10.0
_HEARTBEAT_S = 30.0


class Reception(Enum):
    """How the coordinator received a site."""

    WELCOME = auto()
    UNKNOWN_KEY = auto()
    ALREADY_THERE = auto()
    WRONG_CLOCK = auto()
    UNREACHABLE = auto()


@dataclass(frozen=True, slots=True)
class Door:
    """A coordinator's address, and what a site calls there with.

    Attributes:
        address: HOST:PORT.
        authority: The certificate that the coordinator's is checked with.
        node_key: The site's node key.
        remembered: A file for the number that the coordinator gave this site's node.
    """

    address: str
    authority: Path
    node_key: Path
    remembered: Path

    def knock(self) -> tuple[Reception, str]:
        """Call once; returns how it went, and for `UNREACHABLE` why.

        Raises:
            BadKey: The node key cannot be used.
        """
        key = load_node_key(self.node_key)
        channel = self._channel(key)
        try:
            return self._call(channel, key), ""
        except grpc.RpcError as error:
            return _reception(error), one_line(str(error.details()))
        finally:
            channel.close()

    def _call(self, channel: Any, key: "EllipticCurvePrivateKey") -> Reception:
        from flwr.proto.fleet_pb2 import ActivateNodeRequest, DeactivateNodeRequest
        from flwr.proto.fleet_pb2_grpc import FleetStub
        from flwr.supercore.primitives.asymmetric import public_key_to_bytes

        stub = FleetStub(channel)
        if node_id := self._last_node():
            try:
                stub.DeactivateNode(DeactivateNodeRequest(node_id=node_id), timeout=_CALL_S)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNAVAILABLE:
                    raise
                # Otherwise it was not there, as it should be.
        activate = ActivateNodeRequest(
            public_key=public_key_to_bytes(key.public_key()), heartbeat_interval=_HEARTBEAT_S
        )
        node_id = stub.ActivateNode(activate, timeout=_CALL_S).node_id
        self.remembered.write_text(str(node_id))
        stub.DeactivateNode(DeactivateNodeRequest(node_id=node_id), timeout=_CALL_S)
        return Reception.WELCOME

    def _last_node(self) -> int | None:
        text = self.remembered.read_text() if self.remembered.exists() else ""
        return int(text) if text.isdecimal() else None

    def _channel(self, key: "EllipticCurvePrivateKey") -> Any:
        from flwr.client.grpc_rere_client.node_auth_client_interceptor import (
            NodeAuthClientInterceptor,
        )
        from flwr.supercore.grpc import create_channel
        from flwr.supercore.interceptors import RuntimeVersionClientInterceptor

        return create_channel(
            self.address,
            insecure=False,
            root_certificates=self.authority.read_bytes(),
            interceptors=[
                RuntimeVersionClientInterceptor(component_name="SuperNode"),
                NodeAuthClientInterceptor(key, key.public_key()),
            ],
        )


def _reception(error: grpc.RpcError) -> Reception:
    if error.code() == grpc.StatusCode.FAILED_PRECONDITION:
        is_unknown = "No SuperNode found" in str(error.details())
        return Reception.UNKNOWN_KEY if is_unknown else Reception.ALREADY_THERE
    is_late = error.code() == grpc.StatusCode.UNAUTHENTICATED and "timestamp" in str(
        error.details()
    )
    return Reception.WRONG_CLOCK if is_late else Reception.UNREACHABLE
