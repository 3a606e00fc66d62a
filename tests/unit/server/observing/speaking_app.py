"""Stands for vLLM's app: answers as vLLM does, with usage where asked, and with errors."""

import asyncio
import json
from typing import Any

WORDS = ("Rest", " and", " drink", ".")
PROMPT_TOKENS = 11
VLLM_METRICS = b"# HELP vllm:up Up.\n# TYPE vllm:up gauge\nvllm:up 1.0\n"


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class SpeakingApp:
    """`fails_with` is the status of every answer; `names` is the model that it claims to be."""

    def __init__(self, *, fails_with: int | None = None, names: str | None = None) -> None:
        self.fails_with = fails_with
        self.names = names
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[bytes, bytes]] = []
        self.pause_s = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/metrics":
            assert b"accept" not in dict(scope["headers"])
            await self._whole(send, 200, VLLM_METRICS, kind=b"text/plain; version=0.0.4")
            return
        request = json.loads((await receive())["body"])
        self.requests.append(request)
        self.headers.append(dict(scope["headers"]))
        if self.fails_with is not None:
            said = f"cannot: {json.dumps(request)}"
            error = {"error": {"message": said, "type": "E", "param": None, "code": 400}}
            await self._whole(send, self.fails_with, compact(error))
        elif request.get("stream"):
            await self._stream(request, send)
        else:
            await self._whole(send, 200, compact(self._answer(request)))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "model": self.names or request["model"],
            "choices": [{"message": {"role": "assistant", "content": "".join(WORDS)}}],
            "usage": usage(),
        }

    async def _stream(self, request: dict[str, Any], send: Any) -> None:
        kind = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        model = self.names or request["model"]
        told: list[dict[str, Any]] = [{"choices": [{"delta": {"content": one}}]} for one in WORDS]
        options = request.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            told.append({"choices": [], "usage": usage()})
        for one in told:
            await asyncio.sleep(self.pause_s)
            event = b"data: " + compact({"id": "c", "model": model} | one) + b"\n\n"
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False})

    async def _whole(
        self, send: Any, status: int, body: bytes, *, kind: bytes = b"application/json"
    ) -> None:
        lines = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})


def usage() -> dict[str, int]:
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "total_tokens": PROMPT_TOKENS + len(WORDS),
        "completion_tokens": len(WORDS),
    }
