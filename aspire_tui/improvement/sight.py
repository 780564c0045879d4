"""The process that answers programs' questions about pictures: it holds the key and the network.

The command that starts a run starts it beside the engine, joined by a socket pair for tokens and
words to the operator; trials reach it by a private local socket and never see a key. It ends when
the engine's end of the pair closes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import MutableMapping
from typing import Final

import msgspec

from aspire_tui.errors import ConfigError
from aspire_tui.framing import HEADER
from aspire_tui.improvement.agent_spec import SightOptions
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.improvement.worker import end_with
from aspire_tui.rollout.model_link import LARGEST, Answer, Question
from aspire_tui.session.redaction import Redactor, secrets_among

AT_ONCE: Final = 4
WITHIN_S: Final = 300.0
INSTRUCTIONS: Final = (
    "You look at pictures of a robot's work table for a program. Answer what is asked, exactly in "
    "the form that is asked for, without anything else."
)


class Answers:
    """Asks the model, one question of a program after the other or a few at once."""

    def __init__(
        self, options: SightOptions, tools: RemoteTools, environment: MutableMapping[str, str]
    ) -> None:
        """Keys are taken out of the environment once they are read. Raises ConfigError."""
        # The model clients are loaded by this process alone.
        from aspire_tui.improvement.llm.asking import Asked, Asking
        from aspire_tui.improvement.llm.provider import KEY_VARIABLE, choose_model, make_model

        self.redactor = Redactor(secrets_among(environment))
        choice = choose_model(options.model, options.base_url)
        try:
            self._asked = Asked(choice, make_model(choice, environment))
        finally:
            for variable in KEY_VARIABLE.values():
                environment.pop(variable, None)
        self._asking = Asking(tools, self.redactor)
        self._room = asyncio.Semaphore(AT_ONCE)

    async def serve(self, listening: socket.socket) -> None:
        """Answer until cancelled."""
        async with await asyncio.start_unix_server(
            self._one, sock=listening, limit=LARGEST
        ) as server:
            await server.serve_forever()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
            if size <= LARGEST:
                body = await reader.readexactly(size)
                answer = await self._answer(msgspec.msgpack.decode(body, type=Question))
            else:
                answer = Answer(error=f"a question of {size} bytes, at most {LARGEST}")
            data = msgspec.msgpack.encode(answer)
            writer.write(HEADER.pack(len(data)) + data)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError):
            return  # whoever asked is gone, or was none of ours
        finally:
            writer.close()

    async def _answer(self, question: Question) -> Answer:
        from pydantic_ai.messages import BinaryContent, ModelRequest, UserPromptPart

        from aspire_tui.improvement.llm.asking import ProviderLost

        if self._asking.exhausted:
            return Answer(error=f"the model is not asked any more: {self._asking.exhausted}")
        pictures = [BinaryContent(data, media_type=media) for media, data in question.pictures]
        messages = [ModelRequest([UserPromptPart([question.text, *pictures])])]
        try:
            async with self._room, asyncio.timeout(WITHIN_S):
                response = await self._asking.ask(
                    self._asked,
                    lambda: messages,
                    INSTRUCTIONS,
                    temperature=question.temperature,
                    aloud=False,
                )
        except ProviderLost as lost:
            return Answer(error=self.redactor.text(str(lost)))
        except TimeoutError:
            return Answer(error=f"{self._asked.choice} gave no answer within {WITHIN_S:.0f} s")
        return Answer(text=self.redactor.text(response.text or ""))


def main() -> int:
    """Entry of the process: ``--fd`` the socket pair, ``--listen-fd`` where trials connect,
    ``--options`` SightOptions as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--options", required=True)
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(fileno=args.fd)
    listening = socket.socket(fileno=args.listen_fd)
    for fd in (args.fd, args.listen_fd):
        os.set_inheritable(fd, False)
    threading.Thread(target=end_with, args=(sock,), daemon=True).start()
    options = msgspec.json.decode(args.options, type=SightOptions)
    redactor = Redactor(secrets_among(os.environ))
    sys.excepthook = lambda kind, error, trace: sys.stderr.write(
        redactor.text("".join(traceback.format_exception(kind, error, trace)))
    )
    tools = RemoteTools(sock, redactor)
    try:
        asyncio.run(_serve(options, tools, listening))
    except ConfigError as error:
        tools.say(str(error), "error")
        return 2
    return 0


async def _serve(options: SightOptions, tools: RemoteTools, listening: socket.socket) -> None:
    await Answers(options, tools, os.environ).serve(listening)


if __name__ == "__main__":
    sys.exit(main())
