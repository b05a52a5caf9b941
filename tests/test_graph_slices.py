"""Backward slices at size: what a walk visits, how neighbours are held, what is measured."""

from __future__ import annotations

import json
from array import array
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.cli.main import main
from evals.benchmarks.slices import QUESTIONS, VERSIONS, edges_between, measure
from tests.test_graph import life
from traces import adjacency, schema
from traces.adjacency import Adjacency
from traces.domain import PromptSet
from traces.graph import EvolutionGraph
from traces.operation import OperationContext
from traces.schema import MemoryEntry, Variable

EDGES = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=60)


@settings(deadline=None)
@given(EDGES, st.sets(st.integers(0, 14), max_size=4))
def test_both_ways_of_holding_neighbours_say_the_same(
    edges: list[tuple[int, int]], starts: set[int]
) -> None:
    """Lists of a small graph and the flat array of a large one hold each edge once, and a walk
    over either finds what a plain search finds and visits each edge of a found node once."""
    expected = {n: sorted({b for a, b in edges if a == n}) for n in range(15)}
    found, todo = set(starts), list(starts)
    while todo:
        new = set(expected[todo.pop()]) - found
        found |= new
        todo += new
    froms, tos = (array("i", [edge[end] for edge in edges]) for end in (0, 1))
    for listed in (0, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(adjacency, "LISTED", listed)
            held = Adjacency(15, froms, tos)
        assert {n: list(held.of(n)) for n in range(15)} == expected
        assert held.reach(starts) == (found, sum(len(expected[n]) for n in found))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=4), min_size=1, max_size=30))
def test_a_slice_visits_its_own_edges_once(uses: list[list[int]]) -> None:
    """Edges visited are those between the nodes of the slice, counted from the records, also
    where an operation uses one variable twice or in two roles."""
    ctx = OperationContext("e", "s", datetime(2024, 1, 1), PromptSet({}), lambda op: None)
    made: list[Variable] = []
    for number, picks in enumerate(uses):
        used = [made[p % len(made)] for p in picks] if made else []
        outputs = ctx.perform(
            "extraction", name="n", identity=[str(number)], inputs={"some": used, "more": used[:1]},
            call=lambda op, number=number: {"facts": [schema.fact(str(number), "", "", [])]},
        )  # fmt: skip
        made += outputs["facts"]
    graph = EvolutionGraph.of(ctx.recorder)
    for variable in made:
        found, visited = graph.counted_slice([variable.id])
        assert found == graph.backward_slice([variable.id])
        assert visited == edges_between(graph, found)


def test_starts_that_rest_on_each_other_are_visited_once(context: OperationContext) -> None:
    """A slice of several nodes counts no edge twice; derivation edges to entries count."""
    answer, lisbon, _ = life(context)
    graph = EvolutionGraph.of(context.recorder)
    alone, visited = graph.counted_slice([answer.id])
    assert lisbon.id in alone
    assert graph.counted_slice([answer.id, lisbon.id, answer.id]) == (alone, visited)
    (retrieval,) = graph.of_scope("q1", "retrieval")
    version = graph.versions("e1")[1].variable.id
    assert graph.counted_slice([retrieval.id])[1] == 2 + graph.counted_slice([version])[1]


def test_nodes_that_are_not_there_have_no_slice(context: OperationContext) -> None:
    """An unknown id, and an operation that failed, which made nothing: nothing is found."""
    life(context)

    def fail(op: object) -> dict[str, list[Variable]]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        context.perform("update", name="u", identity=["x"], inputs={}, call=fail)
    graph = EvolutionGraph.of(context.recorder)
    failed = next(o.id for o in graph.operations.values() if o.status == "failed")
    assert graph.counted_slice([failed, "nowhere"]) == (set(), 0)
    assert graph.maker("nowhere") is None


@pytest.mark.parametrize("listed", [0, adjacency.LISTED])
def test_an_entry_of_many_versions_is_one_chain(
    context: OperationContext, monkeypatch: pytest.MonkeyPatch, listed: int
) -> None:
    """Each version is found by its number, made by its operation and ended by the next."""
    monkeypatch.setattr(adjacency, "LISTED", listed)
    for number in range(1, 40):
        entry = MemoryEntry("e1", f"text {number}", version=number)
        context.perform(
            "update", name="update", identity=[str(number)], inputs={},
            call=lambda op, entry=entry: {"entries": [entry.as_variable()]},
        )  # fmt: skip
    graph = EvolutionGraph.of(context.recorder)
    operations = list(graph.operations)
    for number in range(1, 40):
        version = graph.version("e1", number)
        assert version is not None
        assert version.variable.value["text"] == f"text {number}"
        maker = graph.maker(version.variable.id)
        assert maker is not None
        assert maker.id == version.made_by == operations[number - 1]
        assert version.ended_by == (operations[number] if number < 39 else None)
    assert graph.version("e1", 40) is graph.version("e1", 0) is graph.version("e2", 1) is None


def test_a_slice_costs_as_many_edges_in_a_graph_ten_times_the_size() -> None:
    """The short form of `memtune bench slices`, by counts alone: the walk visits exactly the
    edges of the slices, and as many whatever lies beside them."""
    found = measure(20_000, rounds=1)
    assert (found.tenth.operations, found.whole.operations) == (2_000, 20_000)
    assert found.tenth.visited == found.tenth.edges == found.whole.visited == found.whole.edges
    assert found.tenth.nodes == found.whole.nodes
    assert found.proportional
    more = replace(found.whole, visited=found.whole.visited + 1)
    assert not replace(found, whole=more).proportional
    assert not replace(found, whole=more, tenth=replace(found.tenth, visited=1)).proportional
    # Two entries a question; of each version message, extraction, fact, update and entry; and
    # of each question the two entries returned, retrieval, response, question and answer.
    assert found.whole.nodes == QUESTIONS * (2 * VERSIONS * 5 + 2 + 4)


def test_the_bench_says_what_it_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """`memtune bench slices --json` prints both graphs, and the exit code follows from what it
    says; too few operations are refused in one line."""
    code = main(["bench", "slices", "--operations", "10000", "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    done = json.loads(line)
    assert done["event"] == "done"
    assert done["whole"]["visited"] == done["whole"]["edges"] > 0
    assert done["ratio"] == done["whole"]["milliseconds"] / done["tenth"]["milliseconds"]
    assert code == (1 if done["ratio"] > 1.3 else 0)
    assert main(["bench", "slices", "--operations", "100"]) == 2
    (refused,) = capsys.readouterr().err.splitlines()
    assert "10000" in refused
