"""For tests of programs that use the SDK: a server that is none, and plausible answers.

::

    server = FakeServer()
    server.extracts(SampleExtraction("lab_panel").lab("Potassium", "5.9", unit="mmol/L").build())
    client = Client(transport=server.transport)
"""

from medley.testing.fake_server import FakeServer, Reply
from medley.testing.sample_extraction import SampleExtraction
from medley.testing.sent_request import SentRequest

__all__ = ["FakeServer", "Reply", "SampleExtraction", "SentRequest"]
