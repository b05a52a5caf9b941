"""Where faults are planted in a memory that tells the same messages in several ways."""

from __future__ import annotations

from functools import cache

from agent.fault_bed import CleanPass, make_world
from evals.faults.kinds import propose
from evals.faults.matrix import MATRIX, cell
from evals.faults.site import Site
from tests.faults_fixture import SEED
from traces.schema import OperationRecord, holds_on, internal


@cache
def sites() -> tuple[Site, ...]:
    """The questions that a pass of the episodic memory answered rightly."""
    world = make_world(SEED, 0, 1, "episodic", {}, 0.0)
    clean = CleanPass(world, world.conversations[0])
    return tuple(bed.site for bed in clean.beds("test"))


def planted_at(site: Site, *names: str) -> set[str]:
    """Return the names of the operations that faults of these cells (all cells without any) are
    proposed for."""
    cells = [cell(*name.split("/")) for name in names] if names else MATRIX  # type: ignore[arg-type]
    found = (propose(site, c) for c in cells if c.kind == "update")
    return {site.graph.operations[f.operation].name for faults in found for f in faults}


def named(site: Site, name: str) -> list[OperationRecord]:
    """Return the operations of a name."""
    return [o for o in site.graph.operations.values() if o.name == name]


def test_what_a_memory_keeps_for_its_own_order_gets_no_fault() -> None:
    """Episodes and scenes are never returned: nobody is told what would be wrong in them."""
    assert sites()
    for site in sites():
        assert planted_at(site) <= {"profile", "foresight"}
        for name in ("narrative", "scene"):
            assert named(site, name)
            for operation in named(site, name):
                assert all(map(internal, site.graph.outputs(operation.id, "entry")))


def test_what_is_told_beside_the_facts_is_not_left_out_as_a_fault() -> None:
    """A foresight that is missing is no loss, its messages' facts are stored; one that says
    something wrong misleads."""
    assert set().union(*(planted_at(s, "UpdateError/omission/update") for s in sites())) == {
        "profile"
    }
    wrong = ("UpdateError/distortion/update", "UpdateError/hallucination/update")
    assert "foresight" in set().union(*(planted_at(s, *wrong) for s in sites()))


def test_no_expired_entry_is_put_before_the_others() -> None:
    """A search that keeps to what holds could not have returned it."""
    ended = 0
    for site in sites():
        assert site.retrieval is not None
        (asked,) = site.graph.inputs(site.retrieval.id, "question")
        day = asked.value["date"][:10]
        assert all(holds_on(entry, day) for entry in site.standing)
        ended += sum(not holds_on(v, day) for v in site.graph.variables("entry"))
    assert ended
