"""`medley bench`: what each variant costs to serve, with and without adapters."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from medley_registry import BaseModel, Digest, Registry, Version
from medley_registry.commands.actor import actor
from medley_registry.commands.completing import base_names
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import JsonOption
from medley_registry.commands.screen import print_json, print_note, print_table, progress_bar
from typer.core import TyperGroup

from medley_training.benchmarks.load import LoadKind
from medley_training.commands.bench_swap import bench_swap
from medley_training.commands.refusals import in_one_line
from medley_training.commands.stopping import stopped_by_sigterm

if TYPE_CHECKING:
    from medley_registry import VariantKind

    from medley_training.benchmarks.benchmark import Benchmark

_DEFAULT_COUNTS = "none,0,1,4"
_BASE_COUNTS = "none"


@in_one_line
@on_registry
def bench(
    registry: Registry,
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF...]", help="Versions to measure.", show_default=False),
    ] = None,
    *,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="Measure this base alone, without a REF.",
            show_default=False,
            autocompletion=base_names,
        ),
    ] = None,
    variants: Annotated[str, typer.Option(help="Of bf16, nf4 and awq.")] = "bf16",
    adapters: Annotated[
        str | None,
        typer.Option(
            help="none: no LoRA; 0: slots idle; else so many at once.  [default: none,0,1,4]",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A short run of the same.")] = False,
    kind: Annotated[LoadKind, typer.Option(help="Closed loop or open loop.")] = LoadKind.CLOSED,
    concurrency: Annotated[
        str, typer.Option(help="Requests in flight; several are measured one by one.")
    ] = "1,8",
    rate: Annotated[
        float | None,
        typer.Option(help="Requests a second on average, open loop.", show_default=False),
    ] = None,
    input_tokens: Annotated[
        int | None, typer.Option(help="Of a prompt.  [default: 128]", show_default=False)
    ] = None,
    output_tokens: Annotated[
        int | None, typer.Option(help="Of an answer.  [default: 64]", show_default=False)
    ] = None,
    requests: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="In a turn.  [default: twice those in flight, at least 4]",
            show_default=False,
        ),
    ] = None,
    repeats: Annotated[
        int | None, typer.Option(min=1, help="Of each turn.  [default: 4]", show_default=False)
    ] = None,
    slo_ttft_ms: Annotated[
        float, typer.Option("--slo-ttft-ms", help="What goodput asks of the first token.")
    ] = 2000,
    slo_itl_ms: Annotated[
        float, typer.Option("--slo-itl-ms", help="What it asks of the mean gap after it.")
    ] = 100,
    prefix_cache: Annotated[
        bool, typer.Option("--prefix-cache", help="Use it; prompts then share their first half.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of prompts, arrivals and order.")] = 0,
    engine_flags: Annotated[
        list[str] | None,
        typer.Option("--engine-flag", help="For vLLM; may be repeated.", show_default=False),
    ] = None,
    transformers: Annotated[
        bool, typer.Option(help="Measure transformers with PEFT and bitsandbytes too.")
    ] = True,
    together: Annotated[
        bool | None,
        typer.Option(
            "--together/--apart",
            help="All engines up at once, or one by one.  [default: as they fit]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Rows, every request, logs and plots go here.",
            show_default=False,
        ),
    ] = None,
    no_record: Annotated[
        bool, typer.Option("--no-record", help="Keep the results out of the registry.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure what versions cost to serve, in every variant and with so many adapters.

    Each variant is served by an engine of its own with just the memory that the load needs, and all
    take turns. The results are recorded with the versions. docs/benchmarks.md says how it is done
    and what the columns mean.

    `medley bench swap REF...` exchanges versions under load instead; it has a --help of its own.

    \b
    Examples:
      medley bench discharge:3 --quick
      medley bench discharge:3 --variants bf16,nf4,awq --out bench
      medley bench discharge:3 --kind open --rate 4 --concurrency 16 --no-transformers
      medley bench --base smollm2-135m-instruct --variants bf16,awq
    """
    from medley_training.benchmarks import plan as planning
    from medley_training.benchmarks.answer import Slo
    from medley_training.benchmarks.condition import parse_counts

    versions, origin = _subject(registry, references or [], base)
    default = _DEFAULT_COUNTS if versions else _BASE_COUNTS
    plan = planning.Plan(
        variants=planning.parse_variants(variants),
        counts=parse_counts(adapters or default),
        loads=planning.loads(
            kind=kind,
            concurrency=concurrency,
            rate_per_s=rate,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            requests=requests,
            seed=seed,
            shares_prefix=prefix_cache,
            is_quick=quick,
        ),
        repeats=repeats or (1 if quick else 4),
        slo=Slo(slo_ttft_ms, slo_itl_ms),
        has_transformers=transformers,
        together=together,
        engine_flags=tuple(engine_flags or ()),
        uses_prefix_cache=prefix_cache,
        is_quick=quick,
    )
    if not no_record:
        _check_recordable(registry, origin, versions, plan.variants)
    found = _measure(plan, registry, origin, versions, out)
    recorded = {} if no_record else _record(registry, found)
    if as_json:
        print_json(found.to_json() | recorded)
    else:
        _show(found)
    if out is not None:
        from medley_training.benchmarks.output import write_output

        write_output(found, out)
        print_note(f"{out} holds the rows, every request, the engines' logs and the plots")


class _RefsUnlessNamed(TyperGroup):
    """`medley bench REF...` is `medley bench versions REF...`: only other commands are named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_named = bool(args) and args[0] in self.commands
        return super().parse_args(ctx, args if is_named else [_VERSIONS, *args])


_VERSIONS = "versions"
app = typer.Typer(cls=_RefsUnlessNamed, add_completion=False, rich_markup_mode=None)
app.command(_VERSIONS)(bench)
app.command("swap")(bench_swap)


def _subject(
    registry: Registry, references: Sequence[str], base: str | None
) -> tuple[list[Version], BaseModel]:
    """The versions and their one base as it is."""
    from medley_training.errors import BadLoad

    versions = [registry.resolve(reference) for reference in references]
    _check_once(versions)
    names = {version.base for version in versions} | ({base} if base else set())
    if len(names) != 1:
        told = f"these are for {', '.join(sorted(names))}" if names else "name a REF, or --base"
        raise BadLoad(f"one base is measured at a time; {told}")
    own = registry.base(next(iter(names)))
    _check_as_it_is(registry, own, versions)
    return versions, own


def _check_once(versions: Sequence[Version]) -> None:
    """Equal content is served once, under whatever names it was given."""
    from medley_training.errors import BadLoad

    seen: dict[Digest, str] = {}
    for version in versions:
        first = seen.get(version.digest)
        if first == version.reference:
            raise BadLoad(f"{first} is given twice")
        if first:
            raise BadLoad(f"{version.reference} has the content of {first}: name one of them")
        seen[version.digest] = version.reference


def _check_as_it_is(registry: Registry, base: BaseModel, versions: Sequence[Version]) -> None:
    """Every form is measured as a variant of its origin, for which the versions must be."""
    from medley_registry.base_variants import kind_of, origin

    from medley_training.errors import BadLoad

    own = origin(registry, base)
    if own.base_id == base.base_id:
        return
    what = f"{base.name} is {own.name} in {kind_of(base)}"
    if versions:
        raise BadLoad(
            f"{versions[0].reference} was published for {base.name}, and {what}: publish it for"
            f" {own.name}, and measure that with --variants {kind_of(base)}"
        )
    raise BadLoad(f"{what}: measure it with --base {own.name} --variants {kind_of(base)}")


def _check_recordable(
    registry: Registry,
    base: BaseModel,
    versions: Sequence[Version],
    variants: "Sequence[VariantKind]",
) -> None:
    """Refuse before measuring what `_record` would leave out after it."""
    from medley_training.measuring.variant import served_form, variant_of

    for version in versions:
        for kind in variants:
            variant_of(registry, version, served_form(registry, base, kind), kind)


def _measure(
    plan: Any,
    registry: Registry,
    base: BaseModel,
    versions: Sequence[Version],
    out: Path | None,
) -> "Benchmark":
    from medley_training.benchmarks.benchmark import run_benchmark

    with stopped_by_sigterm(), tempfile.TemporaryDirectory(prefix="medley-bench-logs-") as aside:
        logs = Path(aside) if out is None else out / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with progress_bar("Measuring", unit="turns") as progress:
            return run_benchmark(plan, registry, base, versions, logs=logs, progress=progress)


def _record(registry: Registry, found: "Benchmark") -> dict[str, Any]:
    from medley_training.benchmarks.recording import record

    recorded = record(registry, found, actor=actor())
    for refused in recorded.refused:
        print_note(f"not recorded: {refused}")
    return {"evidence": [str(evidence.digest) for evidence in recorded.evidence]}


def _show(found: "Benchmark") -> None:
    from medley_training.benchmarks.screen_table import (
        COLUMNS,
        PAGE_COLUMNS,
        page_table_rows,
        table_rows,
    )

    print_table(COLUMNS, table_rows(found.rows))
    if found.pages:
        print_table(PAGE_COLUMNS, page_table_rows(found.pages))
    machine = found.machine
    print_note(
        f"memory reads at {machine.bandwidth_bytes_per_s / 1e9:.3g} GB/s,"
        f" bfloat16 products at {machine.flops / 1e9:.4g} GFLOP/s, measured in this run"
    )
    for missing in found.not_measured:
        print_note(f"not measured: {missing['what']}: {missing['why']}")
