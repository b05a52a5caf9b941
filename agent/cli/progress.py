"""What a long run shows while it works: a live display, plain lines, or JSON lines.

The loop calls from worker threads; each display has its own lock and never raises.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from evals.report import wording

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from agent.loop.services import Progress, Services

STAGES = {
    "open": "starting",
    "evaluate": "running training conversations",
    "attribute": "finding causes of failures",
    "optimize": "rewriting and racing prompts",
    "gate": "testing on the selection split",
    "finish": "opening the sealed test split",
}


class Display(Protocol):
    """Shows progress while it is entered; called from any thread."""

    def __call__(self, progress: Progress, services: Services) -> None: ...
    def __enter__(self) -> Display: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def make_progress(*, as_json: bool, verbose: bool) -> Display:
    """Return JSON lines where asked for, a live display on a terminal, else plain lines."""
    if as_json:
        return JsonProgress()
    # A log that scrolls and a display that stays do not go together.
    return LiveProgress() if sys.stderr.isatty() and not verbose else PlainProgress()


def print_json(record: Mapping[str, Any]) -> None:
    """Print one JSON line on stdout, at once."""
    print(json.dumps(record, ensure_ascii=False), flush=True)


class _Quiet:
    """A display's lock, entering and leaving."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is held."""


class JsonProgress(_Quiet):
    """`{"event": "progress", ...}` lines: every stage's beginning, and at most ten a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: tuple[int, str] = (-1, "")
        self._at = 0.0

    def __call__(self, progress: Progress, services: Services) -> None:
        """Print one line, unless the last one is too fresh."""
        with self._lock:
            stage, now = (progress.round, progress.stage), time.monotonic()
            whole = progress.total and progress.done == progress.total
            if stage == self._last and now - self._at < 0.1 and not whole:
                return
            self._last, self._at = stage, now
            # Where nobody reads any more, the run goes on.
            with contextlib.suppress(OSError, ValueError):
                print_json({"event": "progress", **facts(progress, services)})


class PlainProgress(_Quiet):
    """One line on stderr for each stage of each round."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[tuple[int, str]] = set()

    def __call__(self, progress: Progress, services: Services) -> None:
        """Print a line where the stage is new."""
        with self._lock:
            stage = (progress.round, progress.stage)
            if stage in self._said:
                return
            self._said.add(stage)
            now = facts(progress, services)
            made, saved = now["calls"]["made"], now["calls"]["saved"]
            line = f"{where(progress, services)}: {doing(progress, made)}"
            if made:
                line += f" ({wording.plural(made, 'call')} made, {saved:,} saved)"
            with contextlib.suppress(OSError, ValueError):
                print(line, file=sys.stderr, flush=True)


class LiveProgress(_Quiet):
    """Three lines on the terminal that stay in place."""

    def __init__(self) -> None:
        super().__init__()
        self._live: Live | None = None
        self._pace = Pace()

    def __enter__(self) -> LiveProgress:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(
            console=Console(stderr=True), transient=True, refresh_per_second=4, screen=False
        )
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, progress: Progress, services: Services) -> None:
        """Draw the display anew."""
        with self._lock:
            if self._live is not None:
                self._pace.saw(progress, time.monotonic())
                self._live.update(draw(progress, services, self._pace))


class Pace:
    """How long the rest may take, from how long the rounds took that are done."""

    def __init__(self) -> None:
        self._round: int | None = None
        self._first = 0
        self._began = 0.0
        self._seconds_a_round: float | None = None

    def saw(self, progress: Progress, now: float) -> None:
        """Note when a round begins."""
        if progress.round == self._round or progress.round == 0:
            return
        if self._round is None:
            self._first, self._began = progress.round, now
        else:
            self._seconds_a_round = (now - self._began) / (progress.round - self._first)
        self._round = progress.round

    def left(self, progress: Progress, now: float) -> float | None:
        """Return the seconds that the rounds still need, or None before one is done."""
        if self._seconds_a_round is None:
            return None
        ends = self._began + self._seconds_a_round * (progress.rounds - self._first + 1)
        return max(0.0, ends - now)


def facts(progress: Progress, services: Services) -> dict[str, Any]:
    """Return what is known now as JSON-native values; `seconds_left` is the deadline's."""
    budget = services.gateway.budget
    saved = services.store.saved + services.gateway.ledger.saved
    left = None if budget.deadline is None else max(0.0, budget.deadline - time.monotonic())
    return {
        "run": services.directory.resolve().name,
        "round": progress.round,
        "rounds": progress.rounds,
        "stage": progress.stage,
        "done": progress.done,
        "total": progress.total,
        "questions": progress.questions,
        "calls": {"made": budget.calls, "saved": saved},
        "tokens": budget.tokens,
        "max_calls": budget.limits.max_calls,
        "max_tokens": budget.limits.max_tokens,
        "seconds_left": None if left is None else round(left, 1),
    }


def where(progress: Progress, services: Services) -> str:
    """Return the round in words, or the run's name before the first."""
    if progress.round == 0:
        return services.directory.resolve().name
    return f"round {progress.round} of {progress.rounds}"


def doing(progress: Progress, made: int) -> str:
    """Return the stage in words; a run that begins with `made` calls is one that goes on."""
    if progress.stage == "open" and made:
        return "continuing"
    return STAGES.get(progress.stage, progress.stage)


def draw(progress: Progress, services: Services, pace: Pace) -> RenderableType:
    """Return the live display: where it is, how far, and what it has cost."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    now = facts(progress, services)
    title = Text(where(progress, services), style="bold")
    title.append(f"  {doing(progress, now['calls']['made'])}", style="not bold")
    bar = Table.grid(padding=(0, 1))
    unit = "failures" if progress.stage == "attribute" else "episodes"
    counted = f"{progress.done}/{progress.total} {unit}"
    if progress.questions:
        counted += f", {wording.plural(progress.questions, 'question')}"
    bar.add_row(
        ProgressBar(
            total=max(1, progress.total),
            completed=progress.done,
            width=32,
            pulse=progress.total == 0,
        ),
        Text(counted if progress.total else "working"),
    )
    made, saved = now["calls"]["made"], now["calls"]["saved"]
    limit = f" of {now['max_calls']:,}" if now["max_calls"] else ""
    used = f"{wording.tokens(now['tokens'])} tokens"
    used += f" of {wording.tokens(now['max_tokens'])}" if now["max_tokens"] else ""
    calls = f"{made:,}{limit} calls" if limit else wording.plural(made, "call")
    parts = [f"{calls}, {saved:,} saved", used, *_times(now, progress, pace)]
    return Group(title, bar, Text(" · ".join(parts), style="dim"))


def _times(now: Mapping[str, Any], progress: Progress, pace: Pace) -> list[str]:
    times = []
    left = pace.left(progress, time.monotonic())
    if left is not None:
        times.append(f"about {wording.duration(left)} left")
    if now["seconds_left"] is not None:
        times.append(f"deadline in {wording.duration(now['seconds_left'])}")
    return times
