"""What a finished run came to."""

from typing import Any

from medley_training.rounds.aggregating import Aggregate
from medley_training.rounds.ballot import read_ballot
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import Phase, read_json


def summarize(run: Run) -> dict[str, Any]:
    """A finished run's figures: the last version and its digest, and what each round came to."""
    rounds = []
    for number in range(1, run.recipe.rounds + 1):
        folder = run.folder.round(number)
        evaluated = read_json(folder.marker(Phase.EVALUATED))
        published = read_json(folder.path / "published.json")
        found = Aggregate.of(folder)
        rounds.append(
            {
                "round": number,
                **published,
                "weights": found.weights,
                "rank": found.rank,
                "refused": dict(read_ballot(folder).refused),
                **{part: evaluated[part] for part in ("pooled", "fairness", "scores")},
            }
        )
    return {
        "run": run.name,
        "recipe": str(run.recipe_digest),
        "digest": rounds[-1]["digest"],
        "version": rounds[-1]["version"],
        "rounds": rounds,
    }
