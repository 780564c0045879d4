"""Programs that see by the model: asked by a process of its own, its key nowhere else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from aspire_tui.events import AgentSaid, CallResult, SessionOpened, TokensUsed
from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.improvement.loopback import Asked, Loopback, Says

KEY = "sk-ant-api03-canaryCanary0123456789"
PROGRAM = """
position, _, _ = get_object_pose("red cube")
print(vlm_query("Is it red?", media=["camera:scene", "camera:wrist"]))
RESULT = True
"""


def test_a_program_sees_by_the_model_and_the_run_says_so(bench: Bench) -> None:
    def script(asked: Asked) -> Says:
        question = asked.told[-1].text
        if "red cube" in question:
            # The whole middle of the picture: no thing, and so nothing found.
            return Says('[{"box": [300, 300, 700, 700], "score": 0.8}]')
        return Says("Yes, it is.")

    with Loopback(script) as loopback:
        url = loopback.url("anthropic")
        command = bench.command(
            *("exec", bench.program(PROGRAM), "--task", "cube_lift", "--seed", "3", "--json"),
            *("--perception", "vlm", "--perception-model", "anthropic:claude-haiku-4-5"),
            *("--perception-url", url),
        )
        done = subprocess.run(
            command,
            env=bench.environment | {"ANTHROPIC_API_KEY": KEY},
            capture_output=True,
            text=True,
            timeout=150,
            stdin=subprocess.DEVNULL,
        )
    answer = json.loads(done.stdout)
    calls = [(c["primitive"], c["status"]) for c in answer["calls"]]
    assert calls == [("get_object_pose", "OK"), ("vlm_query", "OK")], (done.stderr, calls)
    assert "Yes, it is." in answer["stdout"]
    assert [a.told[-1].images for a in loopback.asked] == [1, 2]
    assert {a.key for a in loopback.asked} == {KEY}
    session = Path(answer["session"])
    with SessionReader(session) as reader:
        events = [r.event for r in reader.events()]
    spec = next(e for e in events if isinstance(e, SessionOpened)).spec
    assert (spec.perception, spec.perception_model) == ("vlm", "anthropic:claude-haiku-4-5")
    used = [e for e in events if isinstance(e, TokensUsed)]
    assert len(used) == 2 and all(e.by == "programs" and e.tokens.input > 0 for e in used)
    assert not [e for e in events if isinstance(e, AgentSaid)]
    first = next(e for e in events if isinstance(e, CallResult))
    assert "found by vlm" in " ".join(first.evidence.notes)
    assert first.evidence.keyframes[0].overlay is not None
    # The key is in no file of the run.
    for folder in (bench.home, bench.runtime):
        for file in folder.rglob("*"):
            if file.is_file():
                assert KEY.encode() not in file.read_bytes(), file


def test_what_cannot_work_is_told_before_anything_starts(bench: Bench) -> None:
    program = bench.program("RESULT = True\n")
    for more, words in (
        (("--perception", "vlm"), "--perception-model"),
        (("--perception", "vml"), "vlm"),
        (
            ("--perception", "vlm", "--perception-model", "anthropic:claude-haiku-4-5"),
            "ANTHROPIC_API_KEY",
        ),
        (("--perception-url", "http://127.0.0.1:1"), "--perception-model"),
    ):
        done = bench.run("exec", program, "--task", "cube_lift", *more)
        assert done.code == 2 and words in done.err and "Traceback" not in done.err, done.err
