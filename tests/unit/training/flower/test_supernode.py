"""A SuperNode that lost a question or an answer ends, so that its site is asked again.

What handles a question and an answer is Flower's own code, over a coordinator that went away.
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from medley_training.flower.messages import request_content
from medley_training.flower.supernode import EndAtLoss, end_with_thread
from medley_training.rounds.transport import Question, Request

if TYPE_CHECKING:
    from flwr.app import Message

RUN = 5


class Node:
    """What a SuperNode keeps in memory, with one question on its way to it."""

    def __init__(self) -> None:
        from flwr.app import Message
        from flwr.supercore.object_store import ObjectStoreFactory
        from flwr.supercore.run import Run
        from flwr.supernode.nodestate import NodeStateFactory

        stores = ObjectStoreFactory()
        self.store = stores.store()
        self.state = NodeStateFactory(stores).state()
        self.state.store_run(Run.create_empty(RUN))
        content = request_content(Request(Question.TRAIN, "{}", b"abc"))
        self.question = with_id(Message(content, dst_node_id=7, message_type="train"))

    def fetch(self, pull_object: Any, confirm: Any) -> int | None:
        """Fetch the question, as Flower does."""
        from flwr.supercore.inflatable.inflatable_object import get_object_tree
        from flwr.supernode.start_client_internal import _pull_and_store_message

        run_id: int | None = _pull_and_store_message(
            state=self.state,
            object_store=self.store,
            node_config={},
            receive=lambda: (self.question, get_object_tree(self.question)),
            get_run=unreachable,
            get_fab=unreachable,
            pull_object=pull_object,
            confirm_message_received=confirm,
            trusted_entities=None,
        )
        return run_id

    def deliver(self, send: Any) -> None:
        """Deliver an answer, as Flower does."""
        from flwr.app import Error, Message
        from flwr.supernode.start_client_internal import _insert_message, _push_messages

        answer = with_id(Message(Error(1, "an answer"), reply_to=self.question))
        _insert_message(answer, self.state, self.store)
        _push_messages(
            state=self.state, object_store=self.store, send=send, push_object=unreachable
        )


def with_id(message: "Message") -> "Message":
    message.metadata.__dict__["_run_id"] = RUN
    message.metadata.__dict__["_message_id"] = message.object_id
    return message


def unreachable(*_: object) -> Any:
    raise grpc.RpcError("the coordinator is gone")


def of_a_run_that_is_over(*_: object) -> Any:
    from flwr.supercore.run import RunNotRunningException

    raise RunNotRunningException


@pytest.fixture
def node() -> Iterator[Node]:
    from flwr.common.logger import FLOWER_LOGGER

    ending, level = EndAtLoss(), FLOWER_LOGGER.level
    FLOWER_LOGGER.addHandler(ending)
    FLOWER_LOGGER.setLevel(logging.DEBUG)  # as in a process of its own
    yield Node()
    FLOWER_LOGGER.setLevel(level)
    FLOWER_LOGGER.removeHandler(ending)


@pytest.mark.parametrize("lost", [unreachable, of_a_run_that_is_over])
def test_a_node_ends_when_it_cannot_fetch_a_question(node: Node, lost: Any) -> None:
    """Flower's own goes on to wait for the answer to it, or has its site wait for the rest."""
    with pytest.raises(SystemExit):
        node.fetch(lost, confirm=lost)


def test_a_node_ends_when_it_cannot_deliver_an_answer(node: Node) -> None:
    with pytest.raises(SystemExit):
        node.deliver(unreachable)


def test_a_node_goes_on_after_a_question_that_came_and_an_answer_that_nobody_needs(
    node: Node,
) -> None:
    from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects

    parts = get_all_nested_objects(node.question)

    fetched = node.fetch(lambda _run, part: parts[part].deflate(), confirm=lambda *_: None)
    assert fetched == RUN
    node.deliver(of_a_run_that_is_over)


def test_a_node_ends_in_order_when_one_of_its_threads_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *given: sent.append(given))
    monkeypatch.setattr(threading, "excepthook", end_with_thread)

    heartbeat = threading.Thread(target=unreachable)
    heartbeat.start()
    heartbeat.join()

    assert sent == [(os.getpid(), signal.SIGTERM)]
    assert "the coordinator is gone" in capsys.readouterr().err
