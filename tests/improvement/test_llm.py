"""A model through its real SDK against a loopback endpoint, in all three wire formats."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.llm.agent import LlmAgent, Vision
from aspire_tui.improvement.llm.asking import Asked as Model
from aspire_tui.improvement.llm.asking import Asking, ProviderLost
from aspire_tui.improvement.llm.presets import PRESETS, preset_named
from aspire_tui.improvement.llm.programs import ProgramWriter
from aspire_tui.improvement.llm.provider import (
    ModelChoice,
    check_price,
    choose_models,
    make_model,
)
from aspire_tui.improvement.llm.trouble import SILENT_TRIES, TRIES
from aspire_tui.session.redaction import Redactor
from tests.improvement.desk import Desk
from tests.improvement.loopback import (
    Answer,
    Asked,
    Breaks,
    Fails,
    Loopback,
    Protocol,
    Says,
    Script,
    Use,
)

NAMES: dict[Protocol, str] = {
    "anthropic": "claude-haiku-4-5",
    "openai": "gpt-5.2",
    "openai-chat": "gpt-5.2",
}
KEY = "sk-canary-0123456789abcdef"
KEYS = {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": KEY}
FINISH = Says("done", (Use("finish", json.dumps({"best": None, "summary": "s"})),))
PICTURE = {
    "trial": 1,
    "call": 1,
    "camera": "scene",
    "overlay": False,
    "width": 1,
    "height": 1,
    "media": "image/jpeg",
    "data": base64.b64encode(b"\xff\xd8\xff\xe0 jpeg").decode(),
}
every_protocol = pytest.mark.parametrize("protocol", list(NAMES))


class Waited(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def asking_of(desk: Desk, within_s: float = 20.0) -> tuple[Asking, Waited]:
    waited = Waited()
    asking = Asking(desk, Redactor([KEY]), within_s, sleep=waited, jitter=lambda: 0.0)  # type: ignore[arg-type]
    return asking, waited


def model_at(loopback: Loopback, protocol: Protocol) -> Model:
    choice = ModelChoice(protocol, NAMES[protocol], loopback.url(protocol))
    return Model(choice, make_model(choice, KEYS))


def converse(
    script: Script,
    protocol: Protocol,
    desk: Desk,
    *,
    vision: Vision = "native",
    longest: int = 120_000,
    within_s: float = 20.0,
) -> tuple[list[Asked], Waited, LlmAgent]:
    """Run one agent to its end; what the endpoint was asked, and how long it was waited."""
    asking, waited = asking_of(desk, within_s)
    with Loopback(script) as loopback:
        agent = LlmAgent(asking, model_at(loopback, protocol), PRESETS["aspire"], vision, longest)
        asyncio.run(agent.run())
    return loopback.asked, waited, agent


def in_turn(*answers: Answer) -> Script:
    left = list(answers)
    return lambda _: left.pop(0)


@every_protocol
def test_a_conversation_with_tools_streams_counts_and_finishes(protocol: Protocol) -> None:
    desk = Desk({"run": [{"trial": 1, "seed_index": 0, "outcome": "FAIL", "ended": "returned",
                          "reason": "it fell", "implicated": 4}]})  # fmt: skip
    args = json.dumps({"hypothesis": 1, "seed_indices": [0]})
    first = Says("I run it.", (Use("run", args),), input=100, cached=40, output=20, reasoning=7)
    last = Says("Enough.", FINISH.uses, input=300, cached=200, output=30)
    asked, _, agent = converse(in_turn(first, last), protocol, desk)
    assert agent.finished
    assert ("run", json.loads(args)) in desk.used
    assert list(desk.speech().values()) == ["I run it.", "Enough."]
    assert (desk.tokens.input, desk.tokens.cached, desk.tokens.output) == (160, 240, 50)
    assert desk.tokens.reasoning == (0 if protocol == "anthropic" else 7)
    assert desk.tokens.cost_usd > 0
    assert "scene 0: trial 1 FAIL" in next(iter(asked[1].results().values()))
    assert asked[0].instructions == asked[1].instructions != ""
    assert asked[0].key == KEY and "run" in asked[0].tools
    (prompt,) = [f for w, f in desk.reports if w == "prompt"]
    assert prompt == {"name": "aspire", "text": asked[0].instructions}


LIMITED = Fails(429, {"error": {"message": "slow\ndown"}}, {"Retry-After": "7"})
TROUBLES: list[tuple[Answer, str, float]] = [
    (LIMITED, "the provider says 429: slow down; again in 7 s", 7.0),
    (Fails(529, {"error": {"message": "Overloaded"}}), "the provider says 529: Overloaded", 1.0),
    (Fails(503, {"error": {"message": "away"}}), "the provider says 503: away", 1.0),
    (Breaks(Says("a long answer", FINISH.uses), after=4), "a broken answer", 1.0),
    (Breaks(Says("a long answer"), after=3), "a broken answer", 1.0),
]


@every_protocol
@pytest.mark.parametrize(("answer", "line", "wait_s"), TROUBLES)
def test_a_passing_trouble_is_said_in_one_line_and_waited_out(
    protocol: Protocol, answer: Answer, line: str, wait_s: float
) -> None:
    desk = Desk()
    asked, waited, agent = converse(in_turn(answer, FINISH), protocol, desk)
    assert agent.finished and len(asked) == 2
    (said,) = desk.said("error")
    assert said.startswith(line) and "\n" not in said and "Traceback" not in said
    assert waited == [wait_s]
    done = [f["done"] for w, f in desk.reports if w == "speech"]
    assert not done or done[-1], "a text that broke off is at its end"


@every_protocol
def test_silence_and_a_dripping_stream_run_into_the_time_limit(protocol: Protocol) -> None:
    desk = Desk()
    drips = Breaks(Says("slow words"), pause_s=0.4)
    asked, waited, agent = converse(in_turn(drips, FINISH), protocol, desk, within_s=1.0)
    assert agent.finished and len(asked) == 2 and waited == [1.0]
    assert desk.said("error")[0].startswith("no end of the answer in time")


@every_protocol
def test_a_provider_that_falls_silent_in_an_answer_is_given_up_after_three(
    protocol: Protocol,
) -> None:
    """The line stays open and nothing comes: each try costs the whole wait, so there are few."""
    desk = Desk()
    silent = Breaks(Says("I begin to", FINISH.uses), after=3, silent=True)
    why = f"no end of the answer in time; {SILENT_TRIES} tries failed"
    with pytest.raises(ProviderLost, match=why):
        converse(lambda _: silent, protocol, desk, within_s=0.3)
    assert desk.said("error") == [
        f"no end of the answer in time; again in {wait} s" for wait in (1, 2)
    ]
    assert "finish" not in desk.names()


def test_what_stays_the_same_is_marked_for_the_providers_cache() -> None:
    """Anthropic caches what is marked; the others the longest beginning they have seen before."""
    look = Says("", (Use("budget", "{}"),))
    asked, _, _ = converse(in_turn(look, FINISH), "anthropic", Desk())
    for request in asked:
        body = json.loads(request.body)
        assert "cache_control" in body["tools"][-1] and "cache_control" in body["system"][-1]
        assert body["cache_control"] == {"type": "ephemeral", "ttl": "5m"}, "up to the newest turn"
    for protocol in ("openai", "openai-chat"):
        first, second = converse(in_turn(look, FINISH), protocol, Desk())[0]
        assert second.flat().startswith(first.flat()), "what was sent once stays word for word"


@every_protocol
@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (401, {"message": "bad key", "type": "authentication_error"}, "the key is not accepted"),
        (404, {"message": "model x", "type": "not_found_error"}, "there is no such model"),
        (400, {"message": "tools.0: wrong", "type": "invalid_request_error"}, "tools.0: wrong"),
    ],
)
def test_what_will_not_pass_ends_the_agent_at_once(
    protocol: Protocol, status: int, body: dict[str, Any], line: str
) -> None:
    desk = Desk()
    fails = Fails(status, {"type": "error", "error": body | {"code": "model_not_found"}}
                  if status == 404 else {"type": "error", "error": body})  # fmt: skip
    with pytest.raises(ProviderLost, match=line):
        converse(in_turn(fails), protocol, desk)
    assert "finish" not in desk.names(), "a run whose provider is gone is not finished"


def test_a_provider_that_stays_away_is_given_up_after_some_tries() -> None:
    desk = Desk()
    away = Fails(503, {"error": {"message": "away"}})
    with pytest.raises(ProviderLost, match=f"{TRIES} tries failed"):
        converse(lambda _: away, "openai-chat", desk)
    assert len(desk.said("error")) == TRIES - 1


def test_nobody_listening_is_no_connection() -> None:
    desk = Desk()
    asking, waited = asking_of(desk)
    choice = ModelChoice("openai-chat", "m", "http://127.0.0.1:9/v1")
    agent = LlmAgent(asking, Model(choice, make_model(choice, {})), PRESETS["aspire"])
    with pytest.raises(ProviderLost, match="no connection to the provider"):
        asyncio.run(agent.run())
    assert waited == [1.0, 2.0, 4.0, 8.0, 16.0]


@every_protocol
def test_a_refusal_ends_the_agent_in_one_line(protocol: Protocol) -> None:
    with pytest.raises(ProviderLost, match="the model refused to answer"):
        converse(in_turn(Says("no", refuses=True)), protocol, Desk())


@every_protocol
def test_malformed_tool_calls_are_answered_with_what_is_wrong(protocol: Protocol) -> None:
    desk = Desk()
    wrong = Says(
        "",
        (
            Use("run", '{"hypothesis": 1, '),
            Use("fly", "{}"),
            Use("run", json.dumps({"hypothesis": "one", "seed_indices": [0]})),
            Use("call", json.dumps({"trial": 1, "call": 1, "set": "held_out"})),
        ),
    )
    asked, _, agent = converse(in_turn(wrong, FINISH), protocol, desk)
    assert agent.finished
    told = list(asked[1].results().values())
    assert "no JSON object" in told[0]
    assert "there is no tool fly; there are: task" in told[1]
    assert "hypothesis" in told[2] and "expected" in told[2].lower()
    assert "set" in told[3]
    assert "run" not in desk.names() and "call" not in desk.names()


@every_protocol
def test_an_answer_cut_at_its_length_is_not_taken_for_whole(protocol: Protocol) -> None:
    desk = Desk()
    cut = Says("I think", (Use("say", '{"text": "half'),), cut=True)
    asked, _, agent = converse(in_turn(cut, FINISH), protocol, desk)
    assert agent.finished and not desk.said("message")
    assert any("cut at its length limit" in t.text for t in asked[1].told)


@every_protocol
def test_a_context_overflow_folds_the_conversation_and_goes_on(protocol: Protocol) -> None:
    trace = [{"call": n, "line": n, "status": "OK", "duration_s": 1.0, "primitive": "p",
              "summary": "s" * 200} for n in range(1, 20)]  # fmt: skip
    desk = Desk({"calls": trace})
    look = [Says("", (Use("calls", json.dumps({"trial": n})),)) for n in range(1, 4)]
    over = Fails(
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "prompt is too long: 210000 tokens > 200000 maximum",
                "code": "context_length_exceeded",
            },
        },
    )
    asked, _, agent = converse(in_turn(*look, over, FINISH), protocol, desk)
    assert agent.finished
    assert desk.said("error") == ["the provider says 400: the conversation is too long"]
    spoken = [sum(len(t) for t in a.results().values()) for a in asked]
    assert spoken[4] < spoken[3] / 2
    assert asked[4].told[0] == asked[3].told[0], "the task is never folded"


def test_the_same_trace_is_never_sent_twice() -> None:
    trace = [{"call": 1, "line": 1, "status": "OK", "duration_s": 1.0, "primitive": "p",
              "summary": "seen-once"}]  # fmt: skip
    desk = Desk({"calls": trace})
    again = [Says("", (Use("calls", '{"trial":1}'),)), Says("", (Use("calls", '{"trial": 1}'),))]
    asked, _, _ = converse(in_turn(*again, FINISH), "openai-chat", desk)
    assert asked[-1].body.count("seen-once") == 1
    assert desk.names().count("calls") == 1


def test_a_long_conversation_is_folded_without_its_programs_and_keeps_findings() -> None:
    desk = Desk({"open_hypothesis": {"hypothesis": 1, "program": "", "findings": []}})
    program = "x = 1\n" * 400
    args = {"claim": "c", "difference": "d", "if_wrong": "i", "program": program, "parent": None}
    write = Says("FINDING: the left finger slips", (Use("open_hypothesis", json.dumps(args)),))
    answers = [write] + [Says("on", (Use("budget", "{}"),))] * 12
    asked, _, agent = converse(in_turn(*answers, FINISH), "anthropic", desk, longest=3_000)
    assert agent.finished
    assert program[:60] in asked[1].body.replace("\\n", "\n").replace("\\\\n", "\n")
    assert "x = 1" not in asked[-1].body
    assert "FINDING: the left finger slips" in asked[-1].body


@every_protocol
def test_vision_is_one_switch(protocol: Protocol) -> None:
    view = Says("", (Use("view", json.dumps({"trial": 1, "call": 1})),))
    for vision, images in (("native", 1), ("tool", 0), ("text", 0)):
        desk = Desk({"view": PICTURE})
        words = [Says("a red cube")] if vision == "tool" else []
        script = in_turn(view, *words, FINISH)
        asked, _, _ = converse(script, protocol, desk, vision=vision)  # type: ignore[arg-type]
        assert asked[-1].images == images, vision
        assert ("view" in asked[0].tools) == (vision != "text")
        if vision == "tool":
            assert asked[1].images == 1 and asked[1].tools == () and len(asked[1].told) == 1
            assert "a red cube" in asked[2].body
        if vision == "text":
            assert "view" not in desk.names()


def test_a_used_up_budget_is_told_lets_findings_be_written_and_stops() -> None:
    desk = Desk(budget_after=100)
    work = Says("", (Use("run", json.dumps({"hypothesis": 1, "seed_indices": [0]})),), input=120)
    words = Says(
        "",
        (
            Use("say", json.dumps({"text": "it slips", "role": "finding"})),
            Use("run", json.dumps({"hypothesis": 1, "seed_indices": [0]})),
            *FINISH.uses,
        ),
    )
    asked, _, agent = converse(in_turn(work, words), "anthropic", desk)
    assert agent.finished and len(asked) == 2
    assert "run" not in desk.names() and desk.said("finding") == ["it slips"]
    assert "used up" in asked[1].body
    assert set(asked[1].tools) == {"say", "propose_skill", "finish"}


def test_findings_in_the_answer_that_used_it_up_are_taken() -> None:
    desk = Desk(budget_after=100)
    asked, _, agent = converse(in_turn(Says("", FINISH.uses, input=120)), "openai", desk)
    assert agent.finished and len(asked) == 1


def test_what_the_operator_wrote_reaches_the_model_with_the_next_turn() -> None:
    messages = [["use the left gripper"], []]
    desk = Desk({"told": lambda _: {"messages": messages.pop(0) if messages else []}})
    asked, _, _ = converse(in_turn(Says("", (Use("budget", "{}"),)), FINISH), "openai", desk)
    assert "The operator writes: use the left gripper" in asked[1].body


class Interrupting(Desk):
    """Somebody writes, with a leading ``!``, as soon as the model has said something."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words

    def report(self, what: str, fields: Any) -> Any:
        answer = super().report(what, fields)
        if what != "standing":
            return answer
        speaks = any(w == "speech" and f["text"] for w, f in self.reports)
        return {"exhausted": "", "waiting": 1, "interrupts": bool(self.words) and speaks}

    def use(self, tool: str, args: Any) -> Any:
        if tool == "told":
            words, self.words = self.words, ""
            return {"messages": [words] if words else []}
        return super().use(tool, args)


@every_protocol
def test_an_interruption_breaks_the_answer_off_and_is_read_at_once(protocol: Protocol) -> None:
    desk = Interrupting("not that arm")
    slow = Breaks(Says("I will use the left arm. " * 4, FINISH.uses, input=70), pause_s=0.4)
    asked, _, agent = converse(in_turn(slow, FINISH), protocol, desk)
    assert agent.finished and len(asked) == 2
    assert "The operator writes: not that arm" in asked[1].told[-1].text
    assert "[broken off by the operator]" in asked[1].told[-2].text
    assert [a["summary"] for t, a in desk.used if t == "finish"] == ["s"]  # not the first one's
    known = protocol == "anthropic"  # says what it read before it answers
    assert desk.tokens.input >= (70 if known else 1)
    assert any("unknown, not zero" in text for text in desk.said("finding")) == (not known)


def test_a_writer_of_whole_programs_is_interrupted_as_well() -> None:
    desk = Interrupting("not that arm")
    slow = Breaks(Says("I will use the left arm. " * 4), pause_s=0.4)
    asking, _ = asking_of(desk)
    with Loopback(in_turn(slow, Says("FINISH"))) as loopback:
        model = model_at(loopback, "anthropic")
        asyncio.run(ProgramWriter(asking, [model], PRESETS["multi-turn"]).run())
    assert "The operator writes: not that arm" in loopback.asked[1].told[-1].text


def test_a_model_that_only_talks_is_reminded_once_and_then_left() -> None:
    desk = Desk()
    asked, _, agent = converse(in_turn(Says("hm"), Says("hm")), "anthropic", desk)
    assert not agent.finished and len(asked) == 2
    assert desk.said("error") == ["the model stopped using tools without finishing"]


@pytest.mark.parametrize("pieces", range(2, len(KEY), 5))
def test_a_key_in_a_streamed_text_is_not_passed_on_in_pieces(pieces: int) -> None:
    desk = Desk()
    text = "x" * (2 * pieces - len(KEY)) + f" the key {KEY} is secret " + "y" * pieces
    converse(in_turn(Says(text, FINISH.uses)), "openai-chat", desk)
    said = json.dumps(desk.reports)
    assert KEY not in said and KEY[:8] not in said and KEY[-8:] not in said
    assert "is secret" in "".join(desk.speech().values())


def test_no_price_is_said_once_and_tokens_are_counted() -> None:
    desk = Desk()
    asking, _ = asking_of(desk)
    with Loopback(in_turn(Says("", (Use("budget", "{}"),), input=10, output=1), FINISH)) as loop:
        choice = ModelChoice("openai-chat", "house-model-9", loop.url("openai-chat"))
        model = Model(choice, make_model(choice, {}))
        asyncio.run(LlmAgent(asking, model, PRESETS["aspire"]).run())
    assert len([t for t in desk.said("finding") if "no price is known" in t]) == 1
    assert desk.tokens.input > 10 and desk.tokens.cost_usd == 0.0


# -- programs in turns ---------------------------------------------------------------------------

FENCED = "It lifts.\n```python\nopen_gripper()\n```"


def ran(outcomes: list[str]) -> dict[str, Any]:
    number = iter(range(1, 20))
    trial = iter(range(1, 90))

    def opened(args: dict[str, Any]) -> dict[str, Any]:
        return {"hypothesis": next(number), "program": "", "findings": []}

    def run(args: dict[str, Any]) -> list[dict[str, Any]]:
        outcome = outcomes.pop(0) if args["bench"] else "PASS"
        return [{"trial": next(trial), "seed_index": i, "outcome": outcome, "ended": "returned",
                 "reason": "r", "implicated": 1} for i in args["seed_indices"]]  # fmt: skip

    row = {"call": 1, "line": 1, "status": "OK", "duration_s": 1.0, "primitive": "p", "summary": ""}
    return {"open_hypothesis": opened, "run": run, "calls": [row], "view": PICTURE, "call": row,
            "propose_skill": {"kept": True, "findings": []}}  # fmt: skip


def write_programs(script: Script, desk: Desk, preset: str, vision: Vision, models: int = 1):  # type: ignore[no-untyped-def]
    asking, _ = asking_of(desk)
    with Loopback(script) as loopback:
        protocols: list[Protocol] = ["anthropic", "openai-chat"]
        asked = [model_at(loopback, p) for p in protocols[:models]]
        asyncio.run(ProgramWriter(asking, asked, preset_named(preset), vision, dev_n=3).run())
    return loopback.asked


def test_single_turn_writes_one_program_and_is_judged_by_it() -> None:
    desk = Desk(ran(["FAIL"]))
    asked = write_programs(in_turn(Says(FENCED)), desk, "single-turn", "text")
    assert len(asked) == 1 and asked[0].tools == ()
    opened = dict(desk.used)["open_hypothesis"]
    assert opened["program"] == "open_gripper()\n" and opened["claim"] == "It lifts."
    assert desk.used[-1][0] == "finish" and desk.used[-1][1]["best"] == 1


def test_multi_turn_sees_what_happened_and_ends_with_finish() -> None:
    desk = Desk(ran(["FAIL", "PASS"]))
    script = in_turn(Says(FENCED), Says(FENCED), Says("FINISH"))
    asked = write_programs(script, desk, "multi-turn", "native")
    assert len(asked) == 3 and asked[1].images == 2 and asked[2].images == 4
    assert "scene 0: trial 1 FAIL" in asked[1].body
    assert desk.used[-1][1]["best"] == 2
    assert ("run", {"hypothesis": 2, "seed_indices": [1, 2]}) in desk.used


def test_cap_agent0_asks_many_joins_tells_the_difference_and_learns() -> None:
    desk = Desk(ran(["FAIL", "PASS"]))
    lesson = {"name": "look-twice", "description": "d", "when": "w", "why": "y", "sketch": "x = 1"}

    def script(asked: Asked) -> Says:
        if "before and after a program" in asked.instructions:
            return Says("the cube moved left")
        if "Make a lesson" in asked.instructions:
            return Says(json.dumps(lesson))
        if "Several proposals" in asked.instructions:
            return Says("FINISH" if asked.body.count("the cube moved left") == 2 else FENCED)
        return Says(FENCED)

    asked = write_programs(script, desk, "cap-agent0", "native", models=2)
    first = [a for a in asked if a.temperature not in (None, 0.2)][:9] + [
        a for a in asked if a.temperature == 0.2 and "Several" not in a.instructions
    ][:1]
    assert len({a.temperature for a in first}) >= 9
    assert {a.protocol for a in asked} == {"anthropic", "openai-chat"}
    differences = [a for a in asked if "before and after a program" in a.instructions]
    assert len(differences) == 2 and all(a.images == 2 for a in differences)
    joined = [a for a in asked if "Several proposals" in a.instructions]
    assert all(a.body.count("Proposal ") == 9 and a.temperature == 0.2 for a in joined)
    proposed = dict(desk.used)["propose_skill"]
    assert proposed == lesson | {"trial": 1, "call": 1, "hypothesis": 2}
    prompts = {f["name"] for w, f in desk.reports if w == "prompt"}
    assert prompts == {"program", "synthesis", "difference", "lesson"}
    total = sum(f["tokens"]["output"] for w, f in desk.reports if w == "tokens")
    assert total == desk.tokens.output and len(asked) == sum(w == "tokens" for w, _ in desk.reports)


# -- what was typed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "url", "line"),
    [
        ("claude", "", "PROVIDER:NAME"),
        ("antropic:x", "", "anthropic"),
        ("openai:x,azure:y", "", "azure"),
        ("openai:x", "ftp://h/", "expected https"),
        ("openai:x", "http://models.example.com/v1", "in the clear"),
        ("openai:x", "https://user:pass@h/v1", "no user, password"),
        ("openai:x", "https://h/v1?api_key=1", "no user, password"),
        ("openai:x", "https://[h", "base-url"),
    ],
)
def test_a_wrong_model_or_address_is_told_in_one_line(model: str, url: str, line: str) -> None:
    with pytest.raises(ConfigError, match=line) as told:
        choose_models(model, url)
    assert "\n" not in str(told.value) and "user:pass" not in str(told.value)


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="cap-agent0"):
        preset_named("cap-agent")
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY is not set"):
        make_model(ModelChoice("anthropic", "m"), {})


def test_a_limit_in_money_needs_a_price() -> None:
    check_price(ModelChoice("anthropic", "claude-haiku-4-5"))
    with pytest.raises(ConfigError, match="no price is known for openai-chat:house-model-9"):
        check_price(ModelChoice("openai-chat", "house-model-9", "http://localhost:1/v1"))
