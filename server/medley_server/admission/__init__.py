"""Whose request goes to the engine next.

::

    request ─► Admission.turn ─► Dealer: a queue per adapter ─► the engine
               patience, room     slots with ageing, fair seats

vLLM takes requests first come, first served, so that the flood of one adapter delays every other;
and it passes over a waiting request whose adapter has no slot for as long as those with slots have
work. So it is never given more than it can run at once: not more adapters than it has slots, and
not more sequences than it has room for. The order is made here.
"""

from medley_server.admission.admission import Admission
from medley_server.admission.dealer import Dealer
from medley_server.admission.flow import Flow, Turn

__all__ = ["Admission", "Dealer", "Flow", "Turn"]
