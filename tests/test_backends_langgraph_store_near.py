"""What an update is shown by a LangGraph store, beside what fact_store's own index shows."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from memory_backends.fact_store.facts import FactOptions
from memory_backends.langgraph_store.source import IN_MEMORY, source_of
from memory_backends.langgraph_store.space import Space
from memory_backends.langgraph_store.state import StoreState
from tests.loop_fixture import opened, small
from traces.graph import EvolutionGraph

NEAR = FactOptions().near


def shown(graph: EvolutionGraph, near_share: float) -> tuple[int, int]:
    """Replay fact_store's updates into a store; return how many changed or deleted an entry,
    and how often the store shows that entry to the same fact."""
    state = StoreState("langgraph_store", Space(source_of(IN_MEMORY, None)), None)
    targets = hits = 0
    for operation in graph.operations.values():
        if operation.kind != "update":
            continue
        (fact,) = graph.inputs(operation.id, "fact")
        near = dict(state.index.near(fact.value["text"], NEAR, near_share))
        changes = graph.outputs(operation.id, "change")
        touched = [c.value["target"] for c in changes if c.value["action"] in ("change", "delete")]
        targets += len(touched)
        hits += sum(target in near for target in touched)
        state.apply({"all": graph.outputs(operation.id)})
    return targets, hits


def test_an_entry_that_an_update_is_about_is_shown_to_it(tmp_path: Path) -> None:
    """None is missed, so that nothing is added a second time; a threshold that is too high
    would miss them."""
    with ExitStack() as stack:
        services = opened(small(tmp_path, seed=405), stack)
        passes = services.evaluator(services.seed_prompts, services.dataset.conversations)
        graphs = [EvolutionGraph.load(services.store, one.pass_id) for one in passes]
    counted = [shown(graph, FactOptions().near_share) for graph in graphs]
    assert sum(targets for targets, _ in counted) >= 10
    assert [hits for _, hits in counted] == [targets for targets, _ in counted]
    assert sum(shown(graph, 0.95)[1] for graph in graphs) < 5
