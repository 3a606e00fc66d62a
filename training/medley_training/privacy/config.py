"""What a run promises about its participants' data."""

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from medley_training.strategies.base import Strategy


class PrivacyConfig(BaseModel):
    """The `privacy` section of a recipe, and what a site is told in its task.

    Attributes:
        mechanism: ``dp_sgd`` protects one example of a site (`medley_training.privacy.dp_sgd`),
            ``product`` a site's whole contribution (`medley_training.privacy.product`).
        clip: The largest norm that counts: of one example's gradient, or of a site's whole change.
        noise_multiplier: The noise's standard deviation, as a multiple of `clip`.
        delta: Epsilon is stated for this delta; keep it well below one over a site's examples.
        epsilon_budget: A site does not take the step that would pass it; None sets no limit, but
            what is spent is written down all the same.
        batch_examples: For ``dp_sgd``, how many examples a step draws on average.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mechanism: Literal["none", "dp_sgd", "product"] = "none"
    clip: float = Field(default=1.0, gt=0)
    # Below 0.05 epsilon is in the thousands and its formula no longer computes well.
    noise_multiplier: float = Field(default=1.0, ge=0.05)
    delta: float = Field(default=1e-5, gt=0, lt=1)
    epsilon_budget: float | None = Field(default=None, gt=0)
    batch_examples: int = Field(default=16, ge=1)

    def flaw(self, strategy: "Strategy", *, weights: str) -> str | None:
        """Why a run with this strategy and these weights cannot be as private; None if it can.

        Any codec will do, and weights by utility: both work on what is private already. The sites'
        training losses are not, so what weighs sites by them is out.
        """
        if self.mechanism == "none":
            return None
        if strategy.needs_loss or weights == "agentic":
            told = f"strategy {strategy.name}" if strategy.needs_loss else "weights agentic"
            return f"privacy {self.mechanism} keeps losses at the sites, and {told} needs them"
        if self.mechanism == "product" and strategy.name != "ffa":
            return f"privacy product needs strategy ffa, which freezes A, not {strategy.name}"
        return None
