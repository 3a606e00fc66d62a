"""Single bits flipped in blobs, in fields of the database and in its file: is each found?

python -m tests.soak.bit_flips                    1,000 flips, then how fast blobs are checked
python -m tests.soak.bit_flips --flips 200 --seed 7

A flip in the file may hit what is not in use: free space of a page, a counter in the header, the
entry of a lease. Such a flip is no damage if every row that stays reads as before and SQLite's own
check is content; it is counted apart, and another one is made instead.
"""

import argparse
import io
import os
import random
import shutil
import sqlite3
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from medley_registry import (
    Damaged,
    FileEntry,
    Lineage,
    Manifest,
    NotARegistry,
    VersionState,
    open_registry,
)
from medley_registry.admission import AdmittedAdapter
from medley_registry.backends import tables
from medley_registry.publishing import Intake, Publication, add_version
from medley_registry.upkeep import check, fsck

from tests.builders import TINY, make_base
from tests.damaging import Stage, unguarded
from tests.populated import populate

SHARES = {"blobs": 0.4, "fields": 0.4, "file": 0.2}
SPEED_BLOBS, SPEED_BLOB_BYTES = 8, 64 << 20

PASSING = {table.name for table in tables.PASSING}
FINAL = [table.name for table in tables.metadata.sorted_tables if table.name not in PASSING]


@dataclass(slots=True)
class Tally:
    """What became of the flips of one sort; ``missed`` says where those were."""

    found: int = 0
    harmless: int = 0
    missed: list[str] = field(default_factory=list)

    @property
    def damages(self) -> int:
        return self.found + len(self.missed)


def flip_in_blob(stage: Stage, chance: random.Random) -> str:
    blobs = sorted((stage.folder / "blobs/sha256").glob("*/*"))
    return _flip(chance.choice(blobs), chance)


def flip_in_file(stage: Stage, chance: random.Random) -> str:
    return _flip(stage.folder / "registry.db", chance)


def _flip(path: Path, chance: random.Random) -> str:
    content = bytearray(path.read_bytes())
    bit = chance.randrange(len(content) * 8)
    content[bit // 8] ^= 1 << bit % 8
    path.chmod(0o644)
    path.write_bytes(content)
    return f"bit {bit % 8} of byte {bit // 8} of {path.name}"


def flip_in_field(stage: Stage, chance: random.Random) -> str:
    """Any field of any row that stays, with the same chance; no field is empty or NULL."""
    with unguarded(stage) as connection:
        connection.text_factory = bytes
        while True:
            table = chance.choice(FINAL)
            columns = [row[1].decode() for row in connection.execute(f"PRAGMA table_info({table})")]
            column = chance.choice(columns)
            rows = connection.execute(f'SELECT rowid, "{column}" FROM "{table}"').fetchall()
            row, value = chance.choice(rows)
            if not value and value != 0:
                continue
            changed, form = _changed(value, chance)
            try:
                connection.execute(
                    f'UPDATE "{table}" SET "{column}" = {form} WHERE rowid = ?', (changed, row)
                )
            except sqlite3.IntegrityError:  # a constraint stands in the way
                continue
            return f"{table}.{column} of row {row}: {value!r:.40} became {changed!r:.40}"


def _changed(value: bytes | int | float, chance: random.Random) -> tuple[bytes | int | float, str]:
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(31), "?"
    content = bytearray(struct.pack("<d", value) if isinstance(value, float) else value)
    bit = chance.randrange(len(content) * 8)
    content[bit // 8] ^= 1 << bit % 8
    if isinstance(value, float):
        return struct.unpack("<d", content)[0], "?"
    return bytes(content), "CAST(? AS TEXT)"


FLIPS: dict[str, Callable[[Stage, random.Random], str]] = {
    "blobs": flip_in_blob,
    "fields": flip_in_field,
    "file": flip_in_file,
}


def find(stage: Stage) -> bool:
    """Whether the registry says that it is damaged: by a finding, or when it is opened."""
    try:
        with open_registry(stage.folder) as registry:
            return bool(fsck(registry))
    except (Damaged, NotARegistry):
        return True


def reads_as(stage: Stage, before: list[object]) -> bool:
    try:
        return rows(stage) == before
    except (sqlite3.Error, UnicodeDecodeError, OverflowError, MemoryError):
        return False


def rows(stage: Stage) -> list[object]:
    """Every row that stays, as it is stored (text and blobs told apart), and the schema."""
    with closing(sqlite3.connect(stage.folder / "registry.db")) as connection:
        connection.text_factory = lambda text: ("text", text)
        read: Iterable[str] = [f'SELECT rowid, * FROM "{table}" ORDER BY rowid' for table in FINAL]
        schema = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
        return [connection.execute(statement).fetchall() for statement in (*read, schema)]


def flip_all(template: Stage, scratch: Path, *, flips: int, seed: int) -> dict[str, Tally]:
    chance, before = random.Random(seed), rows(template)
    tallies = {sort: Tally() for sort in FLIPS}
    for sort, flip in FLIPS.items():
        tally = tallies[sort]
        while tally.damages < round(flips * SHARES[sort]):
            stage = template.copied(scratch / "stage")
            told = flip(stage, chance)
            is_changed = sort != "file" or not reads_as(stage, before)
            try:
                is_found = find(stage)
            except Exception:  # whatever it is, it is no answer
                tally.missed.append(f"{told}:\n{traceback.format_exc()}")
            else:
                if is_found:
                    tally.found += 1
                elif is_changed:
                    tally.missed.append(told)
                else:
                    tally.harmless += 1
            shutil.rmtree(stage.folder)
    return tallies


def measure_speed(home: Path) -> None:
    """Check blobs that lie in memory already, so that it is the checking that is measured."""
    with open_registry(home / "large", create=True) as registry:
        base = registry.add_base(TINY, make_base(home / "base-of-large"), actor="soak")
        entries = []
        for number in range(SPEED_BLOBS):
            blob = registry.blobs.put(io.BytesIO(os.urandom(SPEED_BLOB_BYTES)))
            entries.append(FileEntry(f"part-{number}", blob.size_bytes, blob.digest, "a/b"))
        intake = Intake(
            Manifest(tuple(entries)), AdmittedAdapter(8, 16, ("q_proj",)), base, (), None
        )
        publication = Publication(
            name="large",
            actor="soak",
            round=None,
            note="",
            lineage=Lineage(),
            state=VersionState.ADMITTED,
        )
        with registry.index.write() as writer:
            add_version(writer, intake, publication)
        check(registry)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        checked = check(registry)
        took_s, took_cpu_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    size_mb = checked.size_bytes / 1e6
    print(
        f"fsck of {size_mb:,.0f} MB in one thread: {size_mb / took_s:,.0f} MB/s, "
        f"{size_mb / took_cpu_s:,.0f} MB/s of processor time"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Flip single bits, and see whether fsck finds it.")
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        template = Stage(home / "registry")
        with open_registry(template.folder, create=True) as registry:
            populate(registry, home)
        begin = time.perf_counter()
        tallies = flip_all(template, home, flips=arguments.flips, seed=arguments.seed)
        took_s = time.perf_counter() - begin
        for sort, tally in tallies.items():
            unused = f", {tally.harmless} more hit nothing that is in use" * (sort == "file")
            print(f"{sort:<7} {tally.found:>4}/{tally.damages}{unused}")
            for missed in tally.missed:
                print(f"  MISSED {missed}")
        found = sum(tally.found for tally in tallies.values())
        damages = sum(tally.damages for tally in tallies.values())
        print(f"found   {found:,}/{damages:,} in {took_s:.0f} s, seed {arguments.seed}")
        measure_speed(home)
    return 0 if found == damages else 1


if __name__ == "__main__":
    sys.exit(main())
