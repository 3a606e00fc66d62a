"""`medley eval`: how right versions are, asked of what is served."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from medley_registry import Registry, VariantKind
from medley_registry.canonical import Json
from medley_registry.commands.actor import actor
from medley_registry.commands.options import (
    BlobsOption,
    JsonOption,
    RegistryOption,
    TenantOption,
)
from medley_registry.commands.screen import counted, print_json, print_note, progress_bar
from medley_registry.location import locate
from medley_registry.opening import open_registry

from medley_training.commands.evaluation_options import (
    AgainstOption,
    DataOption,
    LimitOption,
    ReferencesArgument,
    ServerOption,
    SitesOption,
    SuiteOption,
    TypeOption,
    VariantOption,
)
from medley_training.commands.refusals import in_one_line
from medley_training.commands.stopping import stopped_by_sigterm
from medley_training.errors import BadSuite

if TYPE_CHECKING:
    from medley_training.suites.comparison import Comparison
    from medley_training.suites.endpoint import ServerAddress
    from medley_training.suites.evaluated import EvaluatedModel
    from medley_training.suites.outcome import Outcome
    from medley_training.suites.sitting import Own, Sitting
    from medley_training.suites.suite import Suite


@in_one_line
def evaluate(
    references: ReferencesArgument,
    *,
    suites: SuiteOption,
    variant: VariantOption = None,
    data: DataOption = None,
    limit: LimitOption = None,
    sites: SitesOption = None,
    types: TypeOption = None,
    server: ServerOption = None,
    engine_flags: Annotated[
        list[str] | None,
        typer.Option("--engine-flag", help="For vLLM; may be repeated.", show_default=False),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Questions under way at once.")] = 32,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of an extracted record.")] = 768,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn or made up.")] = 0,
    against: AgainstOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            file_okay=False,
            help="answers.jsonl and metrics.json go here.",
            show_default=False,
        ),
    ] = None,
    no_record: Annotated[
        bool, typer.Option("--no-record", help="Keep the results out of the registry.")
    ] = False,
    registry: RegistryOption = None,
    blobs: BlobsOption = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask what is served, and record how right it was.

    Every suite is put to every REF on one server; each result is evidence about its version, with
    95 % intervals and with what each item contributed, by which a gate compares versions. A base is
    only compared with. Multiple choice is decided by the options' log-probabilities; documents and
    prompts are answered greedily.

    \b
    Examples:
      medley eval discharge:4 discharge@production --suite extraction
      medley eval discharge:4 --suite extraction --data documents/ --sites harbor
      medley eval discharge:4 smollm2-135m-instruct --suite medmcqa --data medmcqa/ --limit 500
      medley eval discharge:4 --variant nf4 --suite prompts --data prompts=ours.jsonl --out now
      medley eval discharge:5 --suite prompts --against now
      medley eval discharge:4 --suite lm-eval:medqa_4options --server http://127.0.0.1:8000
    """
    from medley_training.suites.catalogue import Selection, open_suite
    from medley_training.suites.evaluated import evaluated_models
    from medley_training.suites.recording import check_recordable
    from medley_training.suites.sitting import Own

    selection = Selection(
        data=_data(data or [], suites),
        limit=limit,
        sites=sites or (),
        types=types or (),
        seed=seed,
        max_tokens=max_tokens,
    )
    place = locate(registry, blobs=blobs, tenant=tenant)
    with open_registry(registry, blobs=blobs, tenant=tenant) as opened, _log_folder(out) as logs:
        models = evaluated_models(opened, references)
        check = _nothing if no_record else partial(check_recordable, opened, models)
        if server is None:  # another server says itself what it serves
            check(variant or VariantKind.BF16)
        chosen = [open_suite(name, selection, models[0].base) for name in dict.fromkeys(suites)]
        own = Own(registry=place, log=logs / "server.log", engine_flags=engine_flags or ())
        with _server(server, own, models, variant) as address:
            sitting = _sitting(
                address,
                chosen,
                models,
                variant=variant,
                concurrency=concurrency,
                seed=seed,
                check=check,
            )
        _conclude(
            opened,
            sitting,
            _comparisons(sitting, against, seed=seed),
            out=out,
            is_recorded=not no_record,
            as_json=as_json,
        )


def _data(given: Sequence[str], suites: Sequence[str]) -> dict[str, Path]:
    """Each suite's place: ``SUITE=PATH``, or a path alone where there is one suite."""
    found = {}
    for text in given:
        name, equals, place = text.partition("=")
        if not (equals and name in suites):
            name, place = suites[0], text
            if len(set(suites)) > 1:
                raise BadSuite(f"whose data is {text}? Say --data SUITE=PATH")
        if not Path(place).exists():
            raise BadSuite(f"{place}: there is no such file or folder")
        found[name] = Path(place)
    return found


@contextmanager
def _log_folder(out: Path | None) -> Iterator[Path]:
    """Where the server's log goes: it is kept where the answers are."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="medley-eval-") as folder:
        yield Path(folder)


@contextmanager
def _server(
    url: str | None, own: "Own", models: "Sequence[EvaluatedModel]", variant: VariantKind | None
) -> "Iterator[ServerAddress]":
    from medley_training.suites.endpoint import ServerAddress
    from medley_training.suites.sitting import server

    if url is not None:
        yield ServerAddress(url)
        return
    form = variant or VariantKind.BF16
    is_base_alone = all(model.version is None for model in models)
    print_note(f"starting a server of {models[0].base.name} as {form}")
    with (
        stopped_by_sigterm(),
        server(own, models[0].base, form, is_base_alone=is_base_alone) as address,
    ):
        yield address


def _sitting(
    address: "ServerAddress",
    suites: "Sequence[Suite]",
    models: "Sequence[EvaluatedModel]",
    *,
    variant: VariantKind | None,
    concurrency: int,
    seed: int,
    check: Callable[[VariantKind], None],
) -> "Sitting":
    from medley_training.suites.sitting import sit

    return sit(
        address,
        suites,
        models,
        variant=variant,
        concurrency=concurrency,
        seed=seed,
        show=lambda name: progress_bar(name, unit="items"),
        check=check,
    )


def _nothing(_: VariantKind) -> None:
    """What is not recorded may be of any form."""


def _comparisons(sitting: "Sitting", against: Path | None, *, seed: int) -> "list[Comparison]":
    """The first model with the second, and each with an earlier run."""
    from medley_training.suites.answer_folder import previous, read_answers
    from medley_training.suites.comparison import Side, compare

    found = []
    for first, second in _in_pairs(sitting.outcomes):
        sides = (Side(one.model.name, one.answers) for one in (first, second))
        found.append(compare(first.suite, *sides, main_metric=first.main_metric, seed=seed))
    earlier = read_answers(against) if against else {}
    for outcome in sitting.outcomes if earlier else ():
        before = previous(earlier, outcome)
        if before is None:
            print_note(f"{against} has no answers to compare with to this {outcome.suite}")
            continue
        now = Side(outcome.model.name, outcome.answers)
        then = Side(f"{before[0]} in {against}", before[1])
        found.append(compare(outcome.suite, now, then, main_metric=outcome.main_metric, seed=seed))
    return found


def _in_pairs(outcomes: "Sequence[Outcome]") -> "Iterator[tuple[Outcome, Outcome]]":
    """Of each suite the two outcomes, where there are two and they have answers to compare."""
    for suite in dict.fromkeys(outcome.suite for outcome in outcomes):
        of_suite = [outcome for outcome in outcomes if outcome.suite == suite and outcome.answers]
        if len(of_suite) == 2:
            yield of_suite[0], of_suite[1]


def _conclude(
    registry: Registry,
    sitting: "Sitting",
    comparisons: "Sequence[Comparison]",
    *,
    out: Path | None,
    is_recorded: bool,
    as_json: bool,
) -> None:
    """Keep what was found, and print it."""
    from medley_training.commands.evaluation_tables import print_comparison, print_outcome
    from medley_training.suites.answer_folder import write_answers, write_metrics

    if out is not None:
        write_answers(out, sitting.outcomes)
    evidence = _record(registry, sitting) if is_recorded else [None] * len(sitting.outcomes)
    found: dict[str, Json] = {
        "variant": sitting.variant.value,
        "outcomes": [
            {**outcome.to_json(), "evidence": digest}
            for outcome, digest in zip(sitting.outcomes, evidence, strict=True)
        ],
        "comparisons": [comparison.to_json() for comparison in comparisons],
    }
    if out is not None:
        write_metrics(out, found)
    if as_json:
        print_json(found)
        return
    for outcome in sitting.outcomes:
        print_outcome(outcome, sitting.variant)
    for comparison in comparisons:
        print_comparison(comparison)
    if num := sum(digest is not None for digest in evidence):
        print_note(f"{counted(num, 'result')} recorded")


def _record(registry: Registry, sitting: "Sitting") -> list[str | None]:
    """The digest of each outcome's evidence; none of a base's, which is no version's."""
    from medley_training.measuring.fingerprint import environment
    from medley_training.suites.recording import record

    where = environment(sitting.facts)
    alone = {each.suite: each for each in sitting.outcomes if each.model.version is None}
    found = [
        record(
            registry,
            outcome,
            variant=sitting.variant,
            environment=where,
            actor=actor(),
            base=alone.get(outcome.suite),
        )
        for outcome in sitting.outcomes
    ]
    return [str(evidence.digest) if evidence else None for evidence in found]
