"""A slice of ``python -m tests.stress frames``: nothing a sender writes ends a reader otherwise."""

from __future__ import annotations

import random

import pytest

from tests.stress.decoders import all_decoders
from tests.stress.mutation import Mutator
from tests.stress.stress_frames import one

SLICE = 1500
NAMES = (
    "sandbox calls", "engine commands", "engine replies", "cell/1 requests", "cell/1 replies",
    "session events", "session files", "agent messages", "skill SKILL.md", "skill skill.toml",
    "skill evidence.json", "skill sketches", "task files", "cell files", "program texts",
    "servo answers", "GELLO answers", "portal answers", "camera pictures", "fault lines",
    "openpi answers", "LeRobot answers", "mask server answers", "masks at a pixel",
    "pointing model answers",
)  # fmt: skip


@pytest.fixture(scope="module")
def decoders():
    with all_decoders() as made:
        yield {decoder.name: decoder for decoder in made}


def test_every_decoder_is_here(decoders):
    assert set(decoders) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_mutated_messages_are_accepted_or_refused_and_nothing_else(decoders, name):
    few = {"session files": 40, "task files": 100, "cell files": 60, "program texts": 400}
    many = 150 if name.startswith("skill") else few.get(name, SLICE)
    result = one(decoders[name], many, seed=7)
    assert result.ok, result.found


@pytest.mark.parametrize("name", NAMES)
def test_unchanged_messages_are_accepted(decoders, name):
    """A decoder that refuses everything would pass the test above."""
    decoder = decoders[name]
    accepted = 0
    for seed in decoder.seeds:
        try:
            accepted += decoder.read(seed)
        except decoder.refusals:
            continue
    assert accepted >= len(decoder.seeds) * 0.6


def test_mutations_are_repeatable_and_change_something():
    seeds = [b'{"proto":1,"id":"a-1"}' * 3]
    draw = [Mutator(random.Random(3), seeds) for _ in range(2)]
    first, second = ([m.draw() for _ in range(200)] for m in draw)
    assert first == second
    assert sum(data != seeds[0] for data in first) > 180
