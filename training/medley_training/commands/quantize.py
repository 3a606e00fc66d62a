"""`medley quantize`: base variants, and frozen exports of versions."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from medley_registry.commands.actor import actor
from medley_registry.commands.options import BlobsOption, JsonOption, RegistryOption, TenantOption
from medley_registry.commands.recording import base_record, variant_record
from medley_registry.commands.screen import print_json, print_line, progress_bar, size
from medley_registry.errors import NotFound
from medley_registry.location import medley_home
from medley_registry.opening import open_registry

from medley_training.commands.refusals import in_one_line

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from medley_registry.base_folder import Progress
    from medley_registry.bases import BaseModel
    from medley_registry.registry import Registry

    from medley_training.quantizing.choosing import Wanted
    from medley_training.quantizing.maker import Recipe

RefArgument = Annotated[
    str | None,
    typer.Argument(metavar="[BASE|NAME:NUMBER]", show_default=False, help="What to quantize."),
]
MethodOption = Annotated[
    str | None,
    typer.Option(
        metavar="METHOD",
        help="nf4, awq for a base; merged, merged-awq, gguf for a version.",
        show_default=False,
    ),
]
ToolOption = Annotated[
    str | None,
    typer.Option(
        metavar="TOOL",
        help="For awq: autoawq (text models) or llm-compressor (all, in an environment that uv"
        " makes); else the first that can.",
        show_default=False,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", file_okay=False, show_default=False, help="Else ~/.medley/bases/NAME."
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", show_default=False, help="Else BASE-METHOD, or NAME-N-METHOD."),
]
CalibrationOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.jsonl",
        exists=True,
        dir_okay=False,
        show_default=False,
        help='Lines with "text" or "messages" for awq; else made-up texts of our own.',
    ),
]
SamplesOption = Annotated[int, typer.Option(min=1, metavar="N", help="Texts that awq is shown.")]
TokensOption = Annotated[int, typer.Option(min=16, metavar="N", help="How long each is.")]
GroupOption = Annotated[
    int | None,
    typer.Option(
        "--group-size",
        metavar="N",
        show_default=False,
        help="Weights that share a scale in awq; else the largest of 128, 64, 32 that fits.",
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, metavar="N", help="Orders the calibration texts.")]
LlamaOption = Annotated[
    Path | None,
    typer.Option(
        "--llama-cpp",
        metavar="DIR",
        exists=True,
        file_okay=False,
        show_default=False,
        help="llama.cpp's folder, for gguf; else its tools are looked for on the PATH.",
    ),
]
MatrixOption = Annotated[
    bool, typer.Option("--matrix", help="Show what was found to work on this machine.")
]
ProbeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--probe",
        metavar="ARCHITECTURE",
        show_default=False,
        help="Try it out first, with a tiny random model; repeatable, or all.",
    ),
]
ServeOption = Annotated[
    bool, typer.Option("--serve", help="Also serve what was probed, with an adapter: minutes.")
]


@in_one_line
def quantize(
    ref: RefArgument = None,
    *,
    method: MethodOption = None,
    tool: ToolOption = None,
    out: OutOption = None,
    name: NameOption = None,
    calibration: CalibrationOption = None,
    samples: SamplesOption = 32,
    tokens: TokensOption = 256,
    group_size: GroupOption = None,
    seed: SeedOption = 7,
    llama_cpp: LlamaOption = None,
    matrix: MatrixOption = False,
    probe: ProbeOption = None,
    serve: ServeOption = False,
    registry: RegistryOption = None,
    blobs: BlobsOption = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a smaller form of a base, or a frozen export of a version.

    A quantized base is a base of its own, which the adapters of its origin are served on. The same
    command again gives what is there; a killed one leaves nothing behind that is registered.

    \b
    Examples:
      medley quantize smollm2-135m-instruct --method nf4
      medley quantize smollm2-135m-instruct --method awq --calibration notes.jsonl
      medley quantize qwen2.5-vl-7b --method awq --tool llm-compressor
      medley quantize discharge:3 --method merged
      medley quantize discharge:3 --method gguf --llama-cpp ~/llama.cpp
      medley quantize --matrix --probe llama --probe gemma3
    """
    if matrix or probe:
        from medley_training.commands.quantize_matrix import show_matrix

        show_matrix(probe or [], with_serving=serve, as_json=as_json)
        return
    if ref is None or method is None:
        raise typer.BadParameter("name a base or a version, and a --method; or ask for --matrix")
    from medley_training.quantizing.awq_settings import AwqSettings
    from medley_training.quantizing.choosing import Wanted

    settings = AwqSettings(
        file=calibration, samples=samples, tokens=tokens, group_size=group_size, seed=seed
    )
    wanted = Wanted(method=method, tool=tool, settings=settings, llama_cpp=llama_cpp)
    with open_registry(registry, blobs=blobs, tenant=tenant) as opened:
        job = _Job(opened, wanted, name=name, out=out, as_json=as_json)
        base = _base(opened, ref)
        if base is not None:
            job.quantize_base(base)
        else:
            job.export(ref)


def _base(registry: "Registry", ref: str) -> "BaseModel | None":
    try:
        return registry.base(ref)
    except NotFound:
        return None


@dataclass(frozen=True, slots=True)
class _Job:
    """One run of the command on an open registry."""

    registry: "Registry"
    wanted: "Wanted"
    name: str | None
    out: Path | None
    as_json: bool

    def quantize_base(self, base: "BaseModel") -> None:
        from medley_training.quantizing.choosing import base_maker
        from medley_training.quantizing.making import make_base

        maker = base_maker(base, self.wanted)
        name = self.name or f"{base.name}-{self.wanted.method}"
        with self._bar() as progress:
            made = make_base(
                self.registry, base, maker, name=name, folder=self._folder("bases", name),
                actor=actor(), progress=progress,
            )  # fmt: skip
        self._show_base(made)

    def export(self, ref: str) -> None:
        from medley_registry.variants import VariantKind

        from medley_training.quantizing.choosing import version_maker
        from medley_training.quantizing.exporting import export_gguf, export_merged
        from medley_training.quantizing.gguf import Gguf

        version = self.registry.resolve(ref)
        maker = version_maker(self.registry, version, self.wanted)
        name = self.name or f"{version.adapter}-{version.number}-{self.wanted.method}"
        with self._bar() as progress:
            if isinstance(maker, Gguf):
                folder = self._folder("exports", name)
                variant = export_gguf(
                    self.registry, version, maker, folder=folder, actor=actor(), progress=progress
                )
            else:
                folder = self._folder("bases", name)
                variant = export_merged(
                    self.registry, version, maker, kind=VariantKind(self.wanted.method), name=name,
                    folder=folder, actor=actor(), progress=progress,
                )  # fmt: skip
        if self.as_json:
            print_json({**variant_record(variant), "path": str(folder)})
        else:
            print_line(f"{version.reference} {variant.kind}  {variant.digest}  {folder}")

    def _folder(self, kind: str, name: str) -> Path:
        return (self.out or medley_home() / kind / name).absolute()

    def _bar(self) -> "AbstractContextManager[Progress]":
        return progress_bar(self.wanted.method, unit="steps")

    def _show_base(self, made: "BaseModel") -> None:
        if self.as_json:
            print_json(base_record(made))
            return
        recipe = made.recipe or {}
        before, after = recipe.get("bytes_before"), recipe.get("bytes_after")
        assert isinstance(before, int)
        assert isinstance(after, int)
        print_line(f"{made.name}  {made.base_id}")
        print_line(f"{size(before)} became {size(after)}; {_error_text(recipe)}")
        print_line(f"it lies in {made.path}")


def _error_text(recipe: "Recipe") -> str:
    error = recipe.get("weight_error")
    assert isinstance(error, dict)
    return (
        f"a weight is off by {error['mean']:.1%} in the mean, and by {error['max']:.1%}"
        f" in {error['worst_module']}"
    )
