"""What came from outside is printed so that nothing in it acts."""

from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry import (
    Contribution,
    Digest,
    Evidence,
    EvidenceKind,
    Lineage,
    VariantKind,
    journal,
    open_registry,
)
from medley_registry.events import EventKind

from tests.builders import TINY, make_adapter, make_base
from tests.unit.registry.commands.shell import medley

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]x[/] \u202egnp.exe\u2066 a\nforged: 1\r\x9b31m\u2028"
FORBIDDEN = set("\x1b\x07\r\x9b\u202e\u2066\u2028")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that holds hostile text wherever outside text is taken in unread."""
    home = tmp_path_factory.mktemp("hostile")
    with open_registry(home / "registry", create=True) as registry:
        base = make_base(home / "base", config={"architectures": [HOSTILE]})
        registry.add_base(TINY, base, actor="ada", recipe={HOSTILE: HOSTILE})
        for fill in (1, 2):
            version = registry.publish(
                make_adapter(home / str(fill), fill=fill), name="notes", base=TINY, actor="ada"
            )
        digest = Digest.of(b"")
        told = Lineage(
            run=HOSTILE,
            strategy=HOSTILE,
            origin=HOSTILE,
            contributions=(Contribution(HOSTILE, digest, 1.0, HOSTILE),),
        )
        [variant] = registry.evidence.variants("notes", 1)
        result = Evidence.of(
            variant,
            kind=EvidenceKind.EVALUATION,
            suite=HOSTILE,
            suite_digest=digest,
            environment={HOSTILE: HOSTILE},
            metrics={HOSTILE: 1.0},
            actor=HOSTILE,
            at=version.created_at,
        )
        with registry.index.write() as writer:  # as another release, or an attacker, may have
            writer.add(replace(version, number=3, note=HOSTILE, lineage=told, digest=digest))
            writer.add(result)
            writer.add(replace(variant, kind=VariantKind.NF4, recipe={HOSTILE: HOSTILE}))
        registry.promote("notes", 1, actor="ada")
        with registry.index.write() as writer:
            journal.record(
                writer,
                EventKind.BASE_MOVED,
                subject=HOSTILE,
                actor=HOSTILE,
                payload={"reason": HOSTILE, "from": HOSTILE, "to": HOSTILE},
            )
    return home / "registry"


@pytest.mark.parametrize(
    "words",
    [
        ["adapter", "list"],
        ["adapter", "list", "notes"],
        ["adapter", "show", "notes:3"],
        ["adapter", "evidence", "notes"],
        ["adapter", "variants", "notes"],
        ["adapter", "diff", "notes:1", "notes:3"],
        ["adapter", "verify", "notes:3"],
        ["base", "list"],
        ["base", "show", TINY],
        ["registry", "events"],
        ["registry", "fsck"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_hostile_text_is_printed_inert(
    empty_home: Path, hostile: Path, words: list[str], options: list[str]
) -> None:
    done = medley(*words, *options, "--registry", hostile)

    shown = done.stdout + done.stderr
    assert shown
    assert FORBIDDEN.isdisjoint(shown)
    assert not any(line.startswith("forged") for line in shown.splitlines())


def test_markup_is_printed_as_it_is(home: Path) -> None:
    assert "[red]x[/red]" in medley("adapter", "list", "notes").stdout
    assert "[red]x[/red]" in medley("adapter", "show", "notes").stdout


@pytest.mark.parametrize("option", ["--note", "--name"])
def test_hostile_arguments_are_refused_in_one_inert_line(home: Path, option: str) -> None:
    words: dict[str, object] = {"--name": "notes", "--base": TINY, option: HOSTILE}

    done = medley(
        "adapter", "publish", home / "adapter-1", *(w for pair in words.items() for w in pair)
    )

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert FORBIDDEN.isdisjoint(done.stderr)


def test_a_hostile_actor_is_refused(home: Path) -> None:
    done = medley("adapter", "promote", "notes:2", LOGNAME=HOSTILE)

    assert done.exit_code == 1
    assert FORBIDDEN.isdisjoint(done.stderr)
