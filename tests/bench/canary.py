"""How well an adapter learns secrets by heart, with differential privacy and without.

    python -m tests.bench.canary --base FOLDER [--documents 16] [--canaries 5] [--repeats 8]

One site's documents, and a few sentences with a random nine-digit number in each, repeated: these
are canaries (Carlini et al., arXiv:1802.08232). Their exposure is in bits: log2(N + 1) is a secret
that stands out among N others, about 1.4 is one that the model knows nothing of. The held-out loss
beside it is what the privacy costs. Each arm trains a fresh adapter of rank 8 from the same start.

Epsilon holds for one example, and for ``product`` for all of a site's data together. A canary that
is repeated r times is r examples; what protects one protects r of them r times less.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log2
from pathlib import Path
from time import perf_counter
from typing import Any

from medley_training.data.examples import Example
from medley_training.data.formatting import TokenizedExample, tokenize_example
from medley_training.data.sources.documents import extraction_example
from medley_training.documents.document import documents
from medley_training.evaluation.loss import score_loss
from medley_training.evaluation.scores import pooled
from medley_training.local.base import load_base
from medley_training.local.determinism import reproducible
from medley_training.local.lora import (
    Factor,
    LoraShape,
    adapter_tensors,
    set_adapter,
    trained_tensors,
    wrap,
)
from medley_training.local.trainer import TrainingPlan, TrainingResult, train
from medley_training.privacy.accountant import PrivacyLedger, Release, Spending, epsilon_of
from medley_training.privacy.canary import canaries, canary_examples, exposure
from medley_training.privacy.config import PrivacyConfig
from medley_training.privacy.dp_sgd import planned_spending, train_privately
from medley_training.privacy.example_losses import example_losses
from medley_training.privacy.product import privatise_product, product_spending

SEED = 7
SHAPE = LoraShape(rank=8, alpha=16)
MAX_TOKENS = 640
RELEASE = Release("canary", 1, "once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to train.

    Attributes:
        mechanism: ``none``, ``dp_sgd`` or ``product``; ``start`` is not trained at all.
        epsilon: What the noise is chosen for.
    """

    name: str
    mechanism: str
    epsilon: float | None = None
    clip: float = 1.0


MECHANISMS = ("start", "none", "dp_sgd", "product")


def arms(mechanisms: Sequence[str], epsilons: Sequence[float]) -> Iterator[Arm]:
    """The ways to train, those without privacy first."""
    if "start" in mechanisms:
        yield Arm(name="not trained", mechanism="start")
    if "none" in mechanisms:
        yield Arm(name="no privacy", mechanism="none")
    for epsilon in epsilons if "dp_sgd" in mechanisms else ():
        yield Arm(name="DP-SGD", mechanism="dp_sgd", epsilon=epsilon)
    if "product" in mechanisms:
        yield Arm(name="product, one site", mechanism="product", epsilon=8.0, clip=0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one arm came to; exposures are in bits, the loss in nats per token."""

    arm: str
    epsilon: float | None
    noise_multiplier: float | None
    exposures: tuple[float, ...]
    exposure_median: float
    exposure_max: float
    held_out_loss: float
    steps: int
    tokens_per_s: float | None
    train_s: float
    measure_s: float


class Experiment:
    """One base, one site's examples with canaries among them, and the arms' common plan."""

    def __init__(self, options: argparse.Namespace) -> None:
        from transformers import AutoTokenizer

        self._options = options
        self._tokenizer = AutoTokenizer.from_pretrained(options.base)
        self._pad = int(self._tokenizer.pad_token_id)
        self._base: Any = load_base(options.base)
        self._canaries = canaries(options.canaries, seed=SEED)
        planted = canary_examples(options.canaries, options.repeats, SEED)
        self._examples = self._tokenized([*_documents(SEED, options.documents), *planted])
        self._held_out = self._tokenized(_documents(SEED + 1, options.held_out))
        self._plan = TrainingPlan(
            epochs=options.epochs, learning_rate=2e-3, seed=SEED, batch_tokens=512
        )

    def run(self, arm: Arm) -> Row:
        """Train as the arm says, then measure."""
        with reproducible(SEED, threads=self._options.threads):
            model = wrap(self._base, SHAPE)
            try:
                _make_rows_orthonormal(model)
                result, spending = self._train(model, arm)
                began = perf_counter()
                found = tuple(self._exposures(model))
                each = score_loss(model, self._held_out, pad_token_id=self._pad)
                loss = pooled(each).metrics()["loss"]
            finally:
                self._base = model.unload()
        epsilon = epsilon_of([spending], delta=self._options.delta) if spending else None
        return Row(
            arm=arm.name,
            epsilon=epsilon,
            noise_multiplier=self._privacy(arm).noise_multiplier if spending else None,
            exposures=found,
            exposure_median=statistics.median(found),
            exposure_max=max(found),
            held_out_loss=loss,
            steps=len(result.losses) if result else 0,
            tokens_per_s=result.tokens_per_second if result else None,
            train_s=result.duration_s if result else 0.0,
            measure_s=perf_counter() - began,
        )

    def _train(self, model: Any, arm: Arm) -> tuple[TrainingResult | None, Spending | None]:
        if arm.mechanism == "start":
            return None, None
        if arm.mechanism == "none":
            return train(model, self._examples, self._plan, pad_token_id=self._pad), None
        privacy = self._privacy(arm)
        if arm.mechanism == "product":
            return self._train_product(model, privacy), product_spending(RELEASE, privacy)
        with tempfile.TemporaryDirectory(prefix="canary-") as folder:
            ledger = PrivacyLedger(Path(folder) / "ledger.json")
            result = train_privately(
                model,
                self._examples,
                self._plan,
                privacy,
                pad_token_id=self._pad,
                ledger=ledger,
                release=RELEASE,
            )
            (spending,) = ledger.spendings()
        return result, spending

    def _train_product(self, model: Any, privacy: PrivacyConfig) -> TrainingResult:
        start = {name: t.clone() for name, t in adapter_tensors(model).items()}
        only_b: frozenset[Factor] = frozenset({"B"})
        result = train(
            model, self._examples, self._plan, pad_token_id=self._pad, trained_factors=only_b
        )
        noised = privatise_product(
            trained_tensors(model, only_b),
            start,
            SHAPE,
            clip=privacy.clip,
            noise_multiplier=privacy.noise_multiplier,
        )
        set_adapter(model, {**start, **noised})
        return result

    def _privacy(self, arm: Arm) -> PrivacyConfig:
        """The arm's mechanism with the least noise that keeps its epsilon."""
        low, high = 0.05, 100.0
        while high / low > 1.001:
            middle = (low * high) ** 0.5
            spent = self._spent(self._config(arm, middle))
            low, high = (low, middle) if spent <= (arm.epsilon or 0.0) else (middle, high)
        return self._config(arm, high)

    def _config(self, arm: Arm, noise_multiplier: float) -> PrivacyConfig:
        return PrivacyConfig(
            mechanism="product" if arm.mechanism == "product" else "dp_sgd",
            clip=arm.clip,
            noise_multiplier=noise_multiplier,
            delta=self._options.delta,
            batch_examples=16,
        )

    def _spent(self, privacy: PrivacyConfig) -> float:
        spending = (
            product_spending(RELEASE, privacy)
            if privacy.mechanism == "product"
            else planned_spending(RELEASE, self._plan, privacy, num_examples=len(self._examples))
        )
        return epsilon_of([spending], delta=privacy.delta)

    def _exposures(self, model: Any) -> Iterator[float]:
        def losses(examples: Sequence[Example]) -> list[float]:
            return self._summed_losses(model, self._tokenized(examples))

        model.eval()
        for canary in self._canaries:
            yield exposure(canary, losses, alternatives=self._options.alternatives, seed=SEED)

    def _summed_losses(self, model: Any, examples: Sequence[TokenizedExample]) -> list[float]:
        import torch

        found: list[float] = []
        with torch.no_grad():
            for at in range(0, len(examples), 32):
                batch = tuple(examples[at : at + 32])
                means = example_losses(model, batch, pad_token_id=self._pad).tolist()
                counts = [example.num_completion_tokens for example in batch]
                found += [n * mean for n, mean in zip(counts, means, strict=True)]
        return found

    def _tokenized(self, examples: Sequence[Example]) -> list[TokenizedExample]:
        return [tokenize_example(each, self._tokenizer, max_tokens=MAX_TOKENS) for each in examples]


def _documents(seed: int, count: int) -> list[Example]:
    return [extraction_example(each) for each in documents(seed, count=count, styles=["harbor"])]


def _make_rows_orthonormal(model: Any) -> None:
    """Every arm starts from the same A, of the kind that product clipping needs."""
    import torch

    generator = torch.Generator().manual_seed(SEED)
    for name, tensor in adapter_tensors(model).items():
        if ".lora_A." in name:
            drawn = torch.randn(tensor.shape[1], tensor.shape[0], generator=generator)
            tensor.copy_(torch.linalg.qr(drawn.double())[0].T.to(tensor.dtype))


def table(rows: Sequence[Row], options: Mapping[str, Any]) -> str:
    """The rows for people."""
    most = log2(options["alternatives"] + 1)
    exposed = f"exposure, median (bits of {most:.1f})"
    lines = [
        f"| arm | ε | noise | {exposed} | largest | held-out loss | tokens/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate, noise = _number(row.tokens_per_s, ".0f"), _number(row.noise_multiplier, ".2f")
        lines.append(
            f"| {row.arm} | {_number(row.epsilon, '.2f')} | {noise} | {row.exposure_median:.1f} "
            f"| {row.exposure_max:.1f} | {row.held_out_loss:.3f} | {rate} |"
        )
    return "\n".join(lines)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def main() -> None:
    """Runs the arms and prints a table; --out keeps the figures as JSON after each arm."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", required=True, type=Path, help="folder of the base model")
    for name, default in (("documents", 16), ("canaries", 5), ("repeats", 8), ("held-out", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--arms", nargs="+", choices=MECHANISMS, default=list(MECHANISMS))
    parser.add_argument("--epsilons", nargs="+", type=float, default=[8.0, 1.0], help="of DP-SGD")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--alternatives", type=int, default=99)
    parser.add_argument("--delta", type=float, default=1e-5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON file")
    options = parser.parse_args()
    said = {name: value for name, value in vars(options).items() if name not in ("base", "out")}
    experiment = Experiment(options)
    rows: list[Row] = []
    for arm in arms(options.arms, options.epsilons):
        rows.append(experiment.run(arm))
        if options.out:
            record = {"options": said, "rows": [asdict(row) for row in rows]}
            options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(table(rows, said))


if __name__ == "__main__":
    main()
