"""Loopback endpoints that speak Messages, Responses and Chat Completions, streamed, for real SDKs.

A script answers what was asked; what was asked is read back out of the provider's own format. Token
counts are a fixed function of the request, so totals can be told in advance.
"""

from __future__ import annotations

import base64
import io
import json
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal

from PIL import Image

CACHE_LEAST: Final = 1024
CACHE_STEP: Final = 128
"""A prefix cache holds no fewer tokens than this, and so many at a time."""
_BASE64 = re.compile(r"(?:base64,|\"data\": ?\")([A-Za-z0-9+/=]{8,})")
Protocol = Literal["anthropic", "openai", "openai-chat"]
PATHS: dict[str, Protocol] = {
    "/v1/messages": "anthropic",
    "/v1/responses": "openai",
    "/v1/chat/completions": "openai-chat",
    "/chat/completions": "openai-chat",
}


@dataclass(frozen=True)
class Use:
    """One tool call; ``args`` goes out as it stands, also when it is no JSON."""

    name: str
    args: str
    id: str = ""


@dataclass(frozen=True)
class Told:
    """One message of the conversation, whoever speaks it."""

    role: str
    text: str = ""
    uses: tuple[Use, ...] = ()
    results: tuple[tuple[str, str], ...] = ()
    images: int = 0


@dataclass(frozen=True)
class Asked:
    """One request, read back from the wire."""

    protocol: Protocol
    model: str
    instructions: str
    told: tuple[Told, ...]
    tools: tuple[str, ...]
    temperature: float | None
    key: str
    body: str
    schemas: str = ""
    """The tools as they were sent."""
    pictures: int = 0
    """Tokens of the pictures in it, by their sizes."""

    def flat(self) -> str:
        """Everything that was sent but pictures, in the order providers cache it in."""
        parts = [self.schemas, self.instructions]
        for told in self.told:
            parts += [told.text, *(u.name + u.args for u in told.uses)]
            parts += [text for _, text in told.results]
        return "\0".join(parts)

    @property
    def images(self) -> int:
        return sum(t.images for t in self.told)

    def results(self) -> dict[str, str]:
        """Answers of tools by the id of their use."""
        return {id: text for t in self.told for id, text in t.results}

    def uses(self) -> list[Use]:
        return [u for t in self.told for u in t.uses]


@dataclass(frozen=True)
class Says:
    """A good answer. Without counts, they follow from the length of the request."""

    text: str = ""
    uses: tuple[Use, ...] = ()
    input: int | None = None
    cached: int = 0
    output: int | None = None
    reasoning: int = 0
    cut: bool = False
    """Ended at the limit of its length."""
    refuses: bool = False


@dataclass(frozen=True)
class Fails:
    """An answer that is none: an HTTP error."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Breaks:
    """A good answer whose stream ends after ``after`` events, or pauses ``pause_s`` before each."""

    says: Says
    after: int = 10_000
    pause_s: float = 0.0
    silent: bool = False
    """After that many events nothing more comes, and the line stays open."""


Answer = Says | Fails | Breaks
Script = Callable[[Asked], Answer]


class Loopback:
    """One server on 127.0.0.1; ``asked`` holds every request in order."""

    def __init__(self, script: Script, *, caches: bool = False) -> None:
        self.script = script
        self.caches = caches
        """Tell what a prefix cache would have held, as providers do."""
        self.errors: list[str] = []
        """What a script broke on: a defect of the test, not of a provider."""
        self._known: list[str] = []
        self.asked: list[Asked] = []
        self.answered: list[Answer] = []
        self.released = threading.Event()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                return None

            def do_POST(self) -> None:
                loopback._answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._lock = threading.Lock()

    def __enter__(self) -> Loopback:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        assert kind is not None or not self.errors, self.errors[0]

    def url(self, protocol: Protocol) -> str:
        host = f"http://127.0.0.1:{self._server.server_port}"
        return host if protocol == "anthropic" else f"{host}/v1"

    def _answer(self, http: BaseHTTPRequestHandler) -> None:
        raw = http.rfile.read(int(http.headers["Content-Length"])).decode()
        protocol = PATHS[http.path.partition("?")[0]]
        key = http.headers.get("x-api-key") or http.headers.get("Authorization", "")
        body = json.loads(raw)
        asked = replace(
            _READ[protocol](body, key.removeprefix("Bearer "), raw),
            schemas=json.dumps(body.get("tools") or ""),
            pictures=sum(picture_tokens(data) for data in _BASE64.findall(raw)),
        )
        with self._lock:
            self.asked.append(asked)
            try:
                answer = self._cached(asked, self.script(asked))
            except Exception:
                self.errors.append(f"the script broke:\n{traceback.format_exc()}")
                answer = Fails(400, {"error": {"message": self.errors[-1]}})
            self.answered.append(answer)
        if isinstance(answer, Fails):
            self._send(http, answer.status, json.dumps(answer.body), answer.headers)
            return
        cuts = answer if isinstance(answer, Breaks) else Breaks(answer)
        http.send_response(200)
        http.send_header("Content-Type", "text/event-stream")
        http.send_header("Connection", "close")
        http.end_headers()
        http.close_connection = True
        for n, event in enumerate(_WRITE[protocol](asked, cuts.says)):
            if n >= cuts.after:
                if cuts.silent:
                    self.released.wait()
                return
            if cuts.pause_s and self.released.wait(cuts.pause_s):
                return
            try:
                http.wfile.write(event.encode())
                http.wfile.flush()
            except OSError:
                return

    def _cached(self, asked: Asked, answer: Answer) -> Answer:
        """The answer with the tokens that stand in an earlier request up to the same place."""
        if not self.caches or not isinstance(answer, Says):
            return answer
        flat = asked.flat()
        same = max((_alike(flat, old) for old in self._known), default=0)
        self._known.append(flat)
        held = same // 4 // CACHE_STEP * CACHE_STEP
        into = counts(asked, answer)[0]
        return replace(answer, input=into, cached=held if held >= CACHE_LEAST else 0)

    def _send(
        self, http: BaseHTTPRequestHandler, status: int, body: str, headers: dict[str, str]
    ) -> None:
        http.send_response(status)
        http.send_header("Content-Type", "application/json")
        http.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            http.send_header(name, value)
        http.end_headers()
        http.wfile.write(body.encode())


def counts(asked: Asked, says: Says) -> tuple[int, int]:
    """Tokens in and out: as told, else a quarter of all characters sent, and the pictures."""
    said = len(says.text) + sum(len(u.args) + len(u.name) for u in says.uses)
    into = says.input
    if into is None:
        into = max(1, len(asked.flat()) // 4 + asked.pictures) + says.cached
    return into, says.output if says.output is not None else max(1, said // 4)


def _alike(one: str, other: str) -> int:
    """Characters from the beginning that are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def picture_tokens(data: str) -> int:
    """Tokens of one picture in base64: a token for 750 pixels, as providers count."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            return max(1, picture.width * picture.height // 750)
    except (OSError, ValueError):
        return 1


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def _texts(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(b["text"] for b in blocks if "text" in b)


def _read_anthropic(body: dict[str, Any], key: str, raw: str) -> Asked:
    told = []
    for m in body["messages"]:
        blocks = _blocks(m["content"])
        told.append(
            Told(
                m["role"],
                _texts([b for b in blocks if b["type"] == "text"]),
                tuple(
                    Use(b["name"], json.dumps(b["input"]), b["id"])
                    for b in blocks
                    if b["type"] == "tool_use"
                ),
                tuple(
                    (b["tool_use_id"], _texts(_blocks(b.get("content"))))
                    for b in blocks
                    if b["type"] == "tool_result"
                ),
                sum(b["type"] == "image" for b in blocks),
            )
        )
    system = _texts(_blocks(body.get("system", "")))
    tools = tuple(t["name"] for t in body.get("tools", ()))
    heat = body.get("temperature")
    return Asked("anthropic", body["model"], system, tuple(told), tools, heat, key, raw)


def _read_chat(body: dict[str, Any], key: str, raw: str) -> Asked:
    told, system = [], []
    for m in body["messages"]:
        blocks = _blocks(m.get("content"))
        if m["role"] in ("system", "developer"):
            system.append(_texts(blocks))
        elif m["role"] == "tool":
            told.append(Told("user", results=((m["tool_call_id"], _texts(blocks)),)))
        else:
            uses = tuple(
                Use(c["function"]["name"], c["function"]["arguments"], c["id"])
                for c in m.get("tool_calls") or ()
            )
            images = sum(b["type"] == "image_url" for b in blocks)
            told.append(Told(m["role"], _texts(blocks), uses, images=images))
    tools = tuple(t["function"]["name"] for t in body.get("tools", ()))
    heat = body.get("temperature")
    words = "\n".join(system)
    return Asked("openai-chat", body["model"], words, tuple(told), tools, heat, key, raw)


def _read_responses(body: dict[str, Any], key: str, raw: str) -> Asked:
    told = []
    for item in body["input"] if isinstance(body["input"], list) else []:
        match item.get("type", "message"):
            case "function_call":
                use = Use(item["name"], item["arguments"], item["call_id"])
                told.append(Told("assistant", uses=(use,)))
            case "function_call_output":
                text = _texts(_blocks(item["output"]))
                told.append(Told("user", results=((item["call_id"], text),)))
            case "message":
                blocks = _blocks(item["content"])
                images = sum(b["type"] == "input_image" for b in blocks)
                told.append(Told(item["role"], _texts(blocks), images=images))
    tools = tuple(t["name"] for t in body.get("tools") or ())
    heat = body.get("temperature")
    words = body.get("instructions") or ""
    return Asked("openai", body["model"], words, tuple(told), tools, heat, key, raw)


def _sse(event: str, data: dict[str, Any]) -> str:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n"


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [p for p in (text[:middle], text[middle:]) if p]


def _use_id(asked: Asked, n: int) -> str:
    return f"use_{len(asked.told)}_{n}"


def _write_anthropic(asked: Asked, says: Says) -> Iterator[str]:
    into, out = counts(asked, says)
    usage = {
        "input_tokens": into - says.cached,
        "cache_read_input_tokens": says.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": 1,
    }
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": asked.model,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    yield _sse("message_start", {"type": "message_start", "message": message})
    blocks: list[tuple[dict[str, Any], str, str, list[str]]] = []
    if says.text:
        blocks.append(({"type": "text", "text": ""}, "text_delta", "text", _halves(says.text)))
    for n, use in enumerate(says.uses):
        start = {"type": "tool_use", "id": _use_id(asked, n), "name": use.name, "input": {}}
        blocks.append((start, "input_json_delta", "partial_json", _halves(use.args)))
    for index, (start, kind, name, pieces) in enumerate(blocks):
        yield _sse(
            "content_block_start",
            {"type": "content_block_start", "index": index, "content_block": start},
        )
        for piece in pieces:
            delta = {"type": kind, name: piece}
            yield _sse(
                "content_block_delta",
                {"type": "content_block_delta", "index": index, "delta": delta},
            )
        yield _sse("content_block_stop", {"type": "content_block_stop", "index": index})
    why = "refusal" if says.refuses else "max_tokens" if says.cut else ""
    why = why or ("tool_use" if says.uses else "end_turn")
    yield _sse(
        "message_delta",
        {
            "type": "message_delta",
            "delta": {"stop_reason": why, "stop_sequence": None},
            "usage": {"output_tokens": out},
        },
    )
    yield _sse("message_stop", {"type": "message_stop"})


def _write_chat(asked: Asked, says: Says) -> Iterator[str]:
    into, out = counts(asked, says)
    base = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": asked.model,
    }

    def chunk(delta: dict[str, Any], why: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": why}
        return f"data: {json.dumps(base | {'choices': [choice]})}\n\n"

    yield chunk({"role": "assistant", "content": ""})
    for piece in _halves(says.text):
        yield chunk({"content": piece})
    for n, use in enumerate(says.uses):
        head = {
            "index": n,
            "id": _use_id(asked, n),
            "type": "function",
            "function": {"name": use.name, "arguments": ""},
        }
        yield chunk({"tool_calls": [head]})
        for piece in _halves(use.args):
            yield chunk({"tool_calls": [{"index": n, "function": {"arguments": piece}}]})
    why = "content_filter" if says.refuses else "length" if says.cut else ""
    yield chunk({}, why or ("tool_calls" if says.uses else "stop"))
    usage = {
        "prompt_tokens": into,
        "completion_tokens": out,
        "total_tokens": into + out,
        "prompt_tokens_details": {"cached_tokens": says.cached},
        "completion_tokens_details": {"reasoning_tokens": says.reasoning},
    }
    yield f"data: {json.dumps(base | {'choices': [], 'usage': usage})}\n\n"
    yield "data: [DONE]\n\n"


def _write_responses(asked: Asked, says: Says) -> Iterator[str]:
    into, out = counts(asked, says)
    number = iter(range(10_000))
    response: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "model": asked.model,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }

    def event(kind: str, **fields: Any) -> str:
        return _sse(kind, {"type": kind, "sequence_number": next(number), **fields})

    yield event("response.created", response=response)
    done: list[dict[str, Any]] = []
    if says.text:
        at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        item = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
        yield event(
            "response.output_item.added",
            output_index=0,
            item=item | {"status": "in_progress"},
        )
        part = {"type": "output_text", "text": "", "annotations": []}
        yield event("response.content_part.added", part=part, **at)
        for piece in _halves(says.text):
            yield event("response.output_text.delta", delta=piece, logprobs=[], **at)
        full = part | {"text": says.text}
        yield event("response.output_text.done", text=says.text, logprobs=[], **at)
        yield event("response.content_part.done", part=full, **at)
        done.append(item | {"status": "completed", "content": [full]})
        yield event("response.output_item.done", output_index=0, item=done[-1])
    for n, use in enumerate(says.uses):
        index = len(done)
        item = {
            "id": f"fc_{n}",
            "type": "function_call",
            "call_id": _use_id(asked, n),
            "name": use.name,
        }
        start = item | {"arguments": "", "status": "in_progress"}
        yield event("response.output_item.added", output_index=index, item=start)
        for piece in _halves(use.args):
            yield event(
                "response.function_call_arguments.delta",
                item_id=f"fc_{n}",
                output_index=index,
                delta=piece,
            )
        yield event(
            "response.function_call_arguments.done",
            item_id=f"fc_{n}",
            output_index=index,
            arguments=use.args,
            name=use.name,
        )
        done.append(item | {"arguments": use.args, "status": "completed"})
        yield event("response.output_item.done", output_index=index, item=done[-1])
    usage = {
        "input_tokens": into,
        "input_tokens_details": {"cached_tokens": says.cached},
        "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": says.reasoning},
        "total_tokens": into + out,
    }
    why = "content_filter" if says.refuses else "max_output_tokens" if says.cut else ""
    final = response | {
        "status": "incomplete" if why else "completed",
        "output": done,
        "usage": usage,
        "incomplete_details": {"reason": why} if why else None,
    }
    yield event("response.incomplete" if why else "response.completed", response=final)


_READ = {"anthropic": _read_anthropic, "openai": _read_responses, "openai-chat": _read_chat}
_WRITE = {"anthropic": _write_anthropic, "openai": _write_responses, "openai-chat": _write_chat}
