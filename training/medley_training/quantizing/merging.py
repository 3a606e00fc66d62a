"""A version merged into its base: a frozen model that needs no adapter, and takes none."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from medley_registry.adapters import Version
from medley_registry.base_folder import Progress
from medley_registry.bases import BaseModel

from medley_training.errors import CannotQuantize
from medley_training.local.base import load_base, no_progress_bar
from medley_training.local.nf4 import quiet_bitsandbytes
from medley_training.quantizing.maker import Maker, Recipe
from medley_training.quantizing.model_folder import save_model

Fetch = Callable[[Version, Path], Path]
"""Writes a version's verified files to a folder."""


@dataclass(frozen=True, slots=True)
class Merging:
    """W + s·B·A in float32, rounded to bfloat16 once; from the plain base, never a 4-bit one.

    An adapter that was trained on an NF4 base loses what it had learnt about that base's rounding.
    """

    version: Version
    fetch: Fetch

    def plan(self, origin: BaseModel) -> Recipe:
        if origin.recipe is not None and "method" in origin.recipe:
            raise CannotQuantize(
                f"{self.version.reference} is for {origin.name}, which is {origin.recipe['method']}"
                " already: merging into 4 bits rounds the adapter away; serve it unmerged"
            )
        return {
            "method": "merged",
            "tool": f"peft {metadata.version('peft')}",
            "adapter": self.version.reference,
            "version": str(self.version.digest),
            "computed_in": "float32",
            "dtype": "bfloat16",
        }

    def write(self, origin: BaseModel, folder: Path, *, progress: Progress) -> Recipe:
        import torch

        with (
            quiet_bitsandbytes(),
            no_progress_bar(),
            tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch,
        ):
            from peft import PeftModel

            adapter = self.fetch(self.version, Path(scratch) / "adapter")
            base = load_base(origin.path, dtype="float32", device="cpu")
            model = PeftModel.from_pretrained(base, adapter)
            merged = model.merge_and_unload(safe_merge=True).to(torch.bfloat16)
            merged.config.dtype = torch.bfloat16
            save_model(merged, folder, origin=origin.path)
        progress(1, 1)
        return {}


@dataclass(frozen=True, slots=True)
class MergingThen:
    """A merged version, made smaller by AWQ."""

    merging: Merging
    awq: Maker

    def plan(self, origin: BaseModel) -> Recipe:
        merged, awq = self.merging.plan(origin), self.awq.plan(origin)
        tools = f"{merged['tool']}, {awq['tool']}"
        return {**merged, **awq, "method": "merged-awq", "tool": tools}

    def write(self, origin: BaseModel, folder: Path, *, progress: Progress) -> Recipe:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
            merged = Path(scratch)
            self.merging.write(origin, merged, progress=lambda done, total: None)
            return self.awq.write(replace(origin, path=merged), folder, progress=progress)
