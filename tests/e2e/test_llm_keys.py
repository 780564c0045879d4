"""A key in 200 spellings through everything a model can say: found in the agent worker alone."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path

import pytest

from aspire_tui.session.reader import SessionReader
from aspire_tui.session.spellings import spellings
from tests.e2e.conftest import Bench
from tests.e2e.hosted import easy_task, in_python
from tests.e2e.test_llm import arguments
from tests.improvement.loopback import Asked, Fails, Loopback, Says, Use

KEYS = {
    "ANTHROPIC_API_KEY": "sk-ant-api03-canary+Canary/0123&456789",
    "OPENAI_API_KEY": "sk-proj-Other\"Canary'<9876543210>",
}
SPELLED = list(dict.fromkeys(form for key in KEYS.values() for form in spellings(key)))
PLACES = ("{}", '{{"key": "{}"}}', "https://api.example.org/v1?k={}&n=1")
FORMS = [place.format(form) for form in SPELLED for place in PLACES][:200]
PER_TURN = 20


class Parrot:
    """Says every form as text, in tool arguments, in a program, a claim and a question."""

    def __init__(self, seen: list[tuple[str, bytes]], bench: Bench) -> None:
        self.seen, self.bench = seen, bench

    def __call__(self, asked: Asked) -> Says | Fails:
        turn = sum(u.name == "open_hypothesis" for u in asked.uses())
        if turn == 0:
            self.seen += processes(self.bench)
        forms = FORMS[turn * PER_TURN : (turn + 1) * PER_TURN]
        if not forms:
            return Says(FORMS[0], (Use("finish", json.dumps({"best": None, "summary": FORMS[1]})),))
        text = " and ".join(forms)
        claim = {"claim": text[:400], "difference": forms[0][:400], "if_wrong": forms[-1][:400]}
        program = "\n".join(f"print({form!r})" for form in forms)
        uses = (
            Use("say", json.dumps({"text": text[:4000], "role": "finding"})),
            Use("open_hypothesis", json.dumps(claim | {"program": program, "parent": None})),
            Use("ask_operator", json.dumps({"question": forms[0][:400]})),
            Use("primitive", json.dumps({"name": forms[-1][:80]})),
            Use(forms[0][:60], "{}"),
        )
        return Says(text, uses)


def processes(bench: Bench) -> list[tuple[str, bytes]]:
    """Command line, and environment with the command line, of every process of this bench."""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            words = (proc / "cmdline").read_bytes()
            environ = (proc / "environ").read_bytes()
        except OSError:
            continue
        if str(bench.runtime).encode() in environ:
            found.append((words.replace(b"\0", b" ").decode(errors="replace"), environ))
    return found


def found_nowhere(bench: Bench, session: Path, said: list[bytes]) -> int:
    """Looks for every spelling in all that was said, written and exported; marks left instead."""
    for words in (
        ("sessions", "pack", str(session), str(bench.home / "packed.db"), "--json"),
        ("export", str(session), "--to", "git", str(bench.home / "exported")),
        ("sessions", "show", str(session), "--json"),
        ("trace", str(session), "--json"),
    ):
        told = bench.run(*words)
        said += [told.out.encode(), told.err.encode()]
    files = [p for root in (bench.home, bench.runtime) for p in root.rglob("*") if p.is_file()]
    assert any(p.name == "packed.db" for p in files)
    held = {str(p): p.read_bytes() for p in files}
    with SessionReader(session) as reader:
        blobs = b"".join(
            row.text.encode() for h in reader.hypotheses() if (row := reader.program(h.program))
        )
        events = b"".join(str(r.event).encode() for r in reader.events())
    held |= {"programs": blobs, "events": events, "told": b"".join(said)}
    for form in SPELLED:
        where = [name for name, data in held.items() if form.encode() in data]
        assert where == [], (form, where)
    return events.count(b"[redacted:")


def test_a_key_in_200_forms_is_nowhere_but_in_the_worker(bench: Bench) -> None:
    assert len(FORMS) == 200
    seen: list[tuple[str, bytes]] = []
    command = ("--max-model-calls", "40")
    with Loopback(Parrot(seen, bench)) as loopback:
        both = "anthropic:claude-haiku-4-5,openai-chat:gpt-5.2"
        words = list(arguments(bench, loopback, "anthropic", *command))
        words[words.index("--model") + 1] = both
        done = subprocess.run(
            bench.command(*words),
            env=bench.environment | KEYS,
            capture_output=True,
            timeout=150,
            stdin=subprocess.DEVNULL,
        )
    assert loopback.asked[0].key == KEYS["ANTHROPIC_API_KEY"]
    assert len(loopback.asked) > len(FORMS) // PER_TURN, done.stderr[-2000:]
    (session,) = (bench.home / "sessions").glob("*.db")
    redacted = found_nowhere(bench, session, [done.stdout, done.stderr])
    assert redacted >= len(FORMS)
    workers = [e for words, e in seen if "aspire_tui.improvement.worker" in words]
    others = [(w, e) for w, e in seen if "aspire_tui.improvement.worker" not in w]
    engines = [e for w, e in others if "aspire_tui.engine.main" in w]
    assert workers and engines
    for words, environ in others:
        typed = "aspire_tui.cli" in words  # the command the operator typed has what was exported
        assert typed or not any(k.encode() in environ for k in KEYS.values()), words
    assert not any(k in w for w, _ in seen for k in KEYS.values())


@pytest.mark.long
def test_a_hosted_agents_key_in_200_forms_is_with_it_alone(bench: Bench, tmp_path: Path) -> None:
    """By a name that does not say that it is a secret; also in texts that come in pieces."""
    installed = tmp_path / "installed"
    options = in_python(installed, json.dumps(FORMS), "parrot")
    keys = {"NOVICE_LOGIN": KEYS["ANTHROPIC_API_KEY"], "OPENAI_API_KEY": KEYS["OPENAI_API_KEY"]}
    asks = ("--acp-key", "NOVICE_LOGIN", "--acp-key", "OPENAI_API_KEY")
    command = ("run", easy_task(bench), *options, *asks, "--workers", "1", "--headless", "--json")
    running = subprocess.Popen(
        bench.command(*command), env=bench.environment | keys, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    seen: list[tuple[str, bytes]] = []
    while running.poll() is None:
        if not any("aspire_tui.engine.main" in words for words, _ in seen):
            seen = processes(bench)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(0.1)
    out, err = running.communicate()
    (session,) = (bench.home / "sessions").glob("*.db")
    assert found_nowhere(bench, session, [out, err]) >= 2 * len(FORMS), err[-2000:]
    with SessionReader(session) as reader:
        assert len(reader.hypotheses()) == len(FORMS) // PER_TURN
    engines = [e for words, e in seen if "aspire_tui.engine.main" in words]
    workers = [e for words, e in seen if "aspire_tui.improvement.worker" in words]
    assert workers and engines
    for words, environ in seen:
        its_own = "improvement.worker" in words or "acp.inside.confined" in words
        typed = "aspire_tui.cli" in words or "acp_novice.py" in words
        assert its_own or typed or not any(k.encode() in environ for k in KEYS.values()), words
    assert not any(k in w for w, _ in seen for k in KEYS.values())
