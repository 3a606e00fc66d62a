"""Rules that put participants' adapters together, one per file, found by `strategy`."""

from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote
from medley_training.strategies.catalogue import STRATEGIES, strategy
from medley_training.strategies.weighting import Report, weights

__all__ = [
    "STRATEGIES",
    "Context",
    "Outcome",
    "Report",
    "State",
    "Strategy",
    "Vote",
    "strategy",
    "weights",
]
