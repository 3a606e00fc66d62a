"""A recipe: everything that decides what a federated run computes, in one TOML file.

Two runs of one recipe with one seed give the same adapters. What does not change the result (where
the run folder is, how many processes work, which registry it publishes to) is not in it.
"""

import math
from pathlib import Path
from typing import Any, Literal, Self

from medley_registry.canonical import canonical_json
from medley_registry.digest import Digest
from medley_registry.errors import InvalidReference
from medley_registry.references import check_name
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from medley_training.compression.codec import check_codec
from medley_training.data.config import DataConfig
from medley_training.errors import RecipeError
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.local.base import BasePrecision
from medley_training.local.lora import LoraShape
from medley_training.local.trainer import TrainingPlan
from medley_training.privacy.config import PrivacyConfig
from medley_training.strategies.catalogue import strategy

_SITE_NAME = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
# A run is called after its recipe, with a dozen random digits behind.
_RECIPE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$"


class Section(BaseModel):
    """A part of a recipe: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BaseSection(Section):
    """The frozen base model.

    Attributes:
        name: What the registry calls it; its files are found there unless `path` or `repo` is set.
        path: A Hugging Face model folder. ``tiny`` stands for a small random one, made on the spot.
        repo: A repository on the Hugging Face hub, at `revision`.
        quantization: ``nf4`` loads it in 4 bits with double quantization (QLoRA).
    """

    name: str = Field(min_length=1)
    path: Path | None = None
    repo: str | None = None
    revision: str | None = None
    quantization: Literal["none", "nf4"] = "none"
    dtype: Literal["bfloat16", "float32"] = "bfloat16"

    @property
    def precision(self) -> BasePrecision:
        """How its weights are held and computed with."""
        return BasePrecision(quantization=self.quantization, dtype=self.dtype)


class LoraSection(Section):
    """The adapter's shape; a site in `ranks` trains another rank than the rest."""

    rank: int = Field(default=8, ge=1, le=1024)
    alpha: int = Field(default=16, ge=1)
    target_modules: tuple[str, ...] = Field(default=("q_proj", "v_proj"), min_length=1)
    use_rslora: bool = False
    ranks: dict[str, int] = {}

    def shape(self, site: str | None = None) -> LoraShape:
        """The shape that a site trains, or everybody's."""
        rank = self.ranks.get(site, self.rank) if site else self.rank
        # With another rank, alpha moves along, so that an update of the same factors weighs alike.
        alpha = self.alpha if rank == self.rank else max(1, round(self.alpha * rank / self.rank))
        return LoraShape(
            rank=rank,
            alpha=alpha,
            target_modules=self.target_modules,
            use_rslora=self.use_rslora,
        )


class SitesSection(Section):
    """Who takes part, and what a round waits for.

    Attributes:
        names: The participants.
        per_round: Draw so many of them for each round; all where it is not set.
        min_contributions: A round with fewer that count stops the run, to be continued later.
        close_after: Close the round at so many contributions, without waiting for stragglers.
        deadline_s: How long a round waits for contributions, in seconds.
    """

    names: tuple[str, ...] = Field(min_length=1)
    per_round: int | None = Field(default=None, ge=1)
    min_contributions: int = Field(default=1, ge=1)
    close_after: int | None = Field(default=None, ge=1)
    deadline_s: float | None = Field(default=None, gt=0)

    @field_validator("names")
    @classmethod
    def _plain_and_different(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        import re

        for name in names:
            if not re.fullmatch(_SITE_NAME, name):
                raise ValueError(
                    f"{name!r} is no site name: lower-case letters, digits and hyphens"
                )
        if len(set(names)) < len(names):
            raise ValueError("two sites have the same name")
        return tuple(sorted(names))

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        asked = self.per_round or len(self.names)
        if asked > len(self.names):
            raise ValueError(f"per_round is {asked}, but there are {len(self.names)} sites")
        if self.min_contributions > min(asked, self.close_after or asked):
            raise ValueError(f"min_contributions is {self.min_contributions}: never reached")
        return self


class TrainingSection(Section):
    """One site's training in one round.

    Attributes:
        final_learning_rate_share: Over the rounds, the peak learning rate falls along half a cosine
            to this share of itself.
        packing: Fill each batch as one row of several examples, without padding.
        max_tokens: Longer examples are cut; one without a completion left is not used.
        max_examples: Use at most so many of a site's examples per round.
    """

    epochs: int = Field(default=1, ge=1)
    max_steps: int | None = Field(default=None, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    final_learning_rate_share: float = Field(default=1.0, gt=0, le=1)
    warmup_share: float = Field(default=0.05, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    max_gradient_norm: float = Field(default=1.0, gt=0)
    batch_tokens: int = Field(default=1024, ge=1)
    accumulated_batches: int = Field(default=1, ge=1)
    gradient_checkpointing: bool = False
    packing: bool = False
    max_tokens: int = Field(default=512, ge=8)
    max_examples: int | None = Field(default=None, ge=1)

    def learning_rate_in(self, round_number: int, *, rounds: int) -> float:
        """The peak learning rate of a round, counted from 1."""
        progress = (round_number - 1) / max(1, rounds - 1)
        cosine = (1 + math.cos(math.pi * progress)) / 2
        low = self.final_learning_rate_share
        return self.learning_rate * (low + (1 - low) * cosine)

    def plan(
        self, round_number: int, *, rounds: int, seed: int, proximal_mu: float
    ) -> TrainingPlan:
        """What a site is to do in a round."""
        return TrainingPlan(
            epochs=self.epochs,
            max_steps=self.max_steps,
            learning_rate=self.learning_rate_in(round_number, rounds=rounds),
            seed=seed,
            warmup_share=self.warmup_share,
            weight_decay=self.weight_decay,
            max_gradient_norm=self.max_gradient_norm,
            batch_tokens=self.batch_tokens,
            accumulated_batches=self.accumulated_batches,
            gradient_checkpointing=self.gradient_checkpointing,
            packing=self.packing,
            proximal_mu=proximal_mu,
        )


class StrategySection(Section):
    """How contributions are weighed and put together; `options` are the strategy's own."""

    name: str = "stacking"
    weights: Literal["equal", "samples", "agentic", "utility"] = "samples"
    options: dict[str, bool | int | float] = {}


class MeasuringSection(Section):
    """How each round's version is measured on the variants that the recipe names.

    Attributes:
        suites: Of `medley eval`, but for the harness, which leaves nothing to compare by. Where
            none is named: documents where the run learns from such, else the regression prompts.
        data: Where a suite's items are, by its name; never what the run learns from.
        limit: The most items of each suite; of documents, of each site.
        bench: Whether latency and memory are measured too (`medley bench --quick`).
    """

    suites: tuple[str, ...] = ()
    data: dict[str, Path] = {}
    limit: int = Field(default=100, ge=1)
    bench: bool = True

    @field_validator("suites")
    @classmethod
    def _comparable(cls, suites: tuple[str, ...]) -> tuple[str, ...]:
        if foreign := [name for name in suites if ":" in name]:
            raise ValueError(f"{foreign[0]} leaves nothing to compare rounds by")
        return suites


class ChecksSection(Section):
    """What a contribution must keep to.

    `max_norm` bounds the Frobenius norm of a site's whole change, all modules together: of the
    products, and of the factors.
    """

    max_norm: float = Field(default=1e3, gt=0)


class Recipe(Section):
    """A federated run.

    Attributes:
        name: What the run is called, in logs and lineage.
        adapter: The name that each round's aggregate is published under.
        rounds: How many.
        seed: Decides data splits, starts, orders and draws.
        codec: How contributions are compressed: none, bf16, int8, nf4 or topk:0.1.
        variants: Forms of the base on which each round's version is served and measured, beside
            bf16, before its gate decides; none: only the sites evaluate it.
    """

    name: str = Field(pattern=_RECIPE_NAME)
    adapter: str
    rounds: int = Field(ge=1)
    seed: int = Field(default=7, ge=0, lt=2**31)
    codec: str = "none"
    variants: tuple[Literal["nf4", "awq"], ...] = ()
    base: BaseSection
    sites: SitesSection
    data: DataConfig
    lora: LoraSection = LoraSection()
    training: TrainingSection = TrainingSection()
    strategy: StrategySection = StrategySection()
    checks: ChecksSection = ChecksSection()
    privacy: PrivacyConfig = PrivacyConfig()
    evaluation: EvaluationPlan = EvaluationPlan()
    measuring: MeasuringSection = MeasuringSection()

    @field_validator("adapter")
    @classmethod
    def _can_be_published(cls, adapter: str) -> str:
        try:
            check_name(adapter)
        except InvalidReference as error:
            raise ValueError(str(error)) from error
        return adapter

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        unknown = sorted(self.lora.ranks.keys() - set(self.sites.names))
        if unknown:
            raise ValueError(f"lora.ranks names {unknown[0]!r}, which is no site of this recipe")
        larger = [site for site, rank in self.lora.ranks.items() if not 1 <= rank <= self.lora.rank]
        if larger:
            raise ValueError(f"lora.ranks: {larger[0]} must have 1 to {self.lora.rank}")
        try:
            rule = strategy(self.strategy.name, **self.strategy.options)
            check_codec(self.codec)
        except RecipeError as error:
            raise ValueError(str(error)) from error
        if (rule.needs_root or self.strategy.weights == "utility") and not self.data.root_share:
            raise ValueError("this strategy needs clean data of the coordinator's: data.root_share")
        own = self.data.path
        if own and own.resolve() in {path.resolve() for path in self.measuring.data.values()}:
            raise ValueError("measuring.data names what the run learns from: hold some out for it")
        if flaw := self.privacy.flaw(rule, weights=self.strategy.weights):
            raise ValueError(flaw)
        return self

    def to_json(self) -> dict[str, Any]:
        """The recipe with every default filled in; equal recipes are equal text."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> Digest:
        """The digest of all that the recipe says."""
        return Digest.of(canonical_json(self.to_json()))
