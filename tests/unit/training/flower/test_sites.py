"""Which answer counts, when sites and messages get lost; over a SuperLink that is in memory."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import pytest
from medley_training.errors import RoundError
from medley_training.flower import sites as sites_module
from medley_training.flower.control import Control, Node
from medley_training.flower.exchange import Arrival, Exchange
from medley_training.flower.messages import answer_content, read_request
from medley_training.flower.sites import FlowerSites
from medley_training.rounds.transport import Failure, Question, Request, Response

if TYPE_CHECKING:
    from flwr.app import Message

NORTH, SOUTH = b"north's key", b"south's key"
ASKED = Request(Question.TRAIN, "{}")


class Link:
    """A SuperLink's two faces; sites answer as soon as they are asked, unless told otherwise.

    Attributes:
        stuck: Uploads that a site begins and does not finish, by site.
        lost: How many of a site's next questions Flower says it could not deliver, by site.
        mute: Sites that do not answer.
    """

    def __init__(self) -> None:
        self.online: dict[bytes, Node] = {
            NORTH: Node(1, True, "first"),
            SOUTH: Node(2, True, "first"),
        }
        self.stuck: set[int] = set()
        self.lost: dict[int, int] = {}
        self.mute: set[int] = set()
        self.is_gone = False
        self.pushed: list[tuple[int, Request]] = []
        self.forgotten: list[str] = []
        self.waiting_threads = 0
        self._open: dict[str, Message] = {}

    def nodes(self) -> Mapping[bytes, Node]:
        return dict(self.online)

    def push(self, messages: Sequence["Message"]) -> list[str | None]:
        ids = []
        for message in messages:
            node = message.metadata.dst_node_id
            self.pushed.append((node, read_request(message.content)))
            ids.append(f"{node}/{len(self.pushed)}")
            self._open[ids[-1]] = message
        return list(ids)

    def arrivals(self, asked: Iterable[str]) -> list[Arrival]:
        if self.is_gone:
            raise RoundError("the SuperLink is gone")
        come = [each for each in asked if each in self._open and int(each[0]) not in self.mute]
        for each in come:
            del self._open[each]
        return [Arrival(each, f"answer to {each}", None) for each in come]

    def fetch(
        self, arrival: Arrival, *, timeout_s: float, given_up: threading.Event
    ) -> "Message | None":
        from flwr.app import Error, Message, RecordDict
        from flwr.common.constant import ErrorCode

        node = int(arrival.asked[0])
        if node in self.stuck:
            self.waiting_threads += 1
            given_up.wait(timeout_s)
            self.waiting_threads -= 1
            return None
        question = Message(RecordDict({}), dst_node_id=node, message_type="train")
        question.metadata.__dict__["_message_id"] = arrival.asked
        if self.lost.get(node, 0):
            self.lost[node] -= 1
            return Message(Error(ErrorCode.NODE_UNAVAILABLE, "away"), reply_to=question)
        return Message(answer_content(Response(arrival.asked)), reply_to=question)

    def forget(self, arrival: Arrival) -> None:
        self.forgotten.append(arrival.asked)


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> Link:
    monkeypatch.setattr(sites_module, "_NODES_EVERY_S", 0.02)
    monkeypatch.setattr(sites_module, "_LOOK_EVERY_S", 0.01)
    return Link()


def sites(link: Link) -> FlowerSites:
    keys = {"south": SOUTH, "north": NORTH}
    return FlowerSites(cast(Control, link), cast(Exchange, link), keys)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that takes a moment, for far less than the uploads here would wait."""
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_answers_come_from_the_nodes_that_the_keys_name(link: Link) -> None:
    answers = dict(sites(link).ask({"north": ASKED, "south": ASKED}, deadline_s=5))

    assert answers == {"north": Response("1/1"), "south": Response("2/2")}
    assert link.pushed == [(1, ASKED), (2, ASKED)]


def test_a_question_that_flower_could_not_deliver_is_asked_again(link: Link) -> None:
    link.lost[2] = 2

    answers = dict(sites(link).ask({"south": ASKED}, deadline_s=5))

    assert answers == {"south": Response("2/3")}
    assert len(link.pushed) == 3


def test_a_site_that_is_not_there_is_asked_when_it_comes(link: Link) -> None:
    link.online[SOUTH] = Node(2, False, "")
    answers = sites(link).ask({"north": ASKED, "south": ASKED}, deadline_s=5)

    first = next(answers)
    link.online[SOUTH] = Node(2, True, "second")

    assert first == ("north", Response("1/1"))
    assert list(answers) == [("south", Response("2/2"))]


def test_an_upload_that_a_restart_cut_off_is_not_waited_for(link: Link) -> None:
    link.stuck.add(2)
    answers = sites(link).ask({"north": ASKED, "south": ASKED}, deadline_s=20)

    assert next(answers)[0] == "north"
    until(lambda: link.waiting_threads == 1)
    link.stuck.clear()
    link.online[SOUTH] = Node(2, True, "second")

    assert list(answers) == [("south", Response("2/3"))]
    until(lambda: link.waiting_threads == 0)


def test_what_is_not_there_at_the_deadline_is_a_failure_that_says_how_far_it_came(
    link: Link,
) -> None:
    link.mute.add(1)
    link.stuck.add(2)

    answers = dict(sites(link).ask({"north": ASKED, "south": ASKED}, deadline_s=0.3))

    assert answers == {
        "north": Failure("no answer within 0.3 s"),
        "south": Failure("its answer was still being uploaded after 0.3 s"),
    }
    link.online.clear()
    late = dict(sites(link).ask({"north": ASKED}, deadline_s=0.1))
    assert late == {"north": Failure("not connected, and no answer within 0.1 s")}


def test_a_late_answer_is_cleared_away_and_not_given_to_the_next_question(link: Link) -> None:
    link.mute.add(1)
    asking = sites(link)
    list(asking.ask({"north": ASKED}, deadline_s=0.1))
    link.mute.clear()

    answers = dict(asking.ask({"north": ASKED}, deadline_s=5))

    assert answers == {"north": Response("1/2")}
    assert link.forgotten == ["1/1"]


def test_a_caller_that_stops_early_leaves_the_others(link: Link) -> None:
    link.stuck.add(2)
    answers = sites(link).ask({"north": ASKED, "south": ASKED}, deadline_s=60)

    assert next(answers)[0] == "north"
    until(lambda: link.waiting_threads == 1)
    answers.close()  # type: ignore[attr-defined]

    until(lambda: link.waiting_threads == 0)


def test_a_superlink_that_is_gone_ends_the_asking(link: Link) -> None:
    link.is_gone = True

    with pytest.raises(RoundError, match="gone"):
        list(sites(link).ask({"north": ASKED}, deadline_s=5))


def test_a_name_that_is_not_let_in_is_refused(link: Link) -> None:
    with pytest.raises(RoundError, match="west"):
        list(sites(link).ask({"west": ASKED}, deadline_s=5))


def test_waiting_ends_with_enough_sites_or_at_its_time(link: Link) -> None:
    link.online[SOUTH] = Node(2, False, "")

    assert sites(link).names == ("north", "south")
    assert sites(link).wait(1, timeout_s=5) == ("north",)
    assert sites(link).wait(2, timeout_s=0.05) == ("north",)
