"""The same passes in another process, on another day: what must not make a difference.

    python -m memory_backends.conformance.elsewhere NAME DAYS OUT

writes what was recorded to the file OUT. Modules that are imported from here on see a wall clock
that is DAYS ahead; hash seed, random numbers and UUIDs differ between processes anyway.
"""

from __future__ import annotations

import datetime as datetime_module
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from memory_backends.conformance.finding import Finding
from memory_backends.conformance.samples import GLACIER, LISBON
from memory_backends.conformance.subject import Subject, run_pass

FORMAT = 1
_MEND = (
    "take dates from the messages (op.now), ids from op.new_id() or from content, order from "
    "sorted(), and chance from random.Random(text)"
)
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


def record(subject: Subject) -> dict[str, Any]:
    """Return what two conversations leave: operations with inputs, outputs and requests."""
    operations = []
    for conversation in (LISBON, GLACIER):
        recorder = run_pass(subject, conversation).recorder
        for one in recorder.operations:
            operations.append(
                {
                    "id": one.id,
                    "name": one.name,
                    "scope": one.scope,
                    "inputs": [h for refs in one.inputs.values() for _, h in refs],
                    "outputs": [
                        recorder.values[h][1] for refs in one.outputs.values() for _, h in refs
                    ],
                    "requests": list(one.calls),
                }
            )
    return {"format": FORMAT, "today": datetime_module.datetime.now().date().isoformat(),
            "operations": operations}  # fmt: skip


def difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> Finding | None:
    """Return what differs between two recordings, or None."""
    one, two = first["operations"], second["operations"]
    for a, b in zip(one, two, strict=False):
        at = f"operation '{a['name']}' in {a['scope']}"
        if a["id"] != b["id"]:
            return _finding("an operation's identity differs", at)
        if a["inputs"] != b["inputs"]:
            return _finding("an operation is given something else", at)
        if a["requests"] != b["requests"]:
            return _finding("the request to the model differs", at)
        if a["outputs"] != b["outputs"]:
            said = next(_differing(a["outputs"], b["outputs"]))
            return _finding(_cause(*said, first["today"], second["today"]), at)
    if len(one) != len(two):
        return _finding(f"{len(one)} operations here, {len(two)} there", "")
    return None


def _differing(one: list[str], two: list[str]) -> Iterator[tuple[str, str]]:
    yield from ((a, b) for a, b in zip(one, two, strict=False) if a != b)
    yield str(len(one)), str(len(two))


def _cause(here: str, there: str, today: str, then: str) -> str:
    shown = f"{here[:160]} here, {there[:160]} on another day"
    if (today in here and then in there) or (today[:4] in here and then[:4] in there):
        return f"an output holds the wall clock's date: {shown}"
    if _UUID.search(here):
        return f"an output holds what looks like a random UUID: {shown}"
    return f"an output differs (chance, or the order of a set): {shown}"


def _finding(what: str, at: str) -> Finding:
    return Finding(
        "not_deterministic", f"two runs in processes of different days are not the same: {what}",
        at, _MEND,
    )  # fmt: skip


# the wall clock ----------------------------------------------------------------------------


def move_wall(days: int) -> None:
    """Set the clock that modules imported later read this many days ahead.

    `datetime.now`, `utcnow`, `today`, `date.today`, and what the module `time` tells of the
    wall clock; the monotonic clocks are left alone, and so are modules that hold the real
    classes already.
    """
    shift = datetime_module.timedelta(days=days)
    datetime_module.datetime = _moved(datetime_module.datetime, shift)  # type: ignore[misc]
    datetime_module.date = _moved(datetime_module.date, shift)  # type: ignore[misc]
    seconds = shift.total_seconds()
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + int(seconds) * 10**9
    for name in ("localtime", "gmtime", "ctime"):
        _with_default(name)
    formatted = time.strftime
    time.strftime = lambda f, t=None: formatted(f, time.localtime() if t is None else t)


def _with_default(name: str) -> None:
    told = getattr(time, name)
    setattr(time, name, lambda seconds=None: told(time.time() if seconds is None else seconds))


def _moved(real: Any, shift: datetime_module.timedelta) -> Any:
    """Return a stand-in for `datetime` or `date`: what it makes are real ones."""

    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, real)

    def make(cls: type, *args: Any, **kwargs: Any) -> Any:
        return real(*args, **kwargs)

    def now(cls: type, *args: Any, **kwargs: Any) -> Any:
        return real.now(*args, **kwargs) + shift

    members: dict[str, Any] = {
        "__new__": make,
        "today": classmethod(lambda cls: real.today() + shift),
    }
    if hasattr(real, "now"):
        members["now"] = classmethod(now)
        members["utcnow"] = classmethod(lambda cls: real.utcnow() + shift)
    return Meta(real.__name__, (real,), members)


def main(arguments: list[str]) -> None:
    """Record a backend that needs no model; see the module."""
    name, days, out = arguments
    from memory_backends.registry import create_backend

    move_wall(int(days))
    Path(out).write_text(json.dumps(record(Subject(name, lambda: create_backend(name)))))


if __name__ == "__main__":
    main(sys.argv[1:])
