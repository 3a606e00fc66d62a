"""Sites for worker processes, in a module that is quick to import."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from medley_training.errors import BadExample, BadKey, TaskRefused
from medley_training.rounds.events import Observer, SiteStarted
from medley_training.rounds.transport import Question, Request, Response

GONE = Path("gone.jsonl")


@dataclass(frozen=True)
class Building:
    """Makes sites that do what the request's body says."""

    def __call__(self, name: str, observe: Observer) -> "Acting":
        if name == "keyless":
            raise BadKey("no key at key.pem")
        return Acting(name, observe)


@dataclass
class Acting:
    name: str
    observe: Observer
    asked: int = 0

    def handle(self, request: Request) -> Response:
        self.asked += 1
        self.observe(SiteStarted(round=self.asked, site=self.name))
        match request.body.split(":"):
            case ["echo"]:
                pass
            case ["sleep", seconds]:
                time.sleep(float(seconds))
            case ["refuse"]:
                raise TaskRefused("the question is not signed")
            case ["bad-example"]:
                raise BadExample(GONE, 3, "no chat")
            case ["bug"]:
                raise ZeroDivisionError("division by zero")
            case ["exit", code]:
                sys.exit(int(code))
            case ["killed"]:
                os.kill(os.getpid(), signal.SIGKILL)
        return Response(f"{self.name} {request.body} {self.asked}", request.payload[::-1])


def asking(**bodies: str) -> dict[str, Request]:
    return {
        name: Request(Question.TRAIN, body, name.encode() * 100_000)
        for name, body in bodies.items()
    }
