"""What both AWQ tools are told: the calibration, and how many weights share a scale."""

from dataclasses import dataclass
from pathlib import Path

from medley_registry.bases import BaseModel
from medley_registry.canonical import Json

from medley_training.quantizing.calibration import Calibration, calibration
from medley_training.quantizing.group_size import group_size_for
from medley_training.quantizing.text_modules import text_modules

SAMPLES, TOKENS, SEED = 32, 256, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class AwqSettings:
    """As the user gave them.

    Attributes:
        file: Calibration texts; None takes the built-in ones.
        samples: How many blocks of text the model is shown.
        tokens: How long each is.
        group_size: None takes the largest that fits.
        seed: Orders the calibration texts.
    """

    file: Path | None = None
    samples: int = SAMPLES
    tokens: int = TOKENS
    group_size: int | None = None
    seed: int = SEED

    def group_size_for(self, base: BaseModel) -> int:
        """The size that is used.

        Raises:
            CannotQuantize: none fits, or not the one that was asked for.
        """
        return group_size_for(text_modules(base), wanted=self.group_size)

    def calibration_for(self, base: BaseModel) -> Calibration:
        """The blocks, by the base's own tokenizer.

        Raises:
            CannotQuantize: there is too little text, or it cannot be read.
        """
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(base.path, local_files_only=True)
        return calibration(
            self.file, tokenizer, samples=self.samples, tokens=self.tokens, seed=self.seed
        )

    def plan(self, base: BaseModel, found: Calibration) -> dict[str, Json]:
        """What a recipe says of them."""
        return {
            "bits": 4,
            "group_size": self.group_size_for(base),
            "seed": self.seed,
            "calibration": found.to_json(),
        }
