"""The tool set, declared once: names, arguments and words for every kind of agent.

The rules agent calls them as methods (:class:`aspire_tui.improvement.tools.Tools`), a model gets
them as JSON schema, an outside agent through MCP: all cross one wire into the same handlers.
Nothing here reaches held-out seeds, the referee or simulator truth, and a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from aspire_tui.domain import JSON, Repair
from aspire_tui.improvement.edits import Edit


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every tool's arguments: unknown ones are refused by name."""


UNLISTED: Final = "x-unlisted"
"""Marks an argument that is left out of what a model reads: it follows from the others."""
_RULES_OF_CODE: Final = frozenset(
    {"title", "default", "minimum", "maximum", "exclusiveMaximum", "minLength", "maxLength",
     "minItems", "maxItems"}
)  # fmt: skip
"""Keys of a schema that a model need not read: the code holds to them, and its refusal says how."""

TrialNumber = Annotated[int, Meta(ge=1)]
CallNumber = Annotated[int, Meta(ge=1)]
HypothesisNumber = Annotated[int, Meta(ge=1)]
ProgramText = Annotated[str, Meta(max_length=200_000, description="Whole Python text.")]
Words = Annotated[str, Meta(max_length=4000)]
ShortWords = Annotated[str, Meta(max_length=400)]


class Nothing(Arguments, frozen=True):
    """No arguments."""


class Say(Arguments, frozen=True):
    text: Words
    role: Annotated[str, Meta(pattern="^(plan|message|finding|error)$")] = "message"


class PrimitiveName(Arguments, frozen=True):
    name: Annotated[str, Meta(max_length=80, description="As it stands in the index.")]


class SkillName(Arguments, frozen=True):
    name: Annotated[str, Meta(max_length=80)]


class OpenHypothesis(Arguments, frozen=True):
    claim: Annotated[str, Meta(max_length=400, description="What a trial can prove wrong.")]
    difference: Annotated[str, Meta(max_length=400, description="Against the parent, one change.")]
    if_wrong: Annotated[str, Meta(max_length=400, description="What the trace then shows.")]
    program: ProgramText = ""
    edits: Annotated[
        tuple[Edit, ...],
        Meta(max_length=50, description="Or: lines of the parent's program, replaced."),
    ] = ()
    draft: Annotated[str, Meta(max_length=64, description="Or: what apply_skill gave.")] = ""
    parent: Annotated[int | None, Meta(description="Made from this hypothesis.")] = None
    repairs: Annotated[tuple[Repair, ...], Meta(extra_json_schema={UNLISTED: True})] = ()


class RunProgram(Arguments, frozen=True):
    hypothesis: HypothesisNumber
    seed_indices: Annotated[
        tuple[Annotated[int, Meta(ge=0, lt=1000)], ...],
        Meta(min_length=1, max_length=50, description="Dev scenes, from 0; the same for all."),
    ]
    bench: Annotated[
        bool, Meta(description="At the bench for people to see, one by one; else in workers.")
    ] = False


class Trial(Arguments, frozen=True):
    trial: TrialNumber


class OneCall(Arguments, frozen=True):
    trial: TrialNumber
    call: CallNumber


class ViewPicture(Arguments, frozen=True):
    trial: TrialNumber
    call: CallNumber
    camera: Annotated[str, Meta(max_length=32, description="Empty: the first.")] = ""
    overlay: Annotated[bool, Meta(description="With what perception found drawn in.")] = True


class CompareTrials(Arguments, frozen=True):
    a: TrialNumber
    b: TrialNumber


SameProgram = Annotated[str, Meta(max_length=200_000, description="Leave out: that trial's.")]


class MatchSkills(Arguments, frozen=True):
    trial: TrialNumber
    call: CallNumber
    program: SameProgram = ""


class ApplySkill(Arguments, frozen=True):
    skill: Annotated[str, Meta(max_length=80)]
    trial: TrialNumber
    call: CallNumber
    program: SameProgram = ""
    parameters: dict[str, float] = {}


class OneHypothesis(Arguments, frozen=True):
    hypothesis: HypothesisNumber


class Borrow(Arguments, frozen=True):
    into: HypothesisNumber
    donor: Annotated[int, Meta(ge=1, description="Of another branch: what it changed is joined.")]


class Prune(Arguments, frozen=True):
    hypothesis: HypothesisNumber
    reason: Annotated[str, Meta(min_length=1, max_length=400, description="The next round reads.")]


class Race(Arguments, frozen=True):
    hypotheses: Annotated[tuple[HypothesisNumber, ...], Meta(min_length=1, max_length=64)]


class ProposeSkill(Arguments, frozen=True):
    name: Annotated[str, Meta(max_length=64, pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]
    description: ShortWords
    when: Annotated[str, Meta(max_length=400, description="The failure it answers, in words.")]
    why: Words
    sketch: Annotated[str, Meta(max_length=20_000, description="The lines that repair it.")]
    trial: TrialNumber
    call: CallNumber
    hypothesis: HypothesisNumber


class AskOperator(Arguments, frozen=True):
    question: ShortWords


class Finish(Arguments, frozen=True):
    summary: Words
    best: Annotated[int | None, Meta(description="Hypothesis to stand by; none: leave out.")] = None


@dataclass(frozen=True)
class Tool:
    """One tool: its name, arguments, and what a model reads about it."""

    name: str
    what: str
    arguments: type[Arguments]
    looks_only: bool = False
    """Changes nothing: no trial runs, nothing is decided."""

    def schema(self) -> dict[str, JSON]:
        """JSON schema of the arguments as a model reads it: short, without references."""
        schemas, defs = msgspec.json.schema_components(
            [self.arguments], ref_template="#/$defs/{name}"
        )
        top = defs.pop(self.arguments.__name__, schemas[0])
        lean: dict[str, JSON] = _lean(top, defs)
        lean.pop("description", None)
        return lean


def _lean(node: Any, defs: Mapping[str, Any]) -> Any:
    """A schema without what only the code needs, references resolved."""
    if isinstance(node, list):
        return [_lean(n, defs) for n in node]
    if not isinstance(node, Mapping):
        return node
    if "$ref" in node:
        inner = {**defs[str(node["$ref"]).rsplit("/", 1)[1]]}
        inner.pop("description", None)
        return _lean(inner, defs)
    some = [kind for kind in node.get("anyOf", ()) if kind != {"type": "null"}]
    if len(some) == 1:  # null is taken as well, but left out says the same
        node = {**{k: v for k, v in node.items() if k != "anyOf"}, **some[0]}
    kept = {k: v for k, v in node.items() if k not in _RULES_OF_CODE}
    if kept.get("additionalProperties") is False:
        del kept["additionalProperties"]
    if "properties" in kept:
        listed = {k: v for k, v in kept["properties"].items() if UNLISTED not in v}
        kept["properties"] = {k: _lean(v, defs) for k, v in listed.items()}
        if not kept.get("required"):
            kept.pop("required", None)
        return kept
    return {k: _lean(v, defs) for k, v in kept.items()}


_ALL: Final[tuple[Tool, ...]] = (
    Tool("task", "The task: instruction, objects, start, goal, limits.", Nothing, True),
    Tool("cell", "The cell: arms and limits, cameras, workspace.", Nothing, True),
    Tool("primitives", "Index of what a program may call, one line each.", Nothing, True),
    Tool("primitive", "One primitive: arguments, units, frame, statuses.", PrimitiveName, True),
    Tool("skills", "Index of the skill library with counted proof.", Nothing, True),
    Tool("skill", "One skill opened: when, why, code sketch.", SkillName, True),
    Tool("budget", "What is left of trials, minutes, tokens and cost.", Nothing, True),
    Tool(
        "open_hypothesis",
        "Put a program into the tree with a claim a trial can prove wrong: its text, or edits to "
        "the parent's, or a draft. Checked, not yet run.",
        OpenHypothesis,
    ),
    Tool("program", "The program of a hypothesis.", OneHypothesis, True),
    Tool(
        "run",
        "Run a hypothesis on dev scenes. Answers one line per trial; of failures that differ also "
        "the index of calls.",
        RunProgram,
    ),
    Tool("calls", "Index of a trial's calls: status, line, duration, one line.", Trial, True),
    Tool("call", "One call opened: arguments, answer, error.", OneCall, True),
    Tool("checks", "The verifier's checks of a trial: value, range, why.", Trial, True),
    Tool("view", "A picture a call used, as perception saw it.", ViewPicture, True),
    Tool("compare", "Two trials: the first call in which they differ.", CompareTrials, True),
    Tool("leaderboard", "Every hypothesis with its dev and selection results.", Nothing, True),
    Tool(
        "match_skills",
        "Skills whose failure signature fits a failing call, best first.",
        MatchSkills,
    ),
    Tool("apply_skill", "A skill spliced in at that call: a draft, its diff.", ApplySkill, True),
    Tool(
        "judge",
        "Run selection scenes against the parent; keep or prune, by the numbers.",
        OneHypothesis,
    ),
    Tool(
        "round",
        "What the next round of the search knows: how many candidates, the baseline, the best "
        "programs with trials they fail, what was given up and why, wishes, and whether to stop.",
        Nothing,
    ),
    Tool(
        "race",
        "Race open hypotheses on dev scenes by successive halving; survivors are judged on "
        "selection scenes, and branches that hold are joined and judged anew. One round.",
        Race,
    ),
    Tool(
        "borrow",
        "Join what another branch changed into this one (three-way). A new open hypothesis: judge "
        "it on selection scenes.",
        Borrow,
    ),
    Tool("prune", "Give a hypothesis up, with the reason the next round is told.", Prune),
    Tool(
        "propose_skill",
        "Offer a repair that held for the library. It waits for proof and the operator.",
        ProposeSkill,
    ),
    Tool("ask_operator", "Ask the person at the cell; TIMEOUT when nobody answers.", AskOperator),
    Tool("told", "What the operator wrote to you since you last asked.", Nothing, True),
    Tool("say", "Tell the operator something; plan and findings are kept.", Say),
    Tool("finish", "You are done; held-out scenes are then run once, by the engine.", Finish),
)

TOOLS: Final[Mapping[str, Tool]] = {tool.name: tool for tool in _ALL}


LAST_WORDS: Final = ("say", "propose_skill", "finish", "told")
"""What an agent whose budget is used up may still use."""


def read_arguments(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Checked arguments of a tool as a handler takes them.

    Raises:
        KeyError: There is no such tool.
        msgspec.ValidationError: What is wrong with which argument, in one line.
    """
    kind = TOOLS[name].arguments
    checked = msgspec.convert(dict(given), kind)
    return {f: getattr(checked, f) for f in kind.__struct_fields__}
