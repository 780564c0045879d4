"""A program that spreads what looks like keys, and a disk that fills up under a real engine."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aspire_tui.session.reader import SessionReader

KEYS = [
    *(f"sk-ant-api03-{n:02d}QRSTUVabcdefghij" for n in range(6)),
    *(f"ghp_{n:02d}456789abcdefghijABCDEFGHIJ" for n in range(6)),
    *(f"AKIAIOSFODNN7EX{n:02d}QLE"[:20] for n in range(10, 16)),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abc.sflKxwRJSMeKKF2QT4",
    "hf_abcdefghijklmnopqrstuv",
]
PROGRAM = f"""
KEYS = {json.dumps(KEYS)}
for key in KEYS:
    print("Authorization:", key)
segment_sam3_text_prompt(get_observation()["scene"]["rgb"], KEYS[0] + " cube")
raise ValueError("401 for https://api.example.org with " + KEYS[1])
"""


def test_keys_of_a_program_are_in_no_file_and_no_answer(bench) -> None:  # type: ignore[no-untyped-def]
    path = bench.program(PROGRAM)
    answer = bench.run("exec", path, "--task", "cube_lift", "--seed", "1", "--json")
    session = answer.json["session"]
    assert answer.json["program"]["ended"] == "raised"
    assert answer.json["stdout"].count("[redacted:") == len(KEYS)
    packed = bench.home / "packed.db"
    said = [answer.out, answer.err]
    for words in (
        ("sessions", "pack", session, str(packed), "--json"),
        ("sessions", "show", session, "--json"),
        ("trace", session, "--json"),
        ("trace", session, "--trial", "1", "--call", "1", "--json"),
    ):
        done = bench.run(*words)
        assert done.code == 0, done.err
        said += [done.out, done.err]
    files = [p for root in (bench.home, bench.runtime) for p in root.rglob("*") if p.is_file()]
    assert any(p.suffix == ".log" for p in files) and packed in files
    held = {p: p.read_bytes() for p in files if p != Path(path)}
    for key in KEYS:
        assert not any(key in text for text in said)
        assert [p for p, data in held.items() if key.encode() in data] == []


@pytest.fixture
def small_disk(bench) -> Iterator[Path]:  # type: ignore[no-untyped-def]
    folder = bench.home / "sessions"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small disk here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_the_reason_is_in_the_session(bench, small_disk) -> None:  # type: ignore[no-untyped-def]
    (bench.home / "settings.toml").write_text("[sessions]\nleast_free_gb = 0\n")
    lift = Path(__file__).parents[2] / "docs" / "examples" / "lift.py"
    done = bench.run(
        "exec", str(lift), "--task", "cube_lift", "--seed", "3", "--trials", "60", "--json"
    )
    assert done.code == 5, done.err
    (session,) = small_disk.glob("*.db")
    with SessionReader(session) as reader:
        ended = reader.snapshot().ended
        assert ended is not None and ended.stopped_by == "fault"
        assert ended.reason == "disk full, cell stopped"
        codes = [n.code for n in reader.snapshot().notes]
        assert codes.count("disk_full") == 1
        assert reader.verify() == []
        assert 0 < reader.snapshot().trials_closed < 60
    assert os.statvfs(small_disk).f_bavail > 0, "the reserve was given back"


def test_a_trial_is_refused_while_there_is_room_to_say_so(bench) -> None:  # type: ignore[no-untyped-def]
    (bench.home / "settings.toml").write_text("[sessions]\nleast_free_gb = 1e9\n")
    lift = Path(__file__).parents[2] / "docs" / "examples" / "lift.py"
    done = bench.run("exec", str(lift), "--task", "cube_lift", "--seed", "3")
    assert done.code == 5 and "sessions prune" in done.err
    (session,) = (bench.home / "sessions").glob("*.db")
    with SessionReader(session) as reader:
        assert reader.snapshot().trials_opened == 0
        assert reader.snapshot().notes[-1].code == "no_room"
        assert reader.verify() == []
