"""What a host answers, without sockets: one desk, one kinematic cell, clocks by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand import DT_S, Stand, smooth

from drivers.desk import REPLIES_KEPT_S, CommandDesk
from drivers.lease import LEASE_TTL_S, WATCHDOG_S
from drivers.rate import TokenBucket
from drivers.rows import pack_trajectory
from drivers.wire import (
    Abort,
    AckStop,
    Await,
    Enable,
    GetEvents,
    GetSamples,
    GetStatus,
    Grip,
    Hello,
    LeaseAcquire,
    LeaseRelease,
    LeaseRenew,
    Pause,
    Ping,
    ReleaseTorque,
    Reply,
    Request,
    Resume,
    Shutdown,
    Speed,
    Stop,
    TrajStart,
    decode_reply,
    encode,
)

SESS = "boot-1"


class Desk:
    """A desk with its cell; ``say`` is one client's message."""

    def __init__(self) -> None:
        self.stand = Stand()
        self.stand.core.open()
        self.wall_s = 1000.0
        self.gone: list[str] = []
        self.desk = CommandDesk(self.stand.core, SESS, lambda: self.wall_s, self.gone.append)
        self.ids = (f"id-{n}" for n in itertools.count())

    def say(self, body, **envelope) -> Reply | None:  # type: ignore[no-untyped-def]
        most = envelope.pop("most", "admin")
        envelope = {
            "id": next(self.ids), "role": "operator", "who": "ann", "sess": SESS,
            "expires_ns": int((self.wall_s + 1.0) * 1e9), **envelope,
        }  # fmt: skip
        raw = self.desk.handle(encode(Request(body=body, **envelope)), b"peer", most)
        return None if raw is None else decode_reply(raw)

    def refused(self, body, **envelope) -> str:  # type: ignore[no-untyped-def]
        reply = self.say(body, **envelope)
        assert reply is not None and not reply.ok and reply.error is not None
        assert reply.error.text and "\n" not in reply.error.text
        return reply.error.code

    def lease(self, **envelope) -> str:  # type: ignore[no-untyped-def]
        return self.say(LeaseAcquire(), **envelope).body.lease  # type: ignore[union-attr]

    def step(self, ticks: int = 1, renew: str = "") -> None:
        for _ in range(ticks):
            self.wall_s += DT_S
            if renew:
                self.say(LeaseRenew(), lease=renew)
            self.stand.step()
            self.desk.watch_owner()

    def start(self, lease: str, goal: float = 1.0, duration_s: float = 2.0, **envelope) -> Reply:  # type: ignore[no-untyped-def]
        held = list(self.stand.core.status().arms[0].q_cmd_rad)
        for part in pack_trajectory(smooth(held, [goal, *held[1:]], duration_s), "key"):
            assert self.say(part, lease=lease).ok  # type: ignore[union-attr]
        return self.say(TrajStart("left", "key"), lease=lease, **envelope)  # type: ignore[return-value]

    @property
    def state(self) -> str:
        return self.stand.core.status().state


@pytest.fixture
def desk() -> Desk:
    return Desk()


LOOKING = [Hello(), Ping(), GetStatus(), GetEvents(0), GetSamples("left", 0.0), Stop("x")]
OWNED = [Enable(), Grip("left", 0.04, 5.0), TrajStart("left", "k"), Pause(1.0), Speed(0.5)]
OPERATORS = [Resume(), AckStop(), ReleaseTorque(), LeaseAcquire(), Shutdown(), Enable(), Speed(1.0)]


@pytest.mark.parametrize("body", LOOKING)
@pytest.mark.parametrize("role", ["viewer", "agent", "operator"])
def test_anybody_may_look_and_stop(desk: Desk, body, role: str) -> None:  # type: ignore[no-untyped-def]
    assert desk.say(body, role=role).ok  # type: ignore[union-attr]


@pytest.mark.parametrize("body", OWNED)
def test_moving_needs_the_lease(desk: Desk, body) -> None:  # type: ignore[no-untyped-def]
    assert desk.refused(body) == "no_lease"
    desk.lease(who="bob")
    assert desk.refused(body, lease="made up") == "no_lease"
    desk.step(20)
    assert desk.stand.arm.written == []


@pytest.mark.parametrize("body", OPERATORS)
@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_an_agent_never_enables_acks_resumes_or_takes(desk: Desk, body, role: str) -> None:  # type: ignore[no-untyped-def]
    lease = desk.lease()
    assert desk.refused(body, role=role, lease=lease) == "role"
    assert desk.refused(body, role="operator", most=role, lease=lease) == "role"
    assert desk.gone == []


def test_an_agent_moves_with_a_lease_lent_to_it(desk: Desk) -> None:
    lease = desk.lease()
    assert desk.say(Grip("left", 0.02, 5.0), role="agent", lease=lease).ok  # type: ignore[union-attr]
    desk.step()
    assert desk.state == "RUN"


def test_one_owner_at_a_time(desk: Desk) -> None:
    lease = desk.lease(who="ann")
    assert desk.refused(LeaseAcquire(), who="bob") == "leased"
    desk.say(LeaseRelease(), lease=lease)
    assert desk.lease(who="bob") != lease
    assert desk.refused(Speed(0.5), lease=lease) == "no_lease"


def test_control_is_taken_only_at_rest(desk: Desk) -> None:
    lease = desk.lease()
    desk.start(lease)
    desk.step(10, renew=lease)
    assert desk.refused(LeaseAcquire(take=True), who="bob") == "busy"
    desk.say(Stop("bob wants it"), who="bob", role="viewer")
    desk.step(60, renew=lease)
    assert desk.say(LeaseAcquire(take=True), who="bob").ok  # type: ignore[union-attr]
    desk.step(2)
    assert desk.refused(LeaseRenew(), lease=lease) == "no_lease"


def test_a_silent_owner_of_a_moving_cell_trips_the_watchdog(desk: Desk) -> None:
    lease = desk.lease(who="ann")
    ticket = desk.start(lease).body.ticket  # type: ignore[union-attr]
    desk.step(50, renew=lease)
    assert desk.state == "RUN"
    desk.step(int(WATCHDOG_S / DT_S))
    assert desk.state == "RUN", "not before its time"
    desk.step(3)
    status = desk.stand.core.status()
    assert (status.state, status.held, status.who) == ("HOLD", True, "watchdog")
    assert "ann" in status.cause
    desk.step(int(LEASE_TTL_S / DT_S))
    assert desk.stand.core.status().lease is None
    ended = desk.say(Await(ticket, 0)).body  # type: ignore[union-attr]
    assert ended.done and ended.motion.status == "STOPPED"


def test_a_silent_owner_of_a_resting_cell_only_loses_the_lease(desk: Desk) -> None:
    desk.lease()
    desk.step(int(LEASE_TTL_S / DT_S) + 5)
    status = desk.stand.core.status()
    assert (status.state, status.held, status.lease) == ("HOLD", False, None)


def test_time_in_which_the_host_did_not_listen_is_not_the_owners_silence(desk: Desk) -> None:
    lease = desk.lease()
    desk.start(lease)
    desk.step(30, renew=lease)
    desk.wall_s += 3.0
    desk.desk.watch_owner()
    desk.step(1)
    assert desk.state == "RUN"


def test_a_repeated_id_is_answered_from_memory(desk: Desk) -> None:
    lease = desk.lease()
    first = desk.start(lease, id="once")
    again = desk.say(TrajStart("left", "key"), id="once", lease=lease)
    assert again == first
    assert desk.refused(TrajStart("left", "key"), id="another", lease=lease) == "not_loaded"
    assert [e.code for e in desk.stand.core.events(0)].count("transition") == 3, "started once"


def test_memory_of_ids_is_bounded_in_time(desk: Desk) -> None:
    lease = desk.lease()
    desk.say(Speed(0.5), id="old", lease=lease)
    desk.wall_s += REPLIES_KEPT_S + 1.0
    desk.say(Speed(0.6), id="new", lease=lease)
    assert list(desk.desk._replies) == ["new"]


def test_a_late_command_is_refused(desk: Desk) -> None:
    lease = desk.lease()
    old = int((desk.wall_s - 0.001) * 1e9)
    assert desk.refused(Grip("left", 0.02, 5.0), lease=lease, expires_ns=old) == "expired"
    assert desk.refused(Grip("left", 0.02, 5.0), lease=lease, expires_ns=0) == "malformed"
    desk.step(5)
    assert desk.stand.arm.written == []


def test_a_command_for_an_earlier_boot_is_refused_but_a_stop_is_not(desk: Desk) -> None:
    lease = desk.lease()
    assert desk.refused(Grip("left", 0.02, 5.0), lease=lease, sess="boot-0") == "restarted"
    assert desk.say(Stop("x"), sess="boot-0").ok  # type: ignore[union-attr]


def test_another_major_version_is_refused(desk: Desk) -> None:
    assert desk.refused(Hello(), v=2) == "version"


def test_a_motion_is_awaited_until_it_ends(desk: Desk) -> None:
    lease = desk.lease()
    ticket = desk.start(lease, duration_s=1.5).body.ticket  # type: ignore[union-attr]
    assert desk.say(Await(ticket, 2000), id="wait") is None
    replies = []
    for _ in range(180):
        desk.step(renew=lease)
        replies += desk.desk.ready()
        if replies:
            break
    ((peer, raw),) = replies
    reply = decode_reply(raw)
    assert (peer, reply.id, reply.body.done) == (b"peer", "wait", True)  # type: ignore[union-attr]
    assert reply.body.motion.status == "OK"  # type: ignore[union-attr]
    assert desk.say(Await(ticket, 2000)).body.done, "asking again is harmless"  # type: ignore[union-attr]


def test_an_await_that_runs_out_says_not_done(desk: Desk) -> None:
    lease = desk.lease()
    ticket = desk.start(lease).body.ticket  # type: ignore[union-attr]
    assert desk.say(Await(ticket, 100)) is None
    desk.step(12, renew=lease)
    ((_, raw),) = desk.desk.ready()
    assert decode_reply(raw).body.done is False  # type: ignore[union-attr]


def test_parts_that_are_missing_do_not_start(desk: Desk) -> None:
    lease = desk.lease()
    long = smooth([0.0] * 3, [1.0, 0.0, 0.0], 60.0, knots=2000)
    parts = pack_trajectory(long, "key")
    assert len(parts) > 2
    for part in parts[:-1]:
        desk.say(part, lease=lease)
    assert desk.refused(TrajStart("left", "key"), lease=lease) == "not_loaded"


def test_any_operator_may_abort_and_the_owner_resumes(desk: Desk) -> None:
    lease = desk.lease(who="ann")
    desk.start(lease)
    desk.step(30, renew=lease)
    assert desk.say(Abort(), who="bob").ok  # type: ignore[union-attr]
    desk.step(60, renew=lease)
    assert desk.state == "HOLD"
    desk.say(Stop("x"), who="bob")
    desk.step(1, renew=lease)
    assert desk.refused(Resume(), who="bob") == "no_lease"
    assert desk.say(Resume(), lease=lease).ok  # type: ignore[union-attr]


def test_shutdown_is_passed_on(desk: Desk) -> None:
    desk.say(Shutdown(), who="bob")
    assert desk.gone == ["bob"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_answered_and_moves_nothing(raw: bytes) -> None:
    desk = Desk()
    reply = desk.desk.handle(raw)
    assert reply is not None and not decode_reply(reply).ok
    desk.step(3)
    assert desk.stand.arm.written == []


def test_the_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    now = [0.0]
    bucket = TokenBucket(100.0, 10.0, lambda: now[0])
    assert [bucket.take() for _ in range(12)].count(True) == 10
    now[0] = 0.05
    assert [bucket.take() for _ in range(12)].count(True) == 5
