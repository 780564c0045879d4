"""A server on 127.0.0.1 that speaks the wire of CaP-X's SAM3 and Molmo servers.

Behind the wire it finds things by colour in the picture it was sent: it sees what it was given.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.segment import search, segment_at


class EyesServer:
    """``wrong`` turns every answer into something else, by name; ``asked`` holds the requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.wrong = ""
        self.molmo = '<points coords="1 1 {x} {y}" alt="x">x</points>'
        eyes = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                return None

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                eyes.asked.append((self.path, body))
                status, answer = eyes.answer(self.path, body)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def serving(self) -> Iterator[EyesServer]:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if self.wrong == "busy":
            return 503, {"detail": "Model not initialized"}
        if self.wrong == "garbage":
            return 200, b"<html>no"
        if path == "/segment":
            return 200, self._segment(body)
        if path == "/segment_point":
            return 200, self._segment_point(body)
        return 200, self._point(body)

    def _segment(self, body: dict[str, Any]) -> dict[str, Any]:
        rgb = picture(body["image_base64"])
        found = search(rgb, parse(body["text_prompt"]), None).segments
        results = [
            {
                "mask_base64": packed(s.mask[:-1] if self.wrong == "small" else s.mask),
                "shape": list((s.mask[:-1] if self.wrong == "small" else s.mask).shape),
                "box": [float(v) for v in s.box],
                "score": 0.9 * s.score,
                "label": body["text_prompt"],
            }
            for s in found
        ]
        return {"results": results}

    def _segment_point(self, body: dict[str, Any]) -> dict[str, Any]:
        x, y = body["point_coords"]
        found = segment_at(picture(body["image_base64"]), (x, y), None)
        masks = np.array([s.mask for s in found], np.float32)
        return {
            "scores": [0.8 for _ in found],
            "masks_base64": base64.b64encode(masks.tobytes()).decode(),
            "masks_shape": list(masks.shape) if found else [0, 0, 0],
            "masks_dtype": "float32",
        }

    def _point(self, body: dict[str, Any]) -> dict[str, Any]:
        text, image = body["messages"][0]["content"]
        rgb = picture(image["image_url"]["url"].partition(",")[2])
        found = search(rgb, parse(text["text"].removeprefix("Point at ")), None).segments
        words = "There are none."
        if found:
            rows, cols = np.nonzero(found[0].mask)
            x, y = 1000 * cols.mean() / rgb.shape[1], 1000 * rows.mean() / rgb.shape[0]
            words = self.molmo.format(x=f"{x:.0f}", y=f"{y:.0f}")
        return {"choices": [{"message": {"role": "assistant", "content": words}}]}


def picture(text: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return np.asarray(image.convert("RGB"))


def packed(mask: np.ndarray) -> str:
    return base64.b64encode(mask.astype(np.uint8).tobytes()).decode()
