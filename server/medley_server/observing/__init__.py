"""What is seen of requests and swaps: metrics, spans, and the access log.

Nobody here keeps a key, a prompt, a document, an answer or a name that a caller chose freely: a
request is known by its route, its caller's name, and the version that answered.
"""

from medley_server.observing.opening import Observing, open_observing

__all__ = ["Observing", "open_observing"]
