"""Rounds' questions over a real SuperLink and SuperNodes: TLS, node keys, lost and found sites."""

import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from medley_training.errors import RoundError
from medley_training.flower.certificates import make_certificates
from medley_training.flower.node_key import make_node_key
from medley_training.rounds.transport import Failure, Question, Request, Response

from tests.flower.installation import SITES, Installation, until

SOON_S = 300.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("flower"))
    try:
        installation.serve()
        yield installation
    finally:
        installation.stop_all()
        until(lambda: not installation.processes())


@pytest.fixture
def installation(running: Installation) -> Installation:
    running.start_all()
    return running


def train(payload: bytes = b"", **wanted: object) -> Request:
    return Request(Question.TRAIN, json.dumps(wanted), payload)


def said(answer: Response | Failure) -> dict[str, object]:
    assert isinstance(answer, Response), answer
    return dict(json.loads(answer.body))


def test_sites_get_and_give_24_megabytes_and_answer_in_one_process_that_stays(
    installation: Installation,
) -> None:
    payloads = {site: random.Random(site).randbytes(24_000_000) for site in SITES}
    big = {site: train(payload) for site, payload in payloads.items()}
    small = dict.fromkeys(SITES, Request(Question.RECEIPT, "{}"))

    first = dict(installation.sites.ask(big, deadline_s=60))
    second = dict(installation.sites.ask(small, deadline_s=SOON_S))

    assert installation.sites.names == SITES
    for site, payload in payloads.items():
        answer = first[site]
        assert said(answer)["sha256"] == hashlib.sha256(payload).hexdigest()
        assert isinstance(answer, Response)
        assert answer.payload == payload
        assert said(second[site])["question"] == "receipt"
        assert said(first[site])["process"] == installation.process(site)
        assert said(second[site])["process"] == installation.process(site)


def test_a_site_that_refuses_says_why_in_one_line(installation: Installation) -> None:
    requests = {
        "north": train(refuse="not signed\nby my coordinator"),
        "south": train(fault="Patient Meier, 1951"),
        "west": train(),
    }

    answers = dict(installation.sites.ask(requests, deadline_s=SOON_S))

    assert answers["north"] == Failure("not signed by my coordinator")
    assert answers["south"] == Failure("an error inside the site (ValueError); its log says more")
    assert said(answers["west"])["question"] == "train"


def test_a_killed_site_fails_at_the_deadline_after_the_others_have_answered(
    installation: Installation,
) -> None:
    installation.cut_power("north")

    answers = list(installation.sites.ask(dict.fromkeys(SITES, train()), deadline_s=15))

    assert {site for site, _ in answers[:2]} == {"south", "west"}
    assert answers[2][0] == "north"
    assert isinstance(answers[2][1], Failure)
    assert answers[2][1].reason.endswith("no answer within 15 s")
    installation.start("north")
    assert said(dict(installation.sites.ask({"north": train()}, deadline_s=SOON_S))["north"])


def test_a_site_that_is_killed_at_work_is_asked_again_when_it_is_back(
    installation: Installation, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"

    def restart() -> None:
        until(begun.exists)
        installation.kill("west")
        installation.start("west")

    restarting = threading.Thread(target=restart)
    restarting.start()
    wanted = train(begun=str(begun), work_s=2)
    answers = dict(installation.sites.ask({"west": wanted}, deadline_s=60))
    restarting.join()

    assert said(answers["west"])["answered"] == 1


def test_a_late_answer_is_not_taken_for_one_to_the_next_question(
    installation: Installation,
) -> None:
    late = dict(installation.sites.ask({"south": train(b"first", work_s=5)}, deadline_s=4))
    next_ = dict(installation.sites.ask({"south": train(b"second")}, deadline_s=SOON_S))

    assert late["south"] == Failure("no answer within 4 s")
    assert said(next_["south"])["sha256"] == hashlib.sha256(b"second").hexdigest()


def test_a_node_key_that_is_not_known_is_refused(installation: Installation) -> None:
    make_node_key(installation.node_key("stranger"))

    stranger = installation.start("stranger", "--patience-s", "0")

    assert stranger.wait(timeout=300) != 0
    assert "does not know this site's node key" in installation.log("stranger").read_text()
    assert installation.sites.connected == SITES
    with pytest.raises(RoundError, match="stranger"):
        list(installation.sites.ask({"stranger": train()}, deadline_s=1))


def test_a_site_does_not_trust_a_coordinator_of_another_authority(
    installation: Installation, tmp_path: Path
) -> None:
    other = make_certificates(tmp_path / "other", [])
    make_node_key(installation.node_key("wary"))

    wary = installation.start("wary", "--patience-s", "0", "--authority", str(other.authority))

    assert wary.wait(timeout=300) != 0
    log = installation.log("wary").read_text()
    assert "no coordinator at" in log
    assert "CERTIFICATE_VERIFY_FAILED" in log


def test_a_site_whose_clock_is_ahead_is_told_so(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from medley_training.flower.knock import Door, Reception

    make_node_key(tmp_path / "node.key")
    door = Door(
        f"127.0.0.1:{installation.port}",
        installation.certificates.authority,
        tmp_path / "node.key",
        remembered=tmp_path / "node",
    )
    monkeypatch.setattr(
        "flwr.client.grpc_rere_client.node_auth_client_interceptor.now",
        lambda: datetime.now(UTC) + timedelta(seconds=60),
    )

    assert door.knock()[0] is Reception.WRONG_CLOCK


def test_a_second_process_of_a_site_is_refused_at_its_folder(installation: Installation) -> None:
    second = installation.start("north")

    assert second.wait(timeout=300) != 0
    assert "another process of this site runs in" in installation.log("north").read_text()
    assert installation.process("north") != second.pid


def test_a_coordinator_that_lost_its_superlink_says_so_and_a_new_one_finds_the_sites(
    installation: Installation,
) -> None:
    everybody = dict.fromkeys(SITES, train())

    installation.kill_superlink()
    with pytest.raises(RoundError):
        list(installation.sites.ask(everybody, deadline_s=SOON_S))
    superseded = installation.sites
    installation.serve()
    after = dict(installation.sites.ask(everybody, deadline_s=60))

    assert superseded is not installation.sites
    for site in SITES:
        assert said(after[site])["process"] == installation.process(site)


def test_a_site_that_was_fetching_a_question_as_the_superlink_was_lost_answers_a_new_one(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.time()

    def lose() -> None:
        until(lambda: installation.has_told_of_a_question(since=began))
        time.sleep(1)  # it is at the parts by now
        installation.kill_superlink()

    losing = threading.Thread(target=lose)
    losing.start()
    with monkeypatch.context() as patched:
        # The site is told of a question whose parts are still on their way when the line is lost.
        patched.setattr("flwr.superlink.grid.grpc_grid.push_objects", lambda *_, **__: None)
        with pytest.raises(RoundError):
            list(installation.sites.ask({"south": train()}, deadline_s=SOON_S))
    losing.join()
    installation.serve()
    after = dict(installation.sites.ask({"south": train()}, deadline_s=SOON_S))

    assert said(after["south"])["process"] == installation.process("south")
