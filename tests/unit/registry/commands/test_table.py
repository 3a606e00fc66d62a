"""Tables: as wide as the terminal, with nothing left out."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import open_registry
from medley_registry.commands.table import field_lines, table_lines
from rich.cells import cell_len

from tests.builders import TINY, make_adapter, make_base
from tests.unit.registry.commands.shell import medley
from tests.unit.registry.commands.test_alias import add_evidence

WIDTHS = (60, 80, 120)
CELLS = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp"]))
ROWS = st.integers(1, 6).flatmap(
    lambda columns: st.lists(
        st.lists(CELLS, min_size=columns, max_size=columns), min_size=1, max_size=5
    )
)


def test_what_fits_stays_on_its_line() -> None:
    rows = [["a", "some words"], ["longer", ""]]

    assert table_lines(["ADAPTER", "NOTE"], rows, width=20) == [
        "ADAPTER  NOTE",
        "a        some words",
        "longer",
    ]


def test_the_widest_column_gives_way_first_and_between_words() -> None:
    row = ["notes:1", "admitted", "a note of several words"]

    assert table_lines(["A", "B", "C"], [row], width=32)[1:] == [
        "notes:1  admitted  a note of",
        "                   several words",
    ]


def test_where_words_do_not_fit_each_row_is_a_block() -> None:
    rows = [["ab", "x" * 12, ""], ["cd", "y", "z"]]

    assert table_lines(["NAME", "NOTE", "MORE"], rows, width=14) == [
        "NAME ab",
        "NOTE xxxxxxxxx",
        "     xxx",
        "",
        "NAME cd",
        "NOTE y",
        "MORE z",
    ]


def test_wide_characters_count_as_two_cells() -> None:
    assert field_lines([["a", "日本語"]], width=7) == ["a 日本", "  語"]


def test_no_rows_are_a_head_alone() -> None:
    assert table_lines(["A", "B"], [], width=80) == ["A  B"]


@given(ROWS, st.sampled_from(WIDTHS))
def test_no_table_is_wider_than_the_terminal_or_leaves_anything_out(
    rows: list[list[str]], width: int
) -> None:
    head = ["HEAD"] * len(rows[0])

    lines = table_lines(head, rows, width=width)

    assert max(map(cell_len, lines), default=0) <= width
    shown = Counter("".join(lines).replace("HEAD", ""))
    told = Counter("".join(cell for row in rows for cell in row))
    assert {c: n for c, n in (told - shown).items() if not c.isspace()} == {}


LISTINGS = [
    ["adapter", "list"],
    ["adapter", "list", "n" * 63],
    ["adapter", "show", "n" * 63],
    ["adapter", "history", "n" * 63],
    ["adapter", "history", "n" * 63, "--at", "2099-01-01"],
    ["adapter", "verify", "n" * 63],
    ["adapter", "evidence", "notes:1"],
    ["adapter", "variants", "notes:1"],
    ["adapter", "diff", "notes:1", "notes:2"],
    ["adapter", "diff", "notes:1", "n" * 63],
    ["base", "list"],
    ["base", "show", TINY],
    ["registry", "key", "list"],
    ["registry", "access", "list"],
]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose registry has long names, long notes and many of everything."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLEY_HOME", str(home))
        patch.setenv("LOGNAME", "a" * 40)
        with open_registry(home / "registry", create=True) as registry:
            registry.add_base(TINY, make_base(home / "base"), actor="ada")
            for name, fill in (("notes", 1), ("notes", 2), ("n" * 63, 3)):
                registry.publish(
                    make_adapter(home / f"{name}-{fill}", fill=fill),
                    name=name,
                    base=TINY,
                    actor="ada",
                    note="many words of a note " * 20 + "end",
                )
            registry.promote("n" * 63, 1, actor="b" * 200)
            registry.promote("n" * 63, 1, alias="c" * 63, actor="ada")
            registry.access.add("w" * 100, scopes=[f"promote:{'c' * 63}", "infer"], actor="ada")
        add_evidence(home, "notes:1", 0.123456789)
        yield home


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_every_listing_fits(crowded: Path, words: list[str], width: int) -> None:
    done = medley(*words, COLUMNS=str(width))

    assert done.exit_code == 0
    assert done.stdout or "--at" in words
    assert max(map(cell_len, done.stdout.splitlines()), default=0) <= width


def test_a_pipe_gets_whole_lines(crowded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)

    assert len(medley("adapter", "list", "notes").stdout.splitlines()) == 3
