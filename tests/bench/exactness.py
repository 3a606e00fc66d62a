"""How far each way of averaging adapters is from the mean of their updates.

    python -m tests.bench.exactness [--side 256] [--json]

Random factors, B of the size training gives it, weights that differ, alpha 16 with ``alpha / r``.
The error is relative, in the Frobenius norm, against the dense sum in float64; "on disk" is the
adapter after being written in float32, as it is served. "independent" sites share nothing,
"aligned" ones moved a little from one start, of which those of smaller rank were handed the best
part. PEFT's rows are what `add_weighted_adapter` makes of the same adapters: "linear" scales A and
B by the root of each weight and adds them up, so that every A meets every B. "no": the rule refuses
mixed ranks.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from medley_training.errors import RecipeError
from medley_training.factors import Adapter, AdapterFile, Factors, TensorAdapter, write_adapter
from medley_training.local.lora import WEIGHTS_FILE, LoraShape
from medley_training.strategies import Context, Vote, strategy
from medley_training.strategies.reproject import truncated

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor, nn

MODULE = "layer.q_proj"
SHAPE = LoraShape(rank=8, alpha=16, target_modules=("q_proj",))
RANKS = {"equal 8": (8,), "mixed 4/8/16": (4, 8, 16)}
RULES = {
    "stacking": ("stacking", {}),
    "fedex": ("fedex", {}),
    "stacking, to rank 8": ("stacking", {"rank": 8}),
    "FedIT (mean A, mean B)": ("fedavg", {}),
}
PEFT = ("cat", "svd", "linear")
Row: TypeAlias = dict[str, str | float | None]


def sites(count: int, ranks: Sequence[int], side: int, *, are_aligned: bool) -> list[TensorAdapter]:
    """One adapter per site; the first of the largest rank can stand for the round's start."""
    import torch

    generator = torch.Generator().manual_seed(count)

    def draw(*shape: int) -> "Tensor":
        return torch.randn(*shape, generator=generator) / math.sqrt(side)

    whole = replace(SHAPE, rank=max(ranks))
    # A trained update's singular values fall off; its best part of a smaller rank holds most of it.
    falling = 0.6 ** torch.arange(whole.rank)
    start = TensorAdapter(
        {MODULE: Factors(draw(whole.rank, side), draw(side, whole.rank) * falling, whole.scale)}
    )
    made = []
    for index in range(count):
        shape = replace(SHAPE, rank=ranks[index % len(ranks)])
        a, b = draw(shape.rank, side), draw(side, shape.rank)
        if are_aligned:
            own = truncated(start, shape).factors(MODULE)
            a = (own.a + 0.1 * own.a.norm() / a.norm() * a).float()
            b = (own.b + 0.1 * own.b.norm() / b.norm() * b).float()
        made.append(TensorAdapter({MODULE: Factors(a, b, shape.scale)}))
    return made


def dense(factors: Factors) -> "Tensor":
    """The update itself in float64."""
    return factors.scale * factors.b.double() @ factors.a.double()


def relative(found: "Tensor", wanted: "Tensor") -> float:
    return float((found - wanted).norm() / wanted.norm())


def written(adapter: Adapter, folder: Path, shape: LoraShape) -> Factors:
    """The adapter's factors as its file has them."""
    write_adapter(adapter, folder, shape, base_name="random")
    rank = adapter.factors(MODULE).rank
    shape = shape if rank == shape.rank else replace(shape, rank=rank, alpha=rank)
    return AdapterFile(folder / WEIGHTS_FILE, shape).factors(MODULE)


def ours(adapters: Sequence[TensorAdapter], shares: Sequence[float], folder: Path) -> list[Row]:
    """One row per rule of ours that takes these ranks."""
    wanted = sum(w * dense(a.factors(MODULE)) for a, w in zip(adapters, shares, strict=True))
    start = max(adapters, key=lambda adapter: adapter.factors(MODULE).rank)
    shape = replace(SHAPE, rank=start.factors(MODULE).rank)
    context = Context(start=start, round=1, shape=shape)
    votes = [
        Vote(participant=f"site-{i:02}", adapter=adapter, weight=share)
        for i, (adapter, share) in enumerate(zip(adapters, shares, strict=True))
    ]
    rows: list[Row] = []
    for label, (name, options) in RULES.items():
        try:
            served = strategy(name, **options).aggregate(context, votes, {}).served
        except RecipeError:
            rows.append({"rule": label, "error": None, "on_disk": None, "rank": None})
            continue
        factors = served.factors(MODULE)
        on_disk = relative(dense(written(served, folder, shape)), wanted)
        error = relative(dense(factors), wanted)
        rows.append({"rule": label, "error": error, "on_disk": on_disk, "rank": factors.rank})
    return rows


def base(side: int) -> "nn.Module":
    """The least that PEFT adapts: one linear layer called q_proj."""
    from torch import nn

    inner = nn.Module()
    inner.q_proj = nn.Linear(side, side, bias=False)
    outer = nn.Module()
    outer.layer = inner
    return outer


def in_peft(adapters: Sequence[TensorAdapter], side: int) -> "PeftModel":
    """A PEFT model that holds the adapters as ``site-0``, ``site-1``, …"""
    from peft import LoraConfig, PeftModel

    model = None
    for index, adapter in enumerate(adapters):
        factors, name = adapter.factors(MODULE), f"site-{index}"
        config = LoraConfig(r=factors.rank, lora_alpha=SHAPE.alpha, target_modules=["q_proj"])
        if model is None:
            model = PeftModel(base(side), config, adapter_name=name)
        else:
            model.add_adapter(name, config)
        layer = model.base_model.model.layer.q_proj
        layer.lora_A[name].weight.data.copy_(factors.a)
        layer.lora_B[name].weight.data.copy_(factors.b)
    assert model is not None, "there is at least one site"
    return model


def theirs(adapters: Sequence[TensorAdapter], shares: Sequence[float], side: int) -> list[Row]:
    """One row per way of PEFT's `add_weighted_adapter`."""
    wanted = sum(w * dense(a.factors(MODULE)) for a, w in zip(adapters, shares, strict=True))
    names = [f"site-{i}" for i in range(len(adapters))]
    rows: list[Row] = []
    for kind in PEFT:
        model, label = in_peft(adapters, side), f'PEFT "{kind}"'
        try:
            model.base_model.add_weighted_adapter(
                names, list(shares), "mean", combination_type=kind
            )
        except ValueError:  # "linear" wants equal ranks
            rows.append({"rule": label, "error": None, "on_disk": None, "rank": None})
            continue
        layer = model.base_model.model.layer.q_proj
        error = relative(layer.get_delta_weight("mean").detach().double(), wanted)
        rank = layer.lora_A["mean"].weight.shape[0]
        rows.append({"rule": label, "error": error, "on_disk": error, "rank": rank})
    return rows


def main() -> None:
    """Prints a table, or JSON with --json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=256, help="of the square weight")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as home:
        for are_aligned in (False, True):
            for count in (3, 10):
                for label, ranks in RANKS.items():
                    adapters = sites(count, ranks, options.side, are_aligned=are_aligned)
                    amounts = [1 + i % 3 for i in range(count)]
                    shares = [amount / sum(amounts) for amount in amounts]
                    case = {"are_aligned": are_aligned, "sites": count, "ranks": label}
                    found = ours(adapters, shares, Path(home))
                    found += theirs(adapters, shares, options.side)
                    rows += [{**case, **row} for row in found]
    if options.json:
        print(json.dumps({"rows": rows}))
        return
    print(f"{'sites':<15} {'ranks':<13} {'rule':<23} {'rank':>4} {'error':>9} {'on disk':>9}")
    for row in rows:
        kind = "aligned" if row["are_aligned"] else "independent"
        told = ["-" if row[k] is None else f"{row[k]:.1e}" for k in ("error", "on_disk")]
        print(
            f"{row['sites']:>2} {kind:<12} {row['ranks']:<13} {row['rule']:<23} "
            f"{row['rank'] or 'no':>4} {told[0]:>9} {told[1]:>9}"
        )


if __name__ == "__main__":
    main()
