"""What a backward slice costs in a graph of a million operations, and in one of a tenth.

Both graphs hold the same questions, whose slices have the same shape: entries that were
changed again and again, each version from a message of its own. What else is remembered lies
between them, evenly: the slice of a question is scattered over the whole history, which is the
hardest case for memory (in a graph that only grew at its end, nothing would have moved).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from traces import schema
from traces.domain import OperationKind
from traces.graph import EvolutionGraph
from traces.schema import MemoryEntry, OperationRecord, Variable

SLOWER = 1.3  # most that a graph ten times the size may cost
FEWEST = 10_000  # operations for which the smaller graph still holds its questions
QUESTIONS = 20
VERSIONS = 10  # of each entry
ENTRIES = 68  # most that one answer rests on
_DATE = "2024-01-01"


@dataclass(frozen=True, slots=True)
class Found:
    """The slices of all questions in one graph.

    `nodes`, `edges` and `visited` are sums over the slices: their nodes, the edges between
    these (counted from the operations' records), and those that the walk visited.
    `milliseconds` (processor time) is the median of one slice.
    """

    operations: int
    nodes: int
    edges: int
    visited: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Slices:
    """The same slices in a graph and in one of a tenth.

    `graph_bytes` and `record_bytes` an operation are of the whole graph: what it took itself,
    and the records and variables that it was built from (None where the system does not
    tell). `build_seconds` is the building of the whole graph.
    """

    tenth: Found
    whole: Found
    build_seconds: float
    graph_bytes: float | None
    record_bytes: float | None

    @property
    def ratio(self) -> float:
        """How many times slower a slice is in the whole graph."""
        return self.whole.milliseconds / self.tenth.milliseconds

    @property
    def proportional(self) -> bool:
        """Whether the walks visited the edges of the slices, and as many in both graphs."""
        counts = {(found.edges, found.visited) for found in (self.tenth, self.whole)}
        return len(counts) == 1 and self.whole.edges == self.whole.visited


def measure(operations: int, rounds: int = 15) -> Slices:
    """Build both graphs and time the slices of all questions in turn, `rounds` times."""
    entries = _entries(operations // 10)
    tenth, whole = _Built(operations // 10, entries), _Built(operations, entries)
    times = _timed((tenth, whole), rounds)
    return Slices(
        tenth.found(times[0]), whole.found(times[1]), whole.seconds, whole.graph_bytes,
        whole.record_bytes,
    )  # fmt: skip


def _timed(graphs: tuple[_Built, _Built], rounds: int) -> tuple[float, float]:
    """Return the median milliseconds of a slice; as in `timeit`, without the collector.

    They are the processor's: waiting for other processes tells nothing about a graph.
    """
    times: tuple[list[float], list[float]] = ([], [])
    gc.disable()
    try:
        for number in range(rounds):
            for question in range(QUESTIONS):
                # In turn, and either first: whatever else the machine does meets both.
                for which in (0, 1) if (number + question) % 2 else (1, 0):
                    graph, answers = graphs[which].graph, graphs[which].answers
                    begin = time.process_time()
                    graph.backward_slice([answers[question]])
                    times[which].append(time.process_time() - begin)
    finally:
        gc.enable()
    return median(times[0]) * 1e3, median(times[1]) * 1e3


class _Built:
    """One graph, what it took, and its questions' answers (variable ids)."""

    def __init__(self, operations: int, entries: int) -> None:
        before = _resident()
        gc.disable()  # nothing here is garbage
        made = _Pass(operations, entries)
        gc.enable()
        gc.collect()
        recorded = _resident()
        begin = time.perf_counter()
        self.graph = EvolutionGraph(made.operations, made.variables)
        self.answers = made.answers
        self.graph.counted_slice(self.answers)  # what is made on first use is part of it
        self.seconds = time.perf_counter() - begin
        gc.collect()
        built = _resident()
        self.record_bytes = _each(before, recorded, operations)
        self.graph_bytes = _each(recorded, built, operations)

    def found(self, milliseconds: float) -> Found:
        """Return the counts of the questions' slices, with the time that one takes."""
        nodes = edges = visited = 0
        for answer in self.answers:
            ids, looked_at = self.graph.counted_slice([answer])
            nodes, visited = nodes + len(ids), visited + looked_at
            edges += edges_between(self.graph, ids)
        return Found(len(self.graph.operations), nodes, edges, visited, milliseconds)


def edges_between(graph: EvolutionGraph, ids: set[str]) -> int:
    """Return how many edges run between these nodes, by the records of their operations."""
    found: set[tuple[str, str]] = set()
    for operation in (graph.operations[id] for id in ids if id in graph.operations):
        for variable in graph.inputs(operation.id):
            found.add((variable.id, operation.id))
        for variable in graph.outputs(operation.id):
            found.add((operation.id, variable.id))
            if variable.kind == "retrieved":
                value = variable.value
                version = graph.version(value["entry_id"], value["version"])
                if version is not None:
                    found.add((version.variable.id, operation.id))
    return sum(one in ids and other in ids for one, other in found)


class _Pass:
    """The operations of a long history, in order, without the work that made them.

    Message -> extraction -> fact -> update with the entry's former version, again and again;
    at the end every question retrieves its own entries. The rest are entries of nobody's.
    """

    def __init__(self, operations: int, entries: int) -> None:
        self.operations: list[OperationRecord] = []
        self.variables: list[Variable] = []
        changes = (operations - 2 * QUESTIONS) // 2
        wanted = _owners(entries)
        every = changes // (QUESTIONS * entries * VERSIONS)
        latest: dict[str, Variable] = {}
        owner: str | None
        for number in range(changes):
            owner = next(wanted, None) if number % every == 0 else None
            owner = owner or f"other-{number // (2 * VERSIONS)}"
            latest[owner] = self._change(number, owner, latest.get(owner))
        self.answers = [
            self._ask(f"q{q}", [latest[f"{q}-{entry}"] for entry in range(entries)])
            for q in range(QUESTIONS)
        ]

    def _change(self, number: int, entry_id: str, old: Variable | None) -> Variable:
        text, source = f"what was said as number {number}", f"m{number}"
        message = self._given(
            "message", {"id": source, "speaker": "Ana", "text": text, "date": _DATE}, source
        )
        made = schema.fact(text, "Ana", _DATE, [source])
        fact = self._perform("extraction", "s", {"messages": [message]}, [made])[0]
        version = old.value["version"] + 1 if old else 1
        entry = MemoryEntry(entry_id, text, "Ana", _DATE, (source,), version)
        change = schema.change("change" if old else "add", entry_id if old else None)
        used = {"fact": [fact], "near": [old] if old else []}
        return self._perform("update", "s", used, [change, entry.as_variable()])[1]

    def _ask(self, id: str, entries: list[Variable]) -> str:
        question = self._given("question", {"id": id, "text": "?", "date": _DATE}, id)
        returned = [MemoryEntry.from_variable(e).as_variable("retrieved") for e in entries]
        found = self._perform("retrieval", id, {"question": [question]}, returned)
        used = {"question": [question], "retrieved": found}
        return self._perform("response", id, used, [schema.answer("so")])[0].id

    def _given(self, kind: schema.VariableKind, value: dict[str, Any], id: str) -> Variable:
        self.variables.append(Variable(kind, value, f"{kind}/{id}"))
        return self.variables[-1]

    def _perform(
        self,
        kind: OperationKind,
        scope: str,
        used: dict[str, list[Variable]],
        made: list[Variable],
    ) -> list[Variable]:
        id = f"{len(self.operations):024x}"
        placed = [variable.placed(f"{id}/made/{i}") for i, variable in enumerate(made)]
        refs = {role: [(v.id, v.hash) for v in variables] for role, variables in used.items()}
        self.operations.append(
            OperationRecord(
                id, kind, kind, None, scope, "executed", f"{id}-{kind}", refs,
                {"made": [(v.id, v.hash) for v in placed]},
            )
        )  # fmt: skip
        self.variables += placed
        return placed


def _owners(entries: int) -> Iterator[str]:
    """Yield the entries of all questions, each as often as it has versions, mixed."""
    for _ in range(VERSIONS):
        for entry in range(entries):
            for question in range(QUESTIONS):
                yield f"{question}-{entry}"


def _entries(operations: int) -> int:
    """Return how many entries a question has where its graph has so many operations: all
    questions' slices take at most half of it."""
    return min(ENTRIES, operations // (4 * QUESTIONS * VERSIONS))


def _resident() -> int | None:
    """Return the bytes of memory that this process holds; None where nobody tells."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    import resource

    return pages * resource.getpagesize()


def _each(before: int | None, after: int | None, count: int) -> float | None:
    return None if before is None or after is None else (after - before) / count
