"""A server in memory: log-probabilities by a rule that a test can follow, and answers as given."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from medley_training.suites.endpoint import Endpoint, ServerAddress


def log_probability(before: Sequence[int], token: int) -> float:
    """Depends on the place, the token and the one before it, and on nothing else."""
    last = before[-1] if before else 0
    return -((7 * last + 3 * token + len(before)) % 11) / 8 - 0.125


def of_option(prompt: Sequence[int], option: Sequence[int]) -> float:
    """The sum over an option's tokens."""
    return sum(
        log_probability([*prompt, *option[:place]], token) for place, token in enumerate(option)
    )


class FakeServer:
    """Counts what it is asked; `say` answers a chat's last message."""

    def __init__(self, say: Callable[[str], str] = str) -> None:
        self._say = say
        self.asked: Counter[str] = Counter()
        self.digests: dict[str, str] = {}
        self.facts: dict[str, Any] = {"base": "tiny", "variant": "bf16"}

    def endpoint(self, *, concurrency: int = 4) -> Endpoint:
        transport = httpx.MockTransport(self.answer)
        address = ServerAddress("http://server")
        return Endpoint(address, concurrency=concurrency, transport=transport, pauses_s=(0, 0))

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked[path] += 1
        if path == "/benchmark":
            return httpx.Response(200, json=self.facts)
        body = json.loads(request.content)
        found = self._chat(body) if path == "/v1/chat/completions" else self._completion(body)
        digest = self.digests.get(body["model"])
        headers = {"x-medley-digest": digest} if digest else {}
        return httpx.Response(200, json=found, headers=headers)

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its address on the network of this machine."""
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("content-length", 0)))
                url = f"http://server{self.path}"
                found = answer(httpx.Request(self.command, url, content=content))
                self.send_response(found.status_code)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(found.content)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *args: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()

    def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["temperature"] == 0
        text = self._say(body["messages"][-1]["content"])
        return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["max_tokens"] == 1
        whole = "prompt_logprobs" in body
        self.asked["whole" if whole else "stepwise"] += 1
        choices = [
            {"index": index, **(_whole(prompt) if whole else _next(prompt, body))}
            for index, prompt in enumerate(body["prompt"])
        ]
        return {"choices": choices[::-1]}


def _whole(prompt: list[int]) -> dict[str, Any]:
    found: list[Any] = [None]
    found += [
        {str(token): {"logprob": log_probability(prompt[:place], token)}}
        for place, token in enumerate(prompt)
        if place
    ]
    return {"prompt_logprobs": found}


def _next(prompt: list[int], body: dict[str, Any]) -> dict[str, Any]:
    assert body["return_tokens_as_token_ids"]
    tokens = body["logprob_token_ids"]
    top = {f"token_id:{token}": log_probability(prompt, token) for token in tokens}
    return {"logprobs": {"top_logprobs": [top]}}
