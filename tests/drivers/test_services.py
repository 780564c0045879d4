from __future__ import annotations

from pathlib import Path

import pytest
from hosts import until

from drivers.errors import CellFileError
from drivers.services import Services, ServiceSection

TELL = "import os, sys; os.write(int(sys.argv[-1]), {line!r}); {then}"
WAIT = "import time; time.sleep(60)"


def python(name: str, code: str, healthy: str = "", within_s: float = 20.0) -> ServiceSection:
    return ServiceSection(name, ("python", "-c", code), healthy, within_s)


def marks(folder: Path) -> list[str]:
    return (folder / "marks").read_text().split()


def test_services_start_in_order_and_end_in_the_other(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, time\n"
        "mark = lambda word: print(word, file=open('marks', 'a'))\n"
        "def end(*_):\n    mark('-{name}'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "mark('+{name}')\n"
        "{tell}\n"
        "time.sleep(60)\n"
    )
    first = code.format(name="one", tell="os.write(int(sys.argv[-1]), b'{\"ready\": true}\\n')")
    second = code.format(name="two", tell="open('two', 'w')")
    services = Services(
        [python("one", first, "ready-fd"), python("two", second, "file:two")], tmp_path
    )
    services.start()
    assert marks(tmp_path) == ["+one", "+two"] and services.ended() == []
    services.close()
    assert marks(tmp_path) == ["+one", "+two", "-two", "-one"]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (ServiceSection("x", ("/no/such/program",)), "No such file"),
        (ServiceSection("x", ()), "empty"),
        (python("x", "raise SystemExit(3)", "ready-fd"), "ended with 3"),
        (python("x", WAIT, "ready-fd", 0.3), "not healthy"),
        (python("x", WAIT, "by prayer"), "use ready-fd"),
        (
            python("x", TELL.format(line=b'{"ready": false, "error": "no GPU"}\n', then=WAIT),
                   "ready-fd"),
            "no GPU",
        ),
    ],
)  # fmt: skip
def test_a_service_that_does_not_come_up_is_named(
    tmp_path: Path, section: ServiceSection, words: str
) -> None:
    services = Services([python("before", WAIT), section], tmp_path)
    with pytest.raises(CellFileError, match=words) as caught:
        services.start()
    assert "service x" in str(caught.value) and "\n" not in str(caught.value)
    assert services.ended() == [], "none is left running"


def test_a_service_that_ends_by_itself_is_told_once(tmp_path: Path) -> None:
    services = Services([python("short", "raise SystemExit(4)")], tmp_path)
    services.start()
    told: list[str] = []
    until(lambda: told.extend(services.ended()) or told, "it is noticed")
    assert told == ["short ended by itself (exit 4)"] and services.ended() == []
    services.close()


def test_one_that_may_be_is_started_again_a_few_times_and_then_left(tmp_path: Path) -> None:
    mark = "import os, sys; print('+', file=open('marks', 'a')); "
    code = mark + "os.write(int(sys.argv[-1]), b'{}\\n')"
    section = ServiceSection("arm", ("python", "-c", code), "ready-fd", 20.0, restarts=2)
    services = Services([section], tmp_path)
    services.start()
    told: list[str] = []

    def given_up() -> bool:
        told.extend(services.ended())
        return any("not again" in line for line in told)

    until(given_up, "it is left")
    assert [t for t in told if "healthy" not in t] == [
        "arm ended by itself (exit 0); started again, 1 of 2",
        "arm ended by itself (exit 0); started again, 2 of 2",
        "arm ended by itself (exit 0); not again after 2 tries",
    ]
    assert told.count("arm is healthy again") == 2 and marks(tmp_path) == ["+"] * 3
    services.close()
