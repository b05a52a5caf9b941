"""The conformance suite in a process of its own.

    python -m agent.backend_apart PATH TARGET CONFIG SECONDS PROCESSES

A backend may end its process, close its output, or hold the interpreter: then no verdict comes
from there, and without a verdict a backend is not sound.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO, Any, NoReturn

from agent.backend_check import (
    SECONDS,
    STARTING,
    check_backend,
    command_of_ours,
    environment_of_ours,
)
from agent.backend_paths import named
from memory_backends.conformance import CHECKS, Finding, Result, Subject
from memory_backends.conformance.subject import Hung
from memory_backends.places import place
from traces.errors import MemtuneError, SettingsError

_BEAT = 1.0  # s between signs of life


def check_apart(
    target: str,
    config: Mapping[str, Any] | None = None,
    seconds: float = SECONDS,
    processes: bool = True,
    silence: float = STARTING,
) -> Iterator[Result]:
    """Yield the result of each check of what a user points at, checked in another process.

    What the backend prints goes to stderr. After `silence` seconds without a sign of life the
    process counts as stopped. When this generator ends, so do the process and what it started.
    Raises SettingsError for a backend that cannot be found or made.
    """
    given = [target, json.dumps(config or {}), str(seconds), str(int(processes))]
    child = subprocess.Popen(
        command_of_ours("agent.backend_apart", *given), env=environment_of_ours(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        yield from _results(child, silence)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _results(child: subprocess.Popen[bytes], silence: float) -> Iterator[Result]:
    assert child.stdout is not None
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
    done = 0
    while True:
        try:
            line = lines.get(timeout=silence)
        except Empty:
            yield from _no_verdict(done, _silent(child, silence))
            return
        if not line:
            child.wait()
            yield from _no_verdict(done, _ended(child.returncode))
            return
        said = json.loads(line)
        if "refused" in said:
            raise SettingsError(said["refused"])
        if "result" in said:
            done += 1
            findings = tuple(Finding(**one) for one in said["result"].pop("findings"))
            yield Result(**said["result"], findings=findings)
        if "end" in said:
            return


def _read(stdout: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    """Hand lines on, whether or not anybody asks for the next result: signs of life must not
    fill the pipe. The last one is empty."""
    with stdout:
        for line in stdout:
            lines.put(line)
    lines.put(b"")


def _no_verdict(done: int, finding: Finding) -> Iterator[Result]:
    """Yield the check that came to no end as failed, and all later ones as not run."""
    for number, one in enumerate(CHECKS[done:]):
        if number:
            yield Result(one.name, one.says, "not_run", why=f"mend '{CHECKS[done].name}' first")
        else:
            yield Result(one.name, one.says, "failed", (finding,))


def _ended(code: int) -> Finding:
    how = f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
    return Finding(
        "ends_process", f"its process ended {how}, without a verdict", "",
        "never end the process or close its files (os._exit): raise an error; a run would end too",
    )  # fmt: skip


def _silent(child: subprocess.Popen[bytes], silence: float) -> Finding:
    if child.poll() is not None:
        return _ended(child.returncode)
    return Finding(
        "hangs", f"nothing was heard of its process for {silence:g} s: it keeps all threads from "
        "running", "", "look for a regular expression or an extension that does not come to an end",
    )  # fmt: skip


# in the process ----------------------------------------------------------------------------


class _Report:
    """Tells the process that asked, a JSON object a line, whatever becomes of stdout."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb", buffering=0)
        self._lock = threading.Lock()
        os.dup2(2, 1)
        threading.Thread(target=self._live, name="memtune-alive", daemon=True).start()

    def say(self, **what: Any) -> None:
        """Write a line. Raises OSError where nobody listens any more."""
        with self._lock:
            self._out.write(json.dumps(what).encode() + b"\n")

    def _live(self) -> None:
        while True:
            time.sleep(_BEAT)
            try:
                self.say()
            except OSError:
                os._exit(1)


def _main(arguments: list[str]) -> NoReturn:
    path, target, config, seconds, processes = arguments
    sys.path[:] = json.loads(path)
    report = _Report()
    try:
        name = _named(target)
        for result in check_backend(name, json.loads(config), float(seconds), processes == "1"):
            report.say(result=result.to_json())
        report.say(end=True)
    except MemtuneError as error:
        report.say(refused=str(error))
    os._exit(0)  # whatever threads it has


def _named(target: str) -> str:
    """Return the backend's name. Raises SettingsError, also for a module that hangs or means to
    end the process."""

    def never() -> NoReturn:
        raise AssertionError("an import makes no memory")

    try:
        return Subject(target, never, seconds=STARTING).within(lambda: named(target))
    except SettingsError:
        raise
    except Hung as error:
        raise SettingsError(f"{target}: its import {error} ({error.where}); check it") from error
    except Exception as error:
        raise SettingsError(f"{target}: cannot be imported ({error}; {place(error)})") from error


if __name__ == "__main__":
    _main(sys.argv[1:])
