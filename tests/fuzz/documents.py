"""Two hundred bad documents: each must end in a reading or in an error that says what is wrong.

python -m tests.fuzz.documents --seed 1
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from medley.reading import DocumentError, Readers

from tests.fuzz.document_bombs import bombs
from tests.fuzz.document_files import good_documents

COUNT = 200
_EDITS = 24


def bad_documents(seed: int) -> Iterator[tuple[str, bytes]]:
    """`COUNT` bad inputs, each with a name; the same for the same seed."""
    fixed = [*bombs()]
    yield from fixed
    random = Random(seed)
    good = [*good_documents()]
    for number in range(COUNT - len(fixed)):
        name, data = good[number % len(good)]
        how = _DAMAGES[number // len(good) % len(_DAMAGES)]
        yield f"{name} {how.__name__.strip('_')} {number}", how(data, random)


def _flipped(data: bytes, random: Random) -> bytes:
    out = bytearray(data)
    for _ in range(random.randrange(1, _EDITS)):
        out[random.randrange(len(out))] = random.randrange(256)
    return bytes(out)


def _cut_short(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(1, len(data))]


def _with_a_hole(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + data[at + random.randrange(1, 200) :]


def _shuffled(data: bytes, random: Random) -> bytes:
    at, other = sorted(random.randrange(len(data)) for _ in range(2))
    return data[:at] + data[other : other + 100] + data[at:]


def _renumbered(data: bytes, random: Random) -> bytes:
    """With other numbers in it, as text and as bytes."""
    out = bytearray(data)
    digits = [at for at, byte in enumerate(out) if 0x30 <= byte <= 0x39]
    for at in random.sample(digits, min(len(digits), _EDITS)):
        out[at] = random.choice(b"0123456789-.")
    at = random.randrange(len(out) - 4)
    out[at : at + 4] = random.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
    return bytes(out)


_DAMAGES: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flipped,
    _cut_short,
    _with_a_hole,
    _shuffled,
    _renumbered,
)


async def _outcome(readers: Readers, path: Path) -> str:
    try:
        reading = await readers.read(path)
    except DocumentError as error:
        return error.code
    except Exception as error:  # what must not be
        return f"BROKEN: {type(error).__name__}: {error}"
    return "read: " + ", ".join(sorted({page.status.value for page in reading.pages}))


async def run(seed: int, *, slow_s: float) -> Counter[str]:
    """Read them all; tell of each that is slow or ends badly."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        async with Readers(2) as readers:
            for name, data in bad_documents(seed):
                path = Path(folder) / "document"
                path.write_bytes(data)
                begin = time.perf_counter()
                outcome = await _outcome(readers, path)
                took_s = time.perf_counter() - begin
                outcomes[outcome] += 1
                if took_s > slow_s or outcome.startswith("BROKEN"):
                    print(f"{took_s:6.1f} s  {name}: {outcome}")
    return outcomes


def main() -> None:
    """Print how many ended in which way; fail if any did in none that is foreseen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow-s", type=float, default=10.0, help="tell of what takes longer")
    options = parser.parse_args()
    outcomes = asyncio.run(run(options.seed, slow_s=options.slow_s))
    for outcome, count in outcomes.most_common():
        print(f"{count:5}  {outcome}")
    if any(outcome.startswith("BROKEN") for outcome in outcomes):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
