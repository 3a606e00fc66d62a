"""What the comparisons train: as large as two cores allow in the time given."""

from pathlib import Path
from typing import Any

from medley_training.documents.styles import STYLES
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.recipe import Recipe

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
QUERIES = ["q_proj", "v_proj"]
LOSS = EvaluationPlan(tasks=("loss",))
EXTRACTION = EvaluationPlan(tasks=("loss", "extraction"), max_new_tokens=224, batch_tokens=6144)
CHOICES = EvaluationPlan(tasks=("loss", "choices"))


def documents(base: Path, *, seed: int) -> Recipe:
    """Five hospitals with four short documents each to learn from, in the style of each."""
    data = {
        "source": "documents",
        "document_types": ["lab_panel", "operative_note"],
        "examples_per_site": 12,
        "held_out_share": 0.67,
    }
    return _recipe(
        base,
        "documents",
        seed,
        sorted(STYLES),
        data,
        rounds=16,
        modules=LINEAR,
        examples_per_round=1,
    )


def questions(base: Path, *, seed: int, alpha: float, path: Path, source: str) -> Recipe:
    """Five sites with 30 questions each on average, their subjects drawn by Dirichlet(alpha)."""
    data = {
        "source": source,
        "path": str(path),
        "partition": "by_label",
        "alpha": alpha,
        "examples_per_site": 50,
        "held_out_share": 0.4,
        "min_per_site": 8,
    }
    sites = ["a", "b", "c", "d", "e"]
    return _recipe(base, source, seed, sites, data, rounds=2, modules=QUERIES)


def _recipe(
    base: Path,
    name: str,
    seed: int,
    sites: list[str],
    data: dict[str, Any],
    *,
    rounds: int,
    modules: list[str],
    examples_per_round: int = 3,
) -> Recipe:
    return Recipe.model_validate(
        {
            "name": name,
            "adapter": name,
            "rounds": rounds,
            "seed": seed,
            "base": {"name": "base", "path": str(base)},
            "sites": {"names": sites},
            "data": data,
            "lora": {"target_modules": modules},
            "training": {
                "learning_rate": 2e-3,
                "final_learning_rate_share": 0.3,
                "batch_tokens": 512,
                "max_tokens": 640,
            },
            "strategy": {"name": "stacking", "weights": "samples"},
            "evaluation": {"tasks": ["loss"], "max_examples": examples_per_round},
        }
    )
