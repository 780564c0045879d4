"""Why an act cannot be done now, and what it asks first. Pure."""

from __future__ import annotations

from aspire_tui.session.snapshot import Snapshot
from aspire_tui.tui.situation import STANDING_STATES, Confirm, Situation


def no_engine(now: Situation) -> str | None:
    if now.mode == "replay":
        return "replay: no cell attached"
    if not now.engine:
        return "no engine attached"
    if now.snapshot.ended is not None:
        return "the run has ended"
    return "the engine is gone" if now.engine_gone else None


def no_motion(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    if now.stale:
        return "the cell's state is stale"
    if now.estop in ("PRESSED", "UNKNOWN"):
        return f"e-stop is {now.estop}"
    state = now.cell_state.split(" ")[0]
    return f"cell is {state}" if state in STANDING_STATES else None


def no_hold(now: Situation) -> str | None:
    if now.mode == "replay":
        return "replay: no cell attached"
    return None if now.stop or (now.engine and not now.engine_gone) else "no cell attached"


def no_resume(now: Situation) -> str | None:
    refused = no_motion(now)
    if refused:
        return refused
    stands = now.held or now.snapshot.phase.phase == "held" or now.snapshot.standing is not None
    return None if stands or now.snapshot.mode.stepping else "nothing is held"


def no_trial(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    trial = now.snapshot.bench
    return None if trial is not None and trial.open else "no trial at the bench"


def no_standing(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    return None if now.snapshot.standing is not None else "no call stands"


def no_standing_motion(now: Situation) -> str | None:
    return no_standing(now) or no_motion(now)


def no_bench(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    session = now.snapshot.session
    attended = session is None or session.spec.attended
    return None if attended else "a headless session has no bench"


def no_dry_run(now: Situation) -> str | None:
    return no_bench(now) or no_program(now)


def no_list(now: Situation) -> str | None:
    return "replay: no cell attached" if now.mode == "replay" else None


def no_camera(now: Situation) -> str | None:
    if now.mode == "replay":
        return "replay: no cell attached; o shows what a call saw"
    return None if now.eyes else "no camera can be looked through from here"


def only_replay(now: Situation) -> str | None:
    return None if now.mode == "replay" else "only in a replay"


def no_picture(now: Situation) -> str | None:
    if now.pictures:
        return None
    in_worker = now.shown is not None and now.shown.where == "worker"
    return "trials in workers keep no pictures" if in_worker else "this call kept no picture"


def no_program(now: Situation) -> str | None:
    return None if now.program else "no program yet"


def no_search(now: Situation) -> str | None:
    return None if now.searching else "search first with /"


def ask_resume(now: Situation) -> Confirm:
    call, stood = now.snapshot.in_flight, now.snapshot.standing
    if stood is not None and not now.snapshot.phase.cause.startswith("HOLD"):
        end = f" ({stood.preview.status})" if stood.preview.status != "OK" else ""
        return Confirm(f"Run on? {stood.primitive} (call {stood.call}) runs{end}.", "run")
    what = (
        f"{call.primitive} (call {call.call}) goes on, motion from the measured pose"
        if call is not None
        else "the next call may move"
    )
    return Confirm(f"Resume? {what}.", "resume")


def ask_abort(now: Situation) -> Confirm:
    trial = now.snapshot.bench
    name = f"trial {trial.trial}" if trial else "the trial"
    return Confirm(f"Abort {name}? HOLD, then its program ends.", "abort")


def ask_end(_: Situation) -> Confirm:
    return Confirm("End the run? HOLD, last trial closed, engine exits.", "end run")


def ask_detach(now: Situation) -> Confirm | None:
    if now.mode == "replay" or now.snapshot.ended is not None or now.engine_gone:
        return None
    return Confirm(f"Detach? {what_goes_on(now.snapshot)}", "detach", default="go")


def what_goes_on(snapshot: Snapshot) -> str:
    """What the engine keeps doing when nobody looks."""
    trial = snapshot.trial
    if snapshot.mode.agent_paused:
        doing = "agent paused"
    elif trial is not None and trial.open:
        doing = f"trial {trial.trial} {snapshot.phase.phase.replace('_', ' ')}"
        doing = f"trial {trial.trial} in a worker" if trial.where == "worker" else doing
    else:
        doing = snapshot.phase.phase.replace("_", " ")
    return f"The engine goes on: {doing}."


def no_take(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    return "control is yours" if now.people.mine else None


def no_approval(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    return None if now.snapshot.people.asked_program else "no program waits for approval"


def no_grant(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    return None if now.people.policy == "hold" else "this cell goes on without people"


def no_agent(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    session = now.snapshot.session
    has_agent = session is None or session.spec.verb == "run"
    return None if has_agent else "this session has no agent"


def no_question(now: Situation) -> str | None:
    refused = no_agent(now)
    if refused:
        return refused
    agent = now.snapshot.agent
    open_now = agent.asked is not None and not agent.asks_permission
    return None if open_now else "the agent asks nothing"


def no_permission(now: Situation) -> str | None:
    refused = no_agent(now)
    if refused:
        return refused
    agent = now.snapshot.agent
    open_now = agent.asked is not None and agent.asks_permission
    return None if open_now else "the agent asks for no permission"


def ask_approve(now: Situation) -> Confirm:
    people = now.snapshot.people
    facts = people.asked_facts
    calls = facts.get("primitives")
    told = ", ".join(f"{n} ×{k}" for n, k in calls.items()) if isinstance(calls, dict) else ""
    where = f"cell {facts.get('state', 'unknown')} at {facts.get('speed', '?')} of full speed"
    return Confirm(f"Run program {people.asked_program[:8]}? {where}; calls {told}.", "approve")


def ask_revoke(now: Situation) -> Confirm | None:
    if now.people.grant_until_s is None:
        return None
    return Confirm("End the unattended grant? Without people the cell holds.", "end it")


SPEED_STEPS = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0)


def next_speed(speed: float, up: bool) -> float:
    """The step above or below a speed override."""
    if up:
        return next((s for s in SPEED_STEPS if s > speed + 1e-3), SPEED_STEPS[-1])
    return next((s for s in reversed(SPEED_STEPS) if s < speed - 1e-3), SPEED_STEPS[0])


def no_free_bench(now: Situation) -> str | None:
    refused = no_bench(now) or no_motion(now)
    if refused:
        return refused
    trial = now.snapshot.bench
    busy = trial is not None and trial.open
    if now.held or (busy and now.snapshot.phase.phase == "held"):
        return "the cell is held; R resumes first"
    return "a trial is at the bench; p pauses the agent, A aborts the trial" if busy else None


def no_closed_trial(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    closed = now.shown is not None and now.shown.closed_seq is not None
    return None if closed else "the shown trial is not judged yet"


def no_failed_trial(now: Situation) -> str | None:
    refused = no_agent(now)
    if refused:
        return refused
    return None if now.shown is not None else "no trial yet"


def no_session(now: Situation) -> str | None:
    return None if now.snapshot.session is not None else "nothing is recorded yet"


def no_hypotheses(now: Situation) -> str | None:
    return None if now.snapshot.hypotheses_opened else "this session has no hypotheses"


def no_program_here(now: Situation) -> str | None:
    return only_replay(now) or (None if now.shown is not None else "no trial here")


def no_faster(now: Situation) -> str | None:
    return (
        no_bench(now)
        or no_motion(now)
        or ("at full speed" if now.speed >= SPEED_STEPS[-1] else None)
    )


def no_slower(now: Situation) -> str | None:
    return no_bench(now) or (
        f"{100 * now.speed:.0f} % is the least" if now.speed <= SPEED_STEPS[0] else None
    )


def ask_faster(now: Situation) -> Confirm | None:
    up = next_speed(now.speed, up=True)
    return Confirm(f"Faster? {100 * now.speed:.0f} % to {100 * up:.0f} % of full speed.", "faster")


def ask_home(_: Situation) -> Confirm:
    return Confirm("Go home? Puts down what is held, opens the gripper, then moves.", "home")


def ask_reset(_: Situation) -> Confirm:
    return Confirm("Reset? The scene is set anew and verified; the arm may move.", "reset")


def ask_verify(_: Situation) -> Confirm:
    return Confirm("Verify now? The arm may move away from the cameras.", "verify")


def ask_take(now: Situation) -> Confirm:
    trial = now.shown.trial if now.shown is not None else 0
    return Confirm(f"Leave, and run the program of trial {trial} on a cell?", "take along")


def no_tree(now: Situation) -> str | None:
    return no_agent(now) or no_hypotheses(now)


def no_editing(now: Situation) -> str | None:
    """While an editor has the terminal no key reaches the cell: it must be held already."""
    if not now.editor:
        return "no editor: set $EDITOR"
    session = now.snapshot.session
    if now.mode == "replay" or now.engine_gone or session is None or not session.spec.attended:
        return None
    held = now.held or now.snapshot.phase.phase == "held"
    return None if held else "$EDITOR opens only in HOLD"


def no_editing_tree(now: Situation) -> str | None:
    return no_tree(now) or no_editing(now)


def no_draft(now: Situation) -> str | None:
    refused = no_engine(now)
    if refused:
        return refused
    promotion = now.snapshot.promotion
    waits = promotion is not None and promotion.waits
    return None if waits else "no draft waits; P makes one"


def no_editing_draft(now: Situation) -> str | None:
    return no_draft(now) or no_editing(now)


def ask_abandon(now: Situation) -> Confirm:
    name = now.snapshot.promotion.skill if now.snapshot.promotion is not None else "it"
    return Confirm(f"Give up the draft of {name}? Its files go.", "give up")


def no_shown_trial(now: Situation) -> str | None:
    return None if now.shown is not None else "no trial yet"
