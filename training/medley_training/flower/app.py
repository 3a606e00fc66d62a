"""A site as a Flower ClientApp: every message goes to the one participant of this process."""

import logging
from typing import TYPE_CHECKING

from medley_training.errors import TrainingError
from medley_training.flower.messages import answer_content, one_line, read_request
from medley_training.rounds.transport import Answering, Failure, Response

if TYPE_CHECKING:
    from flwr.app import Context, Message
    from flwr.clientapp import ClientApp

_log = logging.getLogger(__name__)


def client_app(answering: Answering) -> "ClientApp":
    """The ClientApp that hands each question to `answering` and sends back what it says."""
    from flwr.app import Message
    from flwr.clientapp import ClientApp

    def handle(message: "Message", _context: "Context") -> "Message":
        return Message(answer_content(_answer(answering, message)), reply_to=message)

    app = ClientApp()
    for kind in (app.train, app.evaluate, app.query):
        kind()(handle)
    return app


def _answer(answering: Answering, message: "Message") -> Response | Failure:
    """What the site answers; this is the edge of its process, so no error passes.

    Only our own errors are quoted: the text of another one may hold a line of the site's data.
    """
    try:
        return answering.handle(read_request(message.content))
    except TrainingError as error:
        _log.warning("refused or failed: %s", error)
        return Failure(one_line(str(error)))
    except Exception as error:
        _log.exception("a question could not be answered")
        return Failure(f"an error inside the site ({type(error).__name__}); its log says more")
