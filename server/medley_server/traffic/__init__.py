"""Requests that name an alias, shared out by its rule: to its target, to a canary, to a shadow.

The rule is the registry's (`medley_registry.traffic`), so every replica does the same; what each
sees of its own requests decides when it takes a version off again.
"""

from medley_server.traffic.asker import DOCUMENTS, Asker
from medley_server.traffic.shadowing import Exchange, Shadowing
from medley_server.traffic.sides import Side
from medley_server.traffic.steering import Steering
from medley_server.traffic.way import Way

__all__ = ["DOCUMENTS", "Asker", "Exchange", "Shadowing", "Side", "Steering", "Way"]
