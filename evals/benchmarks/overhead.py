"""What tracing costs: `perform` against OpenTelemetry spans in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from traces.database import Database
from traces.domain import PromptSet
from traces.hashing import text_hash
from traces.operation import OperationContext, Recorder
from traces.schema import Variable, fact
from traces.store import Store

OPERATIONS = 2000
VALUE_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Overhead:
    """Microseconds an operation, medians over rounds; `ratio` is perform / two spans."""

    perform: float
    two_spans: float

    @property
    def ratio(self) -> float:
        """At most 1 is the target."""
        return self.perform / self.two_spans


def measure(directory: Path, rounds: int = 7) -> Overhead:
    """Time both in turn, `rounds` times, in one process.

    `perform` runs with everything on: stable ids, hashing, reuse look-up (a miss),
    schema check, recording, and the commit of the pass to a real SQLite file. Two spans
    with a batch processor carry the same 1 kB values in and out as attributes; their
    exporter throws the batch away.
    """
    payloads = [text_hash(str(i), 32) * (VALUE_CHARS // 64) for i in range(OPERATIONS)]
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(rounds):
        database = Database(directory / f"overhead-{number}.db")
        ours.append(_timed(partial(_perform_all, Store(database), payloads)))
        database.close()
        theirs.append(_timed(partial(_span_all, payloads)))
    scale = 1e6 / OPERATIONS
    return Overhead(median(ours) * scale, median(theirs) * scale)


def _timed(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _perform_all(store: Store, payloads: list[str]) -> None:
    recorder = Recorder()
    ctx = OperationContext(
        episode="bench",
        scope="session",
        now=datetime(2024, 1, 1),
        prompts=PromptSet({"extraction": "Keep what matters."}),
        bind=lambda operation: None,
        recorder=recorder,
        reuse=store,
    )
    for number, payload in enumerate(payloads):
        message = Variable(
            "message",
            {"id": str(number), "speaker": "A", "text": payload, "date": "2024-01-01"},
            f"message/{number}",
        )
        ctx.perform(
            "extraction",
            name="extract",
            slot="extraction",
            identity=[str(number)],
            inputs={"messages": [message]},
            call=lambda op, payload=payload, number=number: {  # type: ignore[misc]
                "facts": [fact(payload[::-1], "A", "2024-01-01", [str(number)])]
            },
        )
    store.save_pass("bench", "prompts", "parameters", recorder)


def _span_all(payloads: list[str]) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import (
        BatchSpanProcessor,
        SpanExporter,
        SpanExportResult,
    )

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere(), max_queue_size=2 * OPERATIONS + 10))
    tracer = provider.get_tracer("bench")
    for payload in payloads:
        for name in ("operation", "model"):
            with tracer.start_as_current_span(name) as span:
                span.set_attribute("input", payload)
                span.set_attribute("output", payload[::-1])
    provider.shutdown()
