import json
from pathlib import Path

from medley_registry import open_registry

from tests.unit.registry.commands.shell import medley


def traffic(*more: object) -> str:
    done = medley("adapter", "traffic", "notes", *more)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_an_alias_without_a_rule_says_so(home: Path) -> None:
    assert traffic() == "notes@production leaves all requests to its target\n"
    assert json.loads(traffic("--json"))["revision"] == 0


def test_what_is_given_changes_the_rule_and_the_rest_stays(home: Path) -> None:
    shown = traffic("--canary", 2, "--weight", 5, "--max-error-rate", 0.02, "--watch", 600)
    traffic("--weight", 25, "--stick", "key")
    now = json.loads(traffic("--json"))

    assert shown.splitlines() == [
        "notes@production gives 5% to version 2, by user",
        "  errors at most 0.02",
        "  judged from 50 requests on, over 300 s",
        "  a promotion is watched for 600 s",
    ]
    assert (now["canary"], now["weight"], now["stick"], now["revision"]) == (2, 25, "key", 2)
    assert (now["bounds"]["max_error_rate"], now["bounds"]["watch_s"]) == (0.02, 600)
    assert (now["halted"], now["actor"]) == (None, "ada")


def test_another_canary_begins_at_nothing(home: Path) -> None:
    traffic("--shadow", 2, "--share", 50)
    traffic("--canary", 2, "--weight", 25)
    medley("adapter", "promote", "notes:2")

    shown = traffic("--canary", 1)

    assert shown == "notes@production gives 0% to version 1, by user\n"


def test_a_rule_that_was_halted_says_by_whom_and_why(home: Path) -> None:
    traffic("--shadow", 2, "--share", 50)
    with open_registry(home / "registry") as registry:
        registry.traffic.halt("notes", "production", 2, reason="it differs", actor="server a:1")

    assert traffic().splitlines() == [
        "notes@production shows 0% to version 2",
        "  halted by server a:1: it differs",
    ]


def test_clearing_leaves_nothing(home: Path) -> None:
    traffic("--canary", 2, "--weight", 5, "--max-error-rate", 0.02)

    assert traffic("--clear") == "notes@production leaves all requests to its target\n"


def test_what_cannot_be_is_refused_in_one_line(home: Path) -> None:
    here = medley("adapter", "traffic", "notes", "--canary", 1)
    late = medley("adapter", "traffic", "notes", "--canary", 2, "--expect-revision", 3)
    both = medley("adapter", "traffic", "notes", "--canary", 2, "--clear")

    assert (here.exit_code, late.exit_code, both.exit_code) == (1, 1, 2)
    assert here.stderr.startswith("error: refused by rule traffic: notes@production points there")
    assert late.stderr == "error: the rule has revision 0, not the expected 3\n"
