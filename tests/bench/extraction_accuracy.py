"""How well documents become records, on documents that nothing was trained on.

    python -m tests.bench.extraction_accuracy --out DIR --rules --documents 4
    python -m tests.bench.extraction_accuracy --out DIR --url http://127.0.0.1:8000 \\
        --adapter smollm2-135m-instruct --adapter documents@production --documents 4

Made-up documents of five types in layouts, words and noise that recipes never see go through a
server's `/extract` by the SDK, once for each `--adapter` (a reference, or the base's name), and
with `--rules` through rules behind the same reading. What comes back is kept in DIR/ARM.jsonl, so a
run that was ended goes on where it was, and `--report` only works out the figures. DIR/results.json
has them all, `--figures` says where plots go.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from medley import AsyncClient
from medley.reading import Readers
from medley.records import DocumentType
from medley_registry.commands.screen import progress_bar

from tests.bench.extraction_arms import RULES, Arm, RulesArm, ServerArm, answered
from tests.bench.extraction_documents import LEVELS, Case, cases
from tests.bench.extraction_report import arm_report, plot, table

Lines = dict[str, dict[str, Any]]


def kept_file(out: Path, arm: str) -> Path:
    """Where an arm's answers are kept."""
    return out / f"{arm.replace('/', '_').replace(':', '_')}.jsonl"


def kept(path: Path) -> Lines:
    """The answers of earlier runs by the documents' names; a line that was cut off is none."""
    found: Lines = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            one = json.loads(line)
        except ValueError:
            continue
        found[one["document"]] = one
    return found


async def run(arms: Mapping[str, Arm], wanted: Sequence[Case], out: Path, at_once: int) -> None:
    """Every document through every arm, but for those that were answered before.

    Arms take turns document by document, so that they share whatever else the machine does.
    """
    folder = out / "documents"
    folder.mkdir(parents=True, exist_ok=True)
    before = {name: kept(kept_file(out, name)) for name in arms}
    todo = [(case, name) for case in wanted for name in arms if case.name not in before[name]]
    room = asyncio.Semaphore(at_once)
    with progress_bar("documents", unit="documents") as progress:
        done = 0

        async def one(case: Case, name: str) -> None:
            nonlocal done
            async with room:
                path = await asyncio.to_thread(case.file, folder)
                line = {"document": case.name} | await answered(arms[name], path)
            with kept_file(out, name).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            done += 1
            progress(done, len(todo))

        async with asyncio.TaskGroup() as group:
            for case, name in todo:
                group.create_task(one(case, name))


def report(names: Sequence[str], wanted: Sequence[Case], out: Path) -> dict[str, Any]:
    """The figures of what is kept.

    Raises:
        SystemExit: Several versions answered for one arm, because an alias was moved.
    """
    arms: dict[str, Any] = {}
    for name in names:
        lines = kept(kept_file(out, name))
        found = [(case, lines[case.name]) for case in wanted if case.name in lines]
        if not found:
            continue
        arms[name] = arm_report(found)
        if len(arms[name]["versions"]) > 1:
            raise SystemExit(f"{name} is several versions here: name one, or begin another --out")
    return arms


@asynccontextmanager
async def opened(options: argparse.Namespace) -> AsyncIterator[dict[str, Arm]]:
    """The arms that were asked for."""
    async with AsyncExitStack() as stack:
        arms: dict[str, Arm] = {}
        if options.adapter:
            client = await stack.enter_async_context(AsyncClient(options.url))
            arms |= {name: ServerArm(client, name) for name in options.adapter}
        if options.rules:
            arms[RULES] = RulesArm(await stack.enter_async_context(Readers(options.concurrency)))
        yield arms


async def measure(options: argparse.Namespace, wanted: Sequence[Case]) -> None:
    async with opened(options) as arms:
        await run(arms, wanted, options.out, options.concurrency)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="answers, documents and figures")
    parser.add_argument("--url", help="of a running server; MEDLEY_URL if it is not given")
    parser.add_argument(
        "--adapter", action="append", default=[], metavar="REFERENCE", help="an arm; repeatable"
    )
    parser.add_argument("--rules", action="store_true", help="the arm of rules; needs no server")
    parser.add_argument("--documents", type=int, default=4, help="of each type, at each level")
    parser.add_argument("--level", action="append", choices=LEVELS, help="repeatable; else all")
    kinds = [kind.value for kind in DocumentType]
    parser.add_argument("--type", action="append", choices=kinds, help="repeatable; else all")
    parser.add_argument("--length", choices=("full", "short"), default="full")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--concurrency", type=int, default=1, help="documents at a time")
    parser.add_argument("--report", action="store_true", help="ask nothing, only count")
    parser.add_argument("--figures", type=Path, help="folder of the plots, such as docs/figures")
    return parser.parse_args(arguments)


def main() -> None:
    options = parsed()
    wanted = list(
        cases(
            options.documents,
            document_types=[DocumentType(kind) for kind in options.type or DocumentType],
            levels=options.level or LEVELS,
            seed=options.seed,
            length=options.length,
        )
    )
    if not options.report:
        asyncio.run(measure(options, wanted))
    names = [*options.adapter, *([RULES] if options.rules else [])]
    arms = report(names, wanted, options.out)
    results = options.out / "results.json"
    results.write_text(json.dumps(arms, indent=1) + "\n", encoding="utf-8")
    print(table(arms))
    print(f"all figures: {results}")
    if options.figures and arms:
        for path in plot(arms, options.figures):
            print(path)


if __name__ == "__main__":
    main()
