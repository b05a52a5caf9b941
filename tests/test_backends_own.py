"""Backends of anybody's: found by name, made, wrapped, and brought to what was put out."""

from __future__ import annotations

import errno
import importlib
import linecache
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_backends.coarse import Coarse
from memory_backends.plain import items
from memory_backends.protocol import Inspectable, MemoryBackend, Snapshottable
from memory_backends.registry import create_backend
from tests.backend_fixture import DAY, Scripted, ask, ingest, session, texts
from traces.domain import PromptSet, Question, Session
from traces.errors import NotIntervenable, OperationError, SettingsError
from traces.graph import EvolutionGraph
from traces.operation import OperationContext, substitute
from traces.replay import RecordedOutputs
from traces.schema import MemoryEntry, change

SPEC = "tests.broken_backends:"
FIRST = session("I live in Lisbon.", "I have a dog.")
SECOND = session("I live in Madrid now.", "The dog is called Bo.", id="s2")


class Fine:
    """A memory that uses the context itself, and leaves out all that can be filled in."""

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Nothing."""

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Nothing."""
        return ()


class Merging:
    """One entry a speaker, rewritten by each message: ids stay, texts change, some go."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def add(self, messages: list[dict[str, Any]]) -> None:
        for m in messages:
            if m["text"].startswith("Forget"):
                self.kept.pop(m["speaker"], None)
            else:
                self.kept[m["speaker"]] = m["text"]

    def search(self, question: str) -> list[str]:
        return list(self.kept.values())

    def entries(self) -> list[dict[str, Any]]:
        return [{"id": k, "text": v} for k, v in self.kept.items()]


class Counting:
    """Counts how often it was added to."""

    def __init__(self) -> None:
        self.adds = 0

    def add(self, messages: list[dict[str, Any]]) -> None:
        self.adds += 1

    def search(self, question: str) -> list[str]:
        return [f"{self.adds} sessions"] if self.adds else []


class Answers:
    """Has half of a memory's methods."""

    def search(self, question: str) -> list[str]:
        return []


def unmade() -> Any:
    """Cannot make a memory."""
    raise ConnectionError("no server at that address")


def made(name: str, **config: Any) -> Coarse:
    """Return a wrapped backend of this module or of the broken ones."""
    spec = name if ":" in name else SPEC + name
    backend = create_backend(spec, config)
    assert isinstance(backend, Coarse)
    return backend


def passing(backend: MemoryBackend) -> OperationContext:
    """Return a fresh pass."""
    bind = Scripted().bind
    return OperationContext("c1", "", DAY, PromptSet({}), bind, parameters=backend.fingerprint)


def recorded(name: str, *sessions: Session) -> tuple[Coarse, EvolutionGraph]:
    """Return a memory that took in sessions and one question, and the graph of that."""
    backend = made(name)
    ctx = passing(backend)
    ingest(backend, ctx, *sessions)
    ask(backend, ctx, "Where do I live?")
    return backend, EvolutionGraph.of(ctx.recorder)


# found and made ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nothing", "unknown memory backend 'nothing': choose one of .*rag.*module:attr"),
        ("tests.nowhere:X", "module tests.nowhere cannot be imported"),
        (f"{SPEC}Nobody", "has no 'Nobody'"),
        (f"{__name__}:Answers", "is no memory: Answers has search of its methods; give it add"),
        (f"{__name__}:unmade", "cannot be made .ConnectionError: no server at that address"),
        (f"{__name__}:SPEC", "is str .*; name a class"),
    ],
)
def test_what_is_no_backend_is_refused_in_one_line(name: str, told: str) -> None:
    """The message says which, why, and what there is or what to do."""
    with pytest.raises(SettingsError, match=told) as caught:
        create_backend(name)
    assert "\n" not in str(caught.value)


def test_options_reach_the_constructor_by_name_and_unknown_ones_are_refused() -> None:
    """`backend_config` is keyword arguments; the fingerprint depends on them."""
    assert made("Sound", top_k=2).inner.top_k == 2  # type: ignore[attr-defined]
    assert made("Sound", top_k=2).fingerprint != made("Sound").fingerprint
    assert made("Sound").fingerprint == made("Sound").fingerprint
    with pytest.raises(SettingsError, match="has no option 'topk': it has top_k"):
        made("Sound", topk=2)


def test_a_class_that_uses_the_context_is_no_wrapped_one() -> None:
    """Name, slots and fingerprint are filled in where it leaves them out."""
    backend = create_backend(f"{__name__}:Fine")
    assert isinstance(backend, Fine)
    assert backend.name == f"{__name__}:Fine"
    assert backend.slots == ()
    assert len(backend.fingerprint) == 32


def test_the_fingerprint_changes_with_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resume with other code is another run; the same code again is the same one."""
    monkeypatch.chdir(tmp_path)
    found = []
    for comment in ("#", "##", "#"):
        source = "class M:\n    def add(self, messages): pass\n    def search(self, q): return []\n"
        Path("own_rewritten_memory.py").write_text(source + comment)
        sys.modules.pop("own_rewritten_memory", None)
        importlib.invalidate_caches()
        linecache.clearcache()
        found.append(create_backend("own_rewritten_memory:M").fingerprint)
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize(
    ("name", "seen", "snapshots"),
    [("Opaque", False, False), ("Sound", True, False), ("Editable", True, True)],
)
def test_the_wrapper_can_do_what_the_class_offers(name: str, seen: bool, snapshots: bool) -> None:
    """entries makes it Inspectable, put and remove Snapshottable."""
    backend = made(name)
    assert isinstance(backend, Inspectable) is seen
    assert isinstance(backend, Snapshottable) is snapshots


# traced ---------------------------------------------------------------------------------


def test_two_operations_and_what_changed_are_recorded() -> None:
    """Entries are added, changed (a version more) and deleted, with the messages behind them."""
    backend, graph = recorded(
        f"{__name__}:Merging", FIRST, SECOND, session("Forget it.", id="s3")
    )  # fmt: skip
    assert [(o.kind, o.name) for o in graph.operations.values()] == [
        ("update", "add"), ("update", "add"), ("update", "add"), ("retrieval", "search"),
    ]  # fmt: skip
    done = [(c.value["action"], c.value["target"]) for c in graph.variables("change")]
    assert done == [("add", None), ("add", None), ("change", "Rosa"), ("change", "Ben"),
                    ("delete", "Rosa")]  # fmt: skip
    versions = [(e.value["entry_id"], e.value["version"], e.value["sources"])
                for e in graph.variables("entry")]  # fmt: skip
    assert versions == [
        ("Rosa", 1, ["s1:1"]), ("Ben", 1, ["s1:2"]),
        ("Rosa", 2, ["s1:1", "s2:1"]), ("Ben", 2, ["s1:2", "s2:2"]),
    ]  # fmt: skip
    assert isinstance(backend, Inspectable)
    assert texts(backend.entries()) == ["The dog is called Bo."]


def test_a_memory_that_shows_nothing_puts_out_itself() -> None:
    """Its add has no entries; a text found that repeats a message names it as its source."""
    _, graph = recorded("Opaque", FIRST)
    (add, search) = graph.operations.values()
    assert [v.kind for v in graph.outputs(add.id)] == ["memory"]
    assert [v.value["sources"] for v in graph.outputs(search.id, "retrieved")] == [
        ["s1:1"],
        ["s1:2"],
    ]


@pytest.mark.parametrize("name", ["Sound", "Editable", "Opaque", f"{__name__}:Merging"])
def test_recorded_outputs_bring_a_new_object_to_the_state_when_it_is_needed(name: str) -> None:
    """A reused add is made good before a search that was not recorded; not before."""
    first, graph = recorded(name, FIRST, SECOND)
    again = made(name)
    ctx = replace(passing(again), reuse=RecordedOutputs(graph))
    ingest(again, ctx, FIRST, SECOND)
    ask(again, ctx, "Where do I live?")
    assert {o.status for o in ctx.recorder.operations} == {"reused"}
    new = "Who is Bo the dog?"
    assert ask(again, ctx, new, "q2") == ask(first, passing(first), new, "q2") != []


def test_what_was_recorded_whole_needs_no_add() -> None:
    """Adds and searches that are all recorded never touch the object."""
    name = f"{__name__}:Counting"
    _, graph = recorded(name, FIRST, SECOND)
    again = made(name)
    ctx = replace(passing(again), reuse=RecordedOutputs(graph))
    ingest(again, ctx, FIRST, SECOND)
    assert ask(again, ctx, "Where do I live?") == ["2 sessions"]
    assert again.inner.adds == 0  # type: ignore[attr-defined]


def test_a_repair_of_an_editable_memory_takes_hold() -> None:
    """Its object is put what the repair put out, and searches that."""
    _, graph = recorded("Editable", FIRST, SECOND)
    add = next(iter(graph.operations.values()))
    repaired = MemoryEntry("x", "Rosa: I live in Porto.", "Rosa", "2024-05-12", ("s1:1",))
    outputs = {"changes": [change("add", None)], "entries": [repaired.as_variable()]}
    again = made("Editable")
    ctx = replace(passing(again), reuse=RecordedOutputs(graph))
    ctx = ctx.intervened([substitute(add.id, outputs)])
    ingest(again, ctx, FIRST)
    assert ask(again, ctx, "Where do I live?") == ["Rosa: I live in Porto."]
    assert [e["id"] for e in again.inner.kept] == ["x"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["Sound", "Opaque", "Random"])
def test_a_repair_of_any_other_memory_is_refused_when_it_would_matter(name: str) -> None:
    """Its add cannot be replaced; a search that is substituted itself can."""
    _, graph = recorded(name, FIRST)
    add, search = graph.operations.values()
    for repairs, refused in (([add], True), ([search], False)):
        again = made(name)
        ctx = passing(again).intervened([substitute(o.id, {}) for o in repairs])
        ingest(again, ctx, FIRST)
        if refused:
            with pytest.raises(NotIntervenable, match="cannot be brought to what its add put out"):
                ask(again, ctx, "Where do I live?")
        else:
            assert ask(again, ctx, "Where do I live?") == []


def test_a_snapshot_of_an_editable_memory_brings_it_back() -> None:
    """In the same object and in another; the snapshot stays usable."""
    backend = made("Editable")
    ctx = passing(backend)
    assert isinstance(backend, Snapshottable)
    ingest(backend, ctx, FIRST)
    kept = backend.snapshot()
    ingest(backend, ctx, SECOND)
    other = made("Editable")
    assert isinstance(other, Snapshottable)
    for memory in (backend, other, backend):
        assert isinstance(memory, Snapshottable)
        memory.restore(kept)
        assert isinstance(memory, Coarse)
        assert ask(memory, passing(backend), "a Bo?") == ["Ben: I have a dog."]
    with pytest.raises(OperationError, match="a snapshot of its own"):
        backend.restore(object())


def test_a_memory_that_is_not_empty_when_it_is_new_is_named() -> None:
    """Seen or unseen: the second conversation is refused before it is falsified."""
    for name in ("Leaks", "LeaksUnseen"):
        first, second = made(name), made(name)
        with suppress(OperationError):  # other tests may have told it something
            ingest(first, passing(first), FIRST)
        with pytest.raises(OperationError, match="is not empty when it is new"):
            ingest(second, passing(second), FIRST)


# what a class may return --------------------------------------------------------------


@given(
    st.one_of(
        st.none(), st.integers(), st.text(), st.binary(), st.dictionaries(st.text(), st.text()),
        st.lists(st.one_of(st.integers(), st.none(), st.lists(st.text()))).filter(bool),
        st.lists(st.fixed_dictionaries({"text": st.one_of(st.none(), st.integers())})).filter(bool),
        st.just([{"text": "x", "sources": 3}]), st.just([{"text": "x", "id": []}]),
    )
)  # fmt: skip
def test_garbage_is_named_and_never_taken(value: Any) -> None:
    """Whatever is neither texts nor dicts with text is one line that says what was returned."""
    with pytest.raises(OperationError, match="search returned") as caught:
        items(value, "search")
    assert len(str(caught.value)) < 300


@given(st.lists(st.one_of(st.text(), st.fixed_dictionaries({"text": st.text()},
       optional={"id": st.one_of(st.text(), st.integers()), "sources": st.lists(st.text()),
                 "date": st.datetimes(), "score": st.floats()}))))  # fmt: skip
def test_texts_and_dicts_are_read(value: list[Any]) -> None:
    """Order and text stay; what has no id gets one that depends on its text alone."""
    read = items(value, "search")
    assert [i.text for i in read] == [v if isinstance(v, str) else v["text"] for v in value]
    assert [i.key for i in read] == [i.key for i in items(value, "search")]


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOMEM, errno.ENOSPC])
def test_what_is_the_machines_is_not_the_classes(number: int) -> None:
    """A full disk or memory ends the run as what it is; a missing file is the class's own."""

    class Failing:
        error: OSError

        def add(self, messages: list[dict[str, Any]]) -> None:
            raise self.error

        def search(self, question: str) -> list[str]:
            return []

    backend = Coarse(Failing(), "failing", "f")
    Failing.error = OSError(number, "the machine's")
    with pytest.raises(OSError, match="the machine's"):
        ingest(backend, passing(backend), FIRST)
    Failing.error = FileNotFoundError(errno.ENOENT, "gone")
    with pytest.raises(OperationError, match="add of memory backend 'failing' raised File"):
        ingest(backend, passing(backend), FIRST)
