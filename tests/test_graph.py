"""The evolution graph: versions, ancestors, descendants, slices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from traces import schema
from traces.domain import Message, PromptSet, Question
from traces.graph import EvolutionGraph
from traces.operation import OperationContext
from traces.schema import MemoryEntry, Variable, answer
from traces.store import Store


def say(ctx: OperationContext, id: str, text: str) -> Variable:
    """One message extracted into one fact; returns the fact."""
    message = schema.message_variable(Message(id, "Ana", text), ctx.now)
    outputs = ctx.perform(
        "extraction", name="extract", identity=[id], inputs={"messages": [message]},
        call=lambda op: {"facts": [schema.fact(text, "Ana", "2024-05-12", [id])]},
    )  # fmt: skip
    return outputs["facts"][0]


def apply(ctx: OperationContext, fact: Variable, action: str, entry: MemoryEntry) -> Variable:
    """One update operation with one change; returns the entry variable (or the change)."""
    made = [] if action in ("delete", "keep") else [entry.as_variable()]
    outputs = ctx.perform(
        "update", name="update", identity=fact.value["sources"], inputs={"fact": [fact]},
        call=lambda op: {
            "changes": [schema.change(action, None if action == "add" else entry.id)],
            "entries": made,
        },
    )  # fmt: skip
    return (outputs["entries"] or outputs["changes"])[0]


def ask(ctx: OperationContext, id: str, entries: list[Variable], text: str) -> Variable:
    """Retrieve these entries and answer; returns the answer."""
    question = schema.question_variable(Question(id, "Where?", None), ctx.now)
    found = ctx.child(id, ctx.now).perform(
        "retrieval", name="retrieve", identity=[id], inputs={"question": [question]},
        call=lambda op: {
            "entries": [MemoryEntry.from_variable(e).as_variable("retrieved") for e in entries]
        },
    )  # fmt: skip
    outputs = ctx.child(id, ctx.now).perform(
        "response", name="respond", identity=[id],
        inputs={"question": [question], "retrieved": found["entries"]},
        call=lambda op: {"answer": [schema.answer(text)]},
    )  # fmt: skip
    return outputs["answer"][0]


def life(ctx: OperationContext) -> tuple[Variable, Variable, Variable]:
    """Porto is stored, then changed to Lisbon; Bo is stored; the question finds Lisbon."""
    porto = say(ctx, "m1", "Ana lives in Porto.")
    bo = say(ctx, "m2", "Bo has a cat.")
    lisbon = say(ctx, "m3", "Ana lives in Lisbon.")
    apply(ctx, porto, "add", MemoryEntry("e1", "Porto", sources=("m1",)))
    apply(ctx, bo, "add", MemoryEntry("e2", "Bo has a cat", sources=("m2",)))
    second = apply(
        ctx, lisbon, "change", MemoryEntry("e1", "Lisbon", sources=("m1", "m3"), version=2)
    )
    return ask(ctx, "q1", [second], "Lisbon"), lisbon, bo


def test_versions_form_a_chain(context: OperationContext) -> None:
    """A change ends the former version and says which operation ended it."""
    life(context)
    graph = EvolutionGraph.of(context.recorder)
    first, second = graph.versions("e1")
    assert [v.variable.value["text"] for v in (first, second)] == ["Porto", "Lisbon"]
    assert first.ended_by == second.made_by
    assert second.ended_by is None


def test_a_deletion_ends_the_last_version(context: OperationContext) -> None:
    """After a delete no version of the entry is alive."""
    fact = say(context, "m1", "Ana lives in Porto.")
    apply(context, fact, "add", MemoryEntry("e1", "Porto"))
    gone = say(context, "m2", "Ana has left.")
    apply(context, gone, "delete", MemoryEntry("e1", ""))
    graph = EvolutionGraph.of(context.recorder)
    (version,) = graph.versions("e1")
    assert version.ended_by is not None


def test_the_backward_slice_holds_what_the_answer_rests_on(context: OperationContext) -> None:
    """The slice of an answer holds its evidence's operations and none of an unrelated fact's."""
    answer, lisbon, bo = life(context)
    graph = EvolutionGraph.of(context.recorder)
    found = graph.backward_slice([answer.id])
    assert {lisbon.id, "message/m3"} <= found
    assert bo.id not in found


def test_descendants_mirror_ancestors(context: OperationContext) -> None:
    """x is an ancestor of y exactly when y is a descendant of x."""
    answer, _, _ = life(context)
    graph = EvolutionGraph.of(context.recorder)
    for id in graph.ancestors(answer.id):
        assert answer.id in graph.descendants(id)
    assert answer.id not in graph.descendants("message/m2")


def test_the_stored_graph_is_the_recorded_one(context: OperationContext, store: Store) -> None:
    """Reading a pass back from SQLite gives the same nodes and edges."""
    answer, _, _ = life(context)
    live = EvolutionGraph.of(context.recorder)
    pass_id = store.save_pass("conv", "p", "x", context.recorder)
    back = EvolutionGraph.load(store, pass_id)
    assert back.ancestors(answer.id) == live.ancestors(answer.id)
    assert set(back.operations) == set(live.operations)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=25))
def test_closure_agrees_with_a_naive_one(uses: list[list[int]]) -> None:
    """On random acyclic graphs ancestors equal those of a plain recursive definition."""
    made: list[Variable] = []
    from datetime import datetime

    from traces.domain import PromptSet

    ctx = OperationContext("e", "s", datetime(2024, 1, 1), PromptSet({}), lambda op: None)
    parents: dict[str, set[str]] = {}
    for number, picks in enumerate(uses):
        inputs = [made[p % len(made)] for p in picks] if made else []
        outputs: dict[str, Any] = ctx.perform(
            "extraction", name=f"n{number}", identity=[str(number)], inputs={"facts": inputs},
            call=lambda op, number=number: {
                "facts": [schema.fact(str(number), "", "", [])]
            },
        )  # fmt: skip
        variable = outputs["facts"][0]
        operation = ctx.recorder.operations[-1].id
        parents[variable.id] = {operation}
        parents[operation] = {v.id for v in inputs}
        made.append(variable)

    def naive(id: str) -> set[str]:
        found: set[str] = set()
        for parent in parents.get(id, ()):
            found |= {parent} | naive(parent)
        return found

    graph = EvolutionGraph.of(ctx.recorder)
    assert graph.ancestors(made[-1].id) == naive(made[-1].id)


def test_what_an_operation_generated_counts_before_what_others_say_they_used() -> None:
    """In a replay a session that was taken over still names the recorded value of an entry
    that was repaired: the graph holds the repaired one."""
    ctx = OperationContext("c", "s1", datetime(2024, 5, 1), PromptSet({}), lambda op: None)
    repaired, recorded = answer("repaired"), answer("recorded")
    made = ctx.perform(
        "response", name="respond", identity=["q"], inputs={}, call=lambda op: {"a": [repaired]}
    )["a"][0]
    stale = Variable("answer", recorded.value, made.id)
    ctx.perform(
        "response", name="later", identity=["q"], inputs={"used": [stale]},
        call=lambda op: {"a": [answer("x")]},
    )  # fmt: skip
    graph = EvolutionGraph.of(ctx.recorder)
    assert graph.variable(made.id).value["text"] == "repaired"
