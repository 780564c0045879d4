"""Programs in turns: a tier of one turn, a tier of several, and proposals side by side that are
joined; whole runs by a scripted model that reads what is told and knows no answers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from aspire_tui.domain import Tokens
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import catalogue
from aspire_tui.events import HypothesisOpened, SkillProposed, TokensUsed
from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.e2e.test_llm import answered, run
from tests.improvement.apprentice import asks_for_another_thing, reaches_too_high
from tests.improvement.loopback import Asked, Loopback, counts
from tests.improvement.writer import UNSEEN, Writer


def told_exactly(loopback: Loopback, session: Path) -> None:
    """Every token of every answer is in the session, once."""
    with SessionReader(session) as reader:
        used = [r.event.tokens for r in reader.events() if isinstance(r.event, TokensUsed)]
        assert reader.verify() == []
    pairs = [counts(asked, says) for asked, says in answered(loopback)]
    total = sum(used, Tokens())
    assert len(used) == len(pairs)
    assert (total.input, total.output) == tuple(sum(n) for n in zip(*pairs, strict=True))


def opened(session: Path) -> list[HypothesisOpened]:
    with SessionReader(session) as reader:
        return [r.event for r in reader.events() if isinstance(r.event, HypothesisOpened)]


def offered_primitives(asked: Asked) -> set[str]:
    """Names in the index of primitives as the model was sent it."""
    index = asked.told[0].text.partition("Index of primitives:\n")[2].split("\n\n")[0]
    return {line.partition("(")[0] for line in index.splitlines()}


@pytest.mark.long
def test_a_tier_of_one_turn_is_one_program_on_its_primitives(bench: Bench) -> None:
    with Loopback(Writer(lambda program, _: program)) as loopback:
        done = run(bench, loopback, "anthropic", "--tier", "S2", "--preset", "single-turn")
    assert done.code == 0, done.err
    assert done.json["outcome"] == "PASS"
    assert offered_primitives(loopback.asked[0]) == set(catalogue(ALL, "capx", "S2"))
    assert len(loopback.asked) == 1 and loopback.asked[0].tools == ()
    session = Path(done.json["session"])
    assert len(opened(session)) == 1
    told_exactly(loopback, session)


def test_a_tier_of_turns_sees_its_failure_in_pictures_and_words_and_mends_it(bench: Bench) -> None:
    with Loopback(Writer(asks_for_another_thing)) as loopback:
        done = run(bench, loopback, "openai-chat", "--tier", "M3")
    assert done.code == 0, done.err
    session = Path(done.json["session"])
    first, second = opened(session)
    assert second.parent == first.hypothesis and "NOT_FOUND" in second.claim
    assert done.json["best"]["hypothesis"] == second.hypothesis
    assert offered_primitives(loopback.asked[0]) == set(catalogue(ALL, "capx", "S2"))
    differences = [a for a in loopback.asked if "before and after a program" in a.instructions]
    assert [a.images for a in differences] == [2]  # of what passed in a worker none are kept
    turns = [a for a in loopback.asked if a not in differences]
    assert turns[-1].flat().count(UNSEEN) == 1 and turns[-1].images == 0
    with SessionReader(session) as reader:
        assert {p.name for p in reader.attachments("prompt")} == {"program", "difference"}
    told_exactly(loopback, session)


@pytest.mark.long
def test_proposals_of_two_models_are_joined_and_what_held_becomes_a_skill(bench: Bench) -> None:
    with Loopback(Writer(reaches_too_high)) as loopback:
        done = run(
            bench, loopback, "anthropic", "--preset", "cap-agent0",
            "--model", "anthropic:claude-haiku-4-5,openai-chat:gpt-5.2",
        )  # fmt: skip
    assert done.code == 0, done.err
    session = Path(done.json["session"])
    programs = opened(session)
    joined = [a for a in loopback.asked if "Several proposals" in a.instructions]
    assert len(joined) == len(programs) + 1 and all(
        a.flat().count("Proposal ") == 9 for a in joined
    )
    proposals = [a for a in loopback.asked if a.instructions == loopback.asked[0].instructions]
    heat = Counter(a.temperature for a in proposals)
    assert heat == {n / 10: len(joined) for n in range(1, 10)}
    assert {a.protocol for a in proposals} == {"anthropic", "openai-chat"}
    assert [h.parent for h in programs[1:]] == [h.hypothesis for h in programs[:-1]]
    with SessionReader(session) as reader:
        ran = {t.hypothesis: t.outcome for t in reader.trials() if t.seed_set == "dev"}
        (skill,) = [r.event for r in reader.events() if isinstance(r.event, SkillProposed)]
        call = reader.call(skill.trial, skill.call)
        assert {p.name for p in reader.attachments("prompt")} == {
            "program", "synthesis", "difference", "lesson",
        }  # fmt: skip
    assert ran[skill.hypothesis] == "PASS" and ran[skill.hypothesis - 1] == "FAIL"
    assert call is not None and call.result is not None
    assert skill.name == f"after-{call.result.status.lower().replace('_', '-')}"
    assert done.json["best"]["hypothesis"] == programs[-1].hypothesis
    told_exactly(loopback, session)
