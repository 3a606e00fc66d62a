"""The demo from set-up to curtain, and what it leaves running."""

import sys
import time
from pathlib import Path

import openai
from medley import Client
from medley.server_process import ServerProcess, free_port
from medley_registry import Registry, Version, medley_home, open_registry
from medley_registry.own_key import signer_for, trust_own_key

from medley_server.demo.showcase import SHIPPED
from medley_server.demo.small_base import NAME, prepare
from medley_server.demo.stage import Stage
from medley_server.demo.story import ACTOR, Story

NEXT_STEPS = """
The server is running at {url} and follows the registry at {registry}. Try:

  curl {url}/v1/chat/completions -H 'content-type: application/json' -d '{{
    "model": "triage-note",
    "messages": [{{"role": "user", "content": "I have had a cough for a week."}}]}}'

  from openai import OpenAI
  client = OpenAI(base_url="{url}/v1", api_key="none")
  answer = client.chat.completions.create(
      model="plain-words:2", messages=[{{"role": "user", "content": "What is anaemia?"}}])
  print(answer.model, answer.choices[0].message.content)

  {medley} adapter promote triage-note:2 --alias production    # then ask again
  curl {url}/health

Ctrl-C stops the server. To start it later: {medley} serve --base {base}
"""


def perform(*, once: bool, port: int, stage: Stage) -> list[str]:
    """Runs the demo; leaves the server up until Ctrl-C unless `once`.

    Returns:
        What failed; empty when all checks held.

    Raises:
        CannotStart: the base cannot be had.
        ServerDidNotStart: the server ended before it was ready.
        RegistryError: the registry cannot be used.
    """
    home = medley_home()
    folder = home / "registry"
    stage.step("A small real base model, a registry, and three adapters with their versions")
    base_folder = prepare(home / "bases" / NAME, stage.say)
    with open_registry(folder, create=True) as registry:
        if registry.head() == 0:  # as `medley registry init` would: signed versions only
            trust_own_key(registry, actor=ACTOR)
        publish_all(registry, base_folder, stage)
        process = ServerProcess(
            NAME,
            folder,
            port=free_port(port),
            log=home / "demo.log",
            home=home,
            engine_flags=("--max-model-len", "2048"),
        )
        with process as server:
            with stage.waiting("starting the server (about a minute on two cores)"):
                started_s = server.wait()
            client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
            story = Story(registry, client, Client(server.url), stage)
            story.times["server start"] = started_s
            story.tell(NAME)
            stage.step("The time each took")
            stage.times(story.times)
            if not once and not _leave_running(server, folder, stage):
                story.failures.append(f"the server ended; its log is {home / 'demo.log'}")
    return story.failures


def publish_all(registry: Registry, base_folder: Path, stage: Stage) -> None:
    """Registers the base and publishes the adapters; production points at version 1 of each."""
    base = registry.add_base(NAME, base_folder, actor=ACTOR)
    stage.say(f"base {base.name}, {base.base_id}")
    signer = signer_for(registry)
    for adapter in SHIPPED:
        for number, made_in in enumerate(adapter.rounds, start=1):
            version = registry.publish(
                adapter.folder(number),
                name=adapter.name,
                base=NAME,
                actor=ACTOR,
                round=made_in,
                signer=signer,
            )
            stage.say(f"{version.reference}, {version.digest}{_signed(registry, version)}")
        registry.promote(adapter.name, 1, actor=ACTOR)
        stage.say(f"{adapter.name} {adapter.does}")


def _signed(registry: Registry, version: Version) -> str:
    key = registry.trust.verify(version)
    return f", signed by {key.key_id[:12]}" if key else ""


def _leave_running(server: ServerProcess, registry: Path, stage: Stage) -> bool:
    """Waits for Ctrl-C; False if the server ended before."""
    medley = Path(sys.executable).with_name("medley")
    stage.plain(NEXT_STEPS.format(url=server.url, registry=registry, base=NAME, medley=medley))
    try:
        while server.is_running():
            time.sleep(0.5)
    except KeyboardInterrupt:
        stage.say("stopping the server")
        return True
    return False
