"""Behaviour of the memory that lies in a LangGraph store, on every kind of store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langgraph.store.base import BaseStore

from memory_backends.protocol import Closable
from memory_backends.registry import create_backend
from tests import langgraph_stores
from tests.backend_fixture import Scripted, ask, context, ingest, session, texts
from tests.postgres_fixture import postgres_server
from tests.test_backends_fact_store import CHAT, DATED, MOVES, deciding, searching
from traces.operation import OperationContext, substitute
from traces.schema import MemoryEntry, change

OWN = "tests.langgraph_stores:"
KINDS = ["memory", OWN + "SHARED", OWN + "PLAIN", OWN + "fresh", OWN + "sqlite"]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL database."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=[*KINDS, "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    """Each kind of store, as the option names it."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres"))
    return str(request.param)


@pytest.fixture(autouse=True)
def _scope() -> Iterator[None]:
    from agent.models.language_model import dspy_scope

    with dspy_scope():
        yield


def memory(store: str, **options: Any) -> Any:
    return create_backend("langgraph_store", {"store": store, **options})


def passing(model: Scripted | None = None) -> OperationContext:
    return context(model or Scripted(), "langgraph_store")


def held(store: BaseStore) -> dict[str, Mapping[str, Any]]:
    """Return what memtune holds in a store, by key."""
    return {item.key: item.value for item in store.search(("memtune",), limit=1000)}


# one memory -----------------------------------------------------------------------


def test_facts_are_kept_up_to_date_and_found_in_any_store(store: str) -> None:
    """A change makes a new version, a deletion drops an entry; both are so in what is found."""
    model = deciding(
        Porto={"action": "change", "target": 1, "text": "my home is Porto"},
        sold={"action": "delete", "target": 1},
    )
    backend, ctx = memory(store), passing(model)
    ingest(backend, ctx, session("my home is Lisbon", "I like chess", "I have a red bicycle"))
    ingest(backend, ctx, session("my home is now Porto", id="s2"))
    ingest(backend, ctx, session("I sold a red bicycle", id="s3"))
    assert texts(backend.entries()) == ["my home is Porto", "I like chess"]
    assert [entry.version for entry in backend.entries()] == [2, 1]
    assert ask(backend, ctx, "home")[0] == "my home is Porto"
    assert "I have a red bicycle" not in ask(backend, ctx, "red bicycle", id="q2")
    backend.close()


def test_two_memories_of_one_store_know_nothing_of_each_other(store: str) -> None:
    """The same sessions, each in a memory of its own: neither updates nor answers mix."""
    one, other = memory(store), memory(store)
    ctx, beside = passing(), passing()
    ingest(one, ctx, session("my home is Lisbon"))
    ingest(other, beside, session("my home is Porto"))
    assert ask(one, ctx, "home") == ["my home is Lisbon"]
    assert ask(other, beside, "home") == ["my home is Porto"]
    (update,) = [o for o in beside.recorder.operations if o.kind == "update"]
    assert update.inputs["near"] == []
    one.close()
    assert ask(other, beside, "home", id="q2") == ["my home is Porto"]
    other.close()


def test_a_snapshot_is_isolated_and_restores_in_another_memory(store: str) -> None:
    """Another instance continues from a state in the same way, and leaves the first alone."""
    first, ctx = memory(store), passing(deciding(**MOVES))
    ingest(first, ctx, CHAT[0])
    kept = first.snapshot()
    before = texts(first.entries())
    ingest(first, ctx, CHAT[1])
    after = first.entries()
    answer = ask(first, ctx, "home")
    twin, replay = memory(store), passing(deciding(**MOVES))
    twin.restore(kept)
    assert texts(twin.entries()) == before
    ingest(twin, replay, CHAT[1])
    assert twin.entries() == after
    assert ask(twin, replay, "home") == answer
    twin.restore(kept)
    assert set(ask(twin, replay, "home", id="q2")) <= set(before)
    assert ask(first, ctx, "home", id="q3") == answer
    first.close()
    twin.close()


def test_equal_texts_are_entries_of_their_own_also_after_a_restore(store: str) -> None:
    """A text said twice is found twice, in the memory and in its copy."""
    backend, ctx = memory(store), passing()
    ingest(backend, ctx, session(*["my home is Lisbon"] * 3))
    twin = memory(store)
    twin.restore(backend.snapshot())
    assert ask(backend, ctx, "home") == ask(twin, ctx, "home", id="q2") == ["my home is Lisbon"] * 3
    backend.close()
    twin.close()


def test_any_text_is_kept(store: str) -> None:
    """Characters that a database cannot hold are replaced there, and nowhere else."""
    backend, ctx = memory(store), passing()
    ingest(backend, ctx, session("my cat \x00 \ud800 \U0001f389 is here", "chess"))
    assert ask(backend, ctx, "cat \x00 \udfff")[0] == "my cat \x00 \ufffd \U0001f389 is here"
    backend.close()


def test_filters_are_met_however_far_down_the_store_ranks_what_meets_them(store: str) -> None:
    """As many entries as asked for are returned, though nearer ones are filtered out."""
    backend = memory(store, top_k=2)
    ctx = passing(searching(queries=["concert"], require=["Faro"]))
    near = session(*[f"concert {n}" for n in range(30)], id="n")
    ingest(backend, ctx, near, session("a concert far away, perhaps in Faro", id="f"), *DATED)
    found = ask(backend, ctx, "which concert?")
    assert len(found) == 2
    assert all("Faro" in text for text in found)
    backend.close()


def test_several_queries_keep_what_only_one_of_them_finds(store: str) -> None:
    """Each link of a chain is among the results, however many entries match the other."""
    backend = memory(store, top_k=3)
    ctx = passing(searching(queries=["Ana sister", "bakery job"]))
    others = [f"Rosa {word}" for word in ("plum", "kiwi", "fig", "lime", "pear", "melon")]
    ingest(backend, ctx, session("Ana the sister", "a job at a bakery", *others))
    assert {"Ana the sister", "a job at a bakery"} <= set(ask(backend, ctx, "?"))
    backend.close()


def test_only_what_perform_returned_reaches_the_store(store: str) -> None:
    """A substituted update is what the memory holds; what the update said itself is nowhere."""
    ctx = passing()
    backend = memory(store)
    ingest(backend, ctx, session("my home is Lisbon"))
    (update,) = [o for o in ctx.recorder.operations if o.kind == "update"]
    repaired = MemoryEntry("e1", "my home is Braga", "Rosa", "2024-05-12", ("s1:1",))
    outputs = {"changes": [change("add", None)], "entries": [repaired.as_variable()]}
    again = memory(store)
    ingest(again, ctx.intervened([substitute(update.id, outputs)]), session("my home is Lisbon"))
    assert ask(again, ctx, "home") == ["my home is Braga"]
    backend.close()
    again.close()


def test_a_store_may_be_used_by_several_threads(store: str) -> None:
    """Questions are answered as they would be alone while other memories are written."""
    first, ctx = memory(store), passing()
    ingest(first, ctx, session(*(f"my home is number {n}" for n in range(12))))
    alone = ask(first, ctx, "home number 7")

    def write(_: int) -> list[str]:
        other, own = memory(store), passing()
        ingest(other, own, session(*(f"my home is number {n}" for n in range(12))))
        found = ask(other, own, "home number 7")
        other.close()
        return found

    with ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(write, n) for n in range(3)]
        asking = [pool.submit(ask, first, ctx, "home number 7", f"t{n}") for n in range(12)]
        assert [one.result() for one in (*asking, *writing)] == [alone] * 15
    first.close()


def test_no_usable_query_returns_nothing(store: str) -> None:
    """No queries, and blank ones; an empty memory is not searched either."""
    backend, ctx = memory(store), passing(searching(queries=["", "  "]))
    assert ask(backend, ctx, "home") == []
    ingest(backend, ctx, session("bicycle Lisbon"))
    assert ask(backend, ctx, "home", id="q2") == []
    backend.close()


# what lies in the store -------------------------------------------------------------


def test_the_store_holds_each_entry_under_its_id_until_the_memory_is_closed() -> None:
    """Keys are entry ids and values are readable by others; closing leaves other memories'."""
    shared = langgraph_stores.SHARED
    shared.put(("mine",), "k", {"text": "home of the owner"})
    one, other = memory(OWN + "SHARED"), memory(OWN + "SHARED")
    ingest(one, passing(), session("my home is Lisbon"))
    ingest(other, passing(), session("my home is Porto"))
    entries = [*one.entries(), *other.entries()]
    # Equal ids in both: the second memory repeats the operations of the first.
    assert held(shared).keys() == {entry.id for entry in entries}
    assert all(
        value.keys() == {"text", "speaker", "date", "sources", "version"}
        and (value["speaker"], value["date"], value["sources"]) == ("Rosa", "2024-05-12", ["s1:1"])
        for value in held(shared).values()
    )
    assert isinstance(one, Closable)
    one.close()
    assert [value["text"] for value in held(shared).values()] == ["my home is Porto"]
    other.close()
    other.close()
    assert held(shared) == {}
    assert shared.get(("mine",), "k") is not None


def test_a_restored_state_is_what_the_store_holds() -> None:
    """Entries that the state lacks are deleted, changed ones are put, others are not touched."""
    shared = langgraph_stores.SHARED
    model = deciding(Porto={"action": "change", "target": 1, "text": "my home is Porto"})
    backend, ctx = memory(OWN + "SHARED"), passing(model)
    ingest(backend, ctx, session("my home is Lisbon", "I like chess"))
    kept = backend.snapshot()
    written = {i.key: i.updated_at for i in shared.search(("memtune",))}
    ingest(backend, ctx, session("my home is now Porto", "I own a boat", id="s2"))
    backend.restore(kept)
    assert sorted(v["text"] for v in held(shared).values()) == ["I like chess", "my home is Lisbon"]
    chess = next(entry.id for entry in backend.entries() if "chess" in entry.text)
    assert {i.key: i.updated_at for i in shared.search(("memtune",))}[chess] == written[chess]
    backend.close()


def test_what_a_function_opens_is_closed_with_the_memory() -> None:
    """A context manager's store is opened for a memory when it is used, and given back once."""
    langgraph_stores.closed.clear()
    memory(OWN + "sqlite").close()
    assert langgraph_stores.closed == []
    backend = memory(OWN + "sqlite")
    ingest(backend, passing(), session("my home is Lisbon"))
    backend.close()
    backend.close()
    assert len(langgraph_stores.closed) == 1


def test_an_entry_of_another_hand_in_the_namespace_is_not_returned() -> None:
    """What memtune did not put there is no entry of the memory."""
    backend, ctx = memory(OWN + "SHARED"), passing()
    ingest(backend, ctx, session("my home is Lisbon"))
    (item,) = langgraph_stores.SHARED.search(("memtune",))
    langgraph_stores.SHARED.put(item.namespace, "foreign", {"text": "my home is Porto"})
    assert ask(backend, ctx, "home") == ["my home is Lisbon"]
    backend.close()
    langgraph_stores.SHARED.delete(item.namespace, "foreign")
