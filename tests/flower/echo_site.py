"""A site for the tests of the transport: ``python -m tests.flower.echo_site …``.

It answers ``train`` with the payload it got and ``evaluate`` without it, and says each time what
came, in which process, and how many questions that process has answered.
"""

import argparse
import hashlib
import json
import os
import time
from pathlib import Path

from medley_training.errors import TaskRefused, TrainingError
from medley_training.flower.site import run_site
from medley_training.rounds.transport import Question, Request, Response


class Echo:
    def __init__(self) -> None:
        self._answered = 0

    def handle(self, request: Request) -> Response:
        wanted = json.loads(request.body)
        if "refuse" in wanted:
            raise TaskRefused(wanted["refuse"])
        if "fault" in wanted:
            raise ValueError(wanted["fault"])
        if "begun" in wanted:
            Path(wanted["begun"]).touch()
        time.sleep(wanted.get("work_s", 0))
        self._answered += 1
        body = {
            "question": request.question,
            "size": len(request.payload),
            "sha256": hashlib.sha256(request.payload).hexdigest(),
            "process": os.getpid(),
            "answered": self._answered,
        }
        sends_back = request.question is Question.TRAIN
        return Response(json.dumps(body), request.payload if sends_back else b"")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--coordinator", required=True)
    parser.add_argument("--patience-s", type=float)
    for name in ("authority", "node-key", "folder"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = vars(parser.parse_args())
    try:
        run_site(Echo(), **options)
    except TrainingError as error:
        raise SystemExit(f"{error.code}: {error}") from error


if __name__ == "__main__":
    main()
