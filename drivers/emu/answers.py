"""What the emulator's own socket can be asked."""

from __future__ import annotations

from typing import Any

import msgspec

from drivers.emu import line_faults as line_faults
from drivers.emu import servo_faults as servo_faults
from drivers.emu.faults import Chaos, inject, listing
from drivers.emu.rig import Rig

NEWEST = 100


class Answers:
    """Carries out requests of the fault socket; wrong ones raise ValueError."""

    def __init__(self, rig: Rig, chaos: Chaos) -> None:
        self._rig = rig
        self._chaos = chaos

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        match request.get("do"):
            case "inject":
                args = request.get("args", {})
                return {"text": inject(self._rig, str(request.get("fault")), dict(args))}
            case "list":
                return {"faults": listing()}
            case "goals":
                return {"arms": self._goals(int(request.get("newest", NEWEST)))}
            case "goals_clear":
                for line in self._rig.lines:
                    line.bus.log.clear()
                return {}
            case "state":
                rig = self._rig
                moving = rig.hand.moving(rig.now_s)
                return {"arms": self._state(), "skipped_s": rig.skipped_s, "hand_moves": moving}
            case "chaos":
                return {"happened": self._chaos.happened}
            case other:
                raise ValueError(
                    f"cannot {other!r}; there are inject, list, goals, goals_clear, state, chaos"
                )

    def _goals(self, newest: int) -> dict[str, Any]:
        """The register log: per servo how many goals, how many outside, their extremes."""
        return {
            line.arm: {
                "servos": {
                    str(servo_id): {**msgspec.to_builtins(count), "allowed": list(allowed)}
                    for servo_id, count in sorted(line.bus.log.counts.items())
                    for allowed in [line.bus.log.allowed.get(servo_id, (-32767, 32767))]
                },
                "newest": msgspec.to_builtins(line.bus.log.newest(max(0, newest))),
            }
            for line in self._rig.lines
        }

    def _state(self) -> dict[str, Any]:
        return {
            line.arm: {
                "port": str(line.port.link),
                "device": line.port.device,
                "plugged": line.port.fd >= 0,
                "open": line.port.listening,
                "baud": line.port.baud(),
                "volts": round(line.supply.volts, 2),
                "instructions": line.bus.instructions,
                "stray": line.bus.reader.stray,
                "spoilt": line.bus.reader.spoilt,
                "servos": [
                    {
                        "id": s.servo_id,
                        "present": round(s.present(), 2),
                        "angle_rad": round(s.shaft.angle_rad, 5),
                        "torque": s.memory.cells[40],
                        "status": s.error(),
                        "load_Nm": round(s.shaft.torque_Nm, 3),
                        "celsius": round(s.body.temperature_C, 1),
                        "registers": s.memory.cells.hex(),
                    }
                    for s in line.bus.servos
                ],
            }
            for line in self._rig.lines
        }
