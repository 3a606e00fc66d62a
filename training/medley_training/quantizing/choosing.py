"""From what a user asks for to the maker of it, or a refusal that says what to ask for instead."""

from dataclasses import dataclass, field
from pathlib import Path

from medley_registry.adapters import Version
from medley_registry.bases import BaseModel
from medley_registry.registry import Registry

from medley_training.errors import CannotQuantize
from medley_training.quantizing.autoawq import AutoAwq
from medley_training.quantizing.awq_settings import AwqSettings
from medley_training.quantizing.gguf import Gguf
from medley_training.quantizing.isolated import LlmCompressor
from medley_training.quantizing.maker import Maker
from medley_training.quantizing.making import check_present
from medley_training.quantizing.merging import Merging, MergingThen
from medley_training.quantizing.nf4 import Nf4
from medley_training.quantizing.support import TOOLS, check_method, check_plain, tool_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for.

    Attributes:
        method: One of `support.BASE_METHODS` or `support.VERSION_METHODS`, or something else.
        tool: For AWQ; None takes the first that can.
        settings: For AWQ.
        llama_cpp: Where llama.cpp's tools are, if not on the PATH.
    """

    method: str
    tool: str | None = None
    settings: AwqSettings = field(default_factory=AwqSettings)
    llama_cpp: Path | None = None


def base_maker(base: BaseModel, wanted: Wanted) -> Maker:
    """What makes the variant of a base.

    Raises:
        CannotQuantize: there is no such method, tool or combination.
    """
    check_method(wanted.method, is_base=True)
    check_present(base)
    check_plain(base)
    if wanted.method == "awq":
        return _awq(base, wanted)
    if wanted.tool is not None:
        raise CannotQuantize("--tool chooses between the tools of awq; nf4 has one")
    return Nf4()


def version_maker(registry: Registry, version: Version, wanted: Wanted) -> Maker:
    """What makes the frozen export of a version.

    Raises:
        CannotQuantize: there is no such method, tool or combination.
    """
    check_method(wanted.method, is_base=False)
    base = registry.base(version.base)
    check_present(base)
    if wanted.method == "gguf":
        check_plain(base)
        return Gguf(version, registry.pull, wanted.llama_cpp)
    merging = Merging(version, registry.pull)
    if wanted.method == "merged":
        return merging
    merging.plan(base)  # its refusal says more than that of the tool
    return MergingThen(merging, _awq(base, wanted))


def _awq(base: BaseModel, wanted: Wanted) -> Maker:
    if wanted.tool not in {None, *TOOLS}:
        raise CannotQuantize(f"no tool {wanted.tool!r}; there are {', '.join(TOOLS)}")
    tool = tool_for(base, wanted.tool)
    return AutoAwq(wanted.settings) if tool == "autoawq" else LlmCompressor(wanted.settings)
