from __future__ import annotations

from bench import Bench

from drivers.emu.succession import ALONE_S, Orphan


def test_an_emulator_whose_host_is_gone_ends_when_nobody_comes(bench: Bench) -> None:
    orphan = Orphan(bench.rig)
    now_s = orphan._needed_s
    assert not orphan.forgotten(now_s + 10 * ALONE_S)
    orphan._parent = -1
    assert not orphan.forgotten(now_s + 10 * ALONE_S + 2)
    bench.line.port.listening = True
    assert not orphan.forgotten(now_s + 20 * ALONE_S)
    bench.line.port.listening = False
    assert not orphan.forgotten(now_s + 20.5 * ALONE_S)
    assert orphan.forgotten(now_s + 21.5 * ALONE_S)
