"""The same passes in another process, on another day: what must not make a difference.

    python -m memory_backends.conformance.elsewhere NAME DAYS OUT

writes what was recorded to the file OUT. The process's wall clock is DAYS ahead; hash seed,
random numbers and UUIDs differ between processes anyway.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
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
    return {"format": FORMAT, "today": datetime.now().date().isoformat(),
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
    """Set this process's wall clock so many days ahead; it goes on from there."""
    import time_machine

    time_machine.travel(datetime.now(UTC) + timedelta(days=days), tick=True).start()


def main(arguments: list[str]) -> None:
    """Record a backend that needs no model; see the module."""
    name, days, out = arguments
    from memory_backends.registry import create_backend

    move_wall(int(days))
    Path(out).write_text(json.dumps(record(Subject(name, lambda: create_backend(name)))))


if __name__ == "__main__":
    main(sys.argv[1:])
