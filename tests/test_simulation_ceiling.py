"""The ceiling of each backend: what its own prompts can ask for, and what they cannot."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.loop.assemble import all_slots, load_data, seed_prompts
from agent.loop.nodes.finish import ceiling_prompts
from agent.loop.services import score_of
from agent.settings import load_settings
from evals.simulation.ceiling import rule_clauses, slots_for
from evals.simulation.seeds import world_seed
from evals.simulation.world import make_world
from tests.loop_fixture import opened, small

SEED = 401
WORLD = make_world(world_seed(SEED), 5)
PLACES = {
    "fact_store": {"extraction": ["extraction"], "update": ["update"], "retrieval": ["retrieval"]},
    "episodic": {"extraction": ["extraction"], "update": ["update"], "retrieval": ["retrieval"]},
    "linked_notes": {
        "extraction": ["construction"], "update": ["linking", "evolution"],
        "retrieval": ["retrieval"],
    },
    "mem0": {"extraction": ["custom_instructions"], "update": [], "retrieval": []},
}  # fmt: skip


@pytest.mark.parametrize("backend", PLACES)
def test_a_rule_is_asked_for_where_operations_of_its_kind_have_a_prompt(backend: str) -> None:
    """Each needed rule's sentences are in the prompts of its stage and nowhere else; all else
    is as in the seed prompts."""
    settings = load_settings(backend=backend, seed=SEED, conversations=5)
    slots, ceiling = all_slots(settings), load_data(settings).ceiling
    assert ceiling is not None
    expected = dict(seed_prompts(settings).instructions)
    for rule in WORLD.needed:
        stage, clauses = rule_clauses(WORLD, rule)
        places = slots_for(stage, [s.name for s in slots], {s.name: s.kind for s in slots})
        assert list(places) == PLACES[backend][stage]
        for name in places:
            expected[name] = "\n".join([expected[name].rstrip(), *clauses])
    assert ceiling == expected


def test_what_a_backend_has_no_prompt_for_is_said() -> None:
    """mem0's one prompt is for extraction; rag has none, and so no ceiling."""
    stages = [rule_clauses(WORLD, rule)[0] for rule in WORLD.needed]
    without = len(stages) - stages.count("extraction")
    assert 0 < without < len(stages)
    mem0 = load_data(load_settings(backend="mem0", seed=SEED, conversations=5))
    assert mem0.beyond_ceiling.startswith(f"{without} of {len(stages)} house rules need a prompt")
    assert "extraction" not in mem0.beyond_ceiling
    rag = load_data(load_settings(backend="rag", seed=SEED, conversations=5))
    assert rag.ceiling is None
    assert rag.beyond_ceiling.startswith(f"{len(stages)} of {len(stages)} house rules need")
    facts = load_data(load_settings(seed=SEED, conversations=5))
    assert facts.beyond_ceiling == ""


@pytest.mark.parametrize("backend", ["linked_notes", "mem0"])
def test_the_ceiling_is_above_the_seed_prompts(tmp_path: Path, backend: str) -> None:
    """Measured as a run's finish does: there is headroom to close."""
    with ExitStack() as stack:
        services = opened(small(tmp_path, seed=400, backend=backend), stack)
        both = services.conversations("test")
        base = score_of(services.evaluate(services.seed_prompts, both, 1, "finish"))
        best = score_of(services.evaluate(ceiling_prompts(services), both, 1, "finish"))
    assert base is not None
    assert best is not None
    assert best >= base + 0.05
