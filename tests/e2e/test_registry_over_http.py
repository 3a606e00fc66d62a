"""The registry over HTTP, on the server that serves from it: publish, promote, revoke."""

import shutil
import time
from pathlib import Path

import openai
import pytest
from medley import Client
from medley_server.demo.showcase import PLAIN_WORDS
from medley_server.demo.small_base import NAME

from tests.e2e.conftest import RunningServer

pytestmark = pytest.mark.e2e
NEW = "letters"


def answered_by(client: openai.OpenAI, model: str, wanted: str) -> None:
    """Ask until the version that is wanted answers."""
    deadline = time.monotonic() + 30
    found = ""
    while found != wanted:
        assert time.monotonic() < deadline, f"{model} is answered by {found}, not {wanted}"
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hi"}], max_tokens=1
        )
        found = answer.model


def test_a_version_is_published_promoted_and_revoked_while_the_server_runs(
    server: RunningServer, tmp_path: Path
) -> None:
    folders = [tmp_path / str(number) for number in (1, 2)]
    for folder, number in zip(folders, (1, 2), strict=True):
        shutil.copytree(PLAIN_WORDS.folder(number), folder)
        # Other content, for a revocation reaches the same content under every name.
        (folder / "README.md").write_text("the same adapter under another name")
    url = server.process.url
    with (
        Client(url) as medley,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        for number, folder in enumerate(folders, start=1):
            version = medley.adapters.publish(folder, name=NEW, base=NAME, round=number)
            medley.adapters.promote(NEW, version.number)
            answered_by(client, NEW, f"{NEW}:{number}")

        (moved,) = medley.adapters.revoke(NEW, 2, reason="a test").moved

        assert moved.number == 1
        answered_by(client, NEW, f"{NEW}:1")
        with pytest.raises(openai.NotFoundError, match="revoked"):
            client.chat.completions.create(
                model=f"{NEW}:2", messages=[{"role": "user", "content": "Hi"}]
            )
