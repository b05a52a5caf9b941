"""Behaviour of the episodic memory while it takes a session in: cells, episodes, scenes,
foresights and the facts that hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.simulation.request import Request
from memory_backends.registry import create_backend
from tests.backend_fixture import (
    DAY,
    Scripted,
    ask,
    context,
    ingest,
    one_fact_a_message,
    session,
)
from traces.domain import Session
from traces.graph import EvolutionGraph
from traces.operation import OperationContext, substitute
from traces.schema import MemoryEntry, OperationRecord, Variable, message_variable

WORDS = ("Rosa keeps bees", "Ben plays chess", "the boat is red", "tea at noon", "a map of Oslo",
         "the lamp is old", "snow fell early", "bread and salt", "seven brass keys")  # fmt: skip


pytestmark = pytest.mark.usefixtures("json_adapter")


def saying(**replies: Mapping[str, Any]) -> Scripted:
    """Return a model that gives these replies, by the output field that asks for them."""

    def reply(request: Request) -> Mapping[str, Any]:
        for field, said in replies.items():
            if field in request.outputs:
                return said
        return one_fact_a_message(request)

    return Scripted(reply)


def telling(text: str, title: str = "") -> dict[str, Any]:
    return {"title": title, "narrative": text}


def taken_in(model: Scripted, *sessions: Session, **config: Any) -> tuple[Any, OperationContext]:
    memory, ctx = create_backend("episodic", config), context(model, "episodic")
    ingest(memory, ctx, *sessions)
    return memory, ctx


def operations(ctx: OperationContext, name: str) -> list[OperationRecord]:
    return [o for o in ctx.recorder.operations if o.name == name]


def of_layer(memory: Any, layer: str) -> list[MemoryEntry]:
    return [e for e in memory.entries() if e.variable.value.get("layer", "fact") == layer]


def cells(ctx: OperationContext) -> list[list[str]]:
    """Return the message ids that each extraction of facts was given."""
    graph = EvolutionGraph.of(ctx.recorder)
    return [
        [str(v.value["id"]) for v in graph.inputs(o.id, "message")]
        for o in operations(ctx, "facts")
    ]


# cells ------------------------------------------------------------------------------------


def test_every_model_step_has_a_slot() -> None:
    """Nine instructions, of three kinds; the three that every memory has keep their names."""
    kinds = {slot.name: slot.kind for slot in create_backend("episodic").slots}
    assert kinds == {
        "boundary": "extraction", "extraction": "extraction",
        "narrative": "update", "scene": "update", "foresight": "update", "update": "update",
        "retrieval": "retrieval", "sufficiency": "retrieval", "rerank": "retrieval",
    }  # fmt: skip
    assert all(0 < len(slot.seed) <= slot.max_chars for slot in create_backend("episodic").slots)


def test_cells_begin_where_the_model_says() -> None:
    """Numbers are those of the request; each cell is extracted by itself."""
    _, ctx = taken_in(saying(starts={"starts": [3, 5]}), session(*WORDS[:6]))
    assert cells(ctx) == [["s1:1", "s1:2"], ["s1:3", "s1:4"], ["s1:5", "s1:6"]]


def test_a_short_session_is_one_cell_unasked() -> None:
    """No model is asked for boundaries of as many messages as a cell has anyway."""
    model = saying(starts={"starts": [2]})
    _, ctx = taken_in(model, session(*WORDS[:4]))
    assert (cells(ctx), model.asked("starts")) == ([["s1:1", "s1:2", "s1:3", "s1:4"]], [])


def test_a_session_without_messages_makes_no_operation() -> None:
    """Nothing to read is nothing to do."""
    _, ctx = taken_in(Scripted(), Session("s1", DAY, ()))
    assert ctx.recorder.operations == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    starts=st.lists(st.integers(-3, 14), max_size=8),
    count=st.integers(1, 9),
    window=st.integers(1, 9),
)
def test_whatever_the_model_says_every_message_is_in_one_cell(
    starts: list[int], count: int, window: int
) -> None:
    """Cells keep the messages and their order; numbers that are none are left out."""
    model = saying(starts={"starts": starts})
    _, ctx = taken_in(model, session(*WORDS[:count]), window=window, uncut=1)
    assert [id for cell in cells(ctx) for id in cell] == [f"s1:{n}" for n in range(1, count + 1)]


def test_a_boundary_names_cells_by_what_is_in_them() -> None:
    """A message that comes before a cell renames neither the cell nor its operations."""
    _, one = taken_in(saying(starts={"starts": [3]}), session(*WORDS[1:6], start=2))
    _, other = taken_in(saying(starts={"starts": [4]}), session(*WORDS[:6]))
    same = {o.id for o in operations(one, "facts")} & {o.id for o in operations(other, "facts")}
    assert (len(same), cells(one)[1]) == (1, cells(other)[1])


def test_a_message_that_a_repair_puts_back_joins_the_cell_before_it() -> None:
    """A boundary that is substituted may hand on messages as they were given."""
    model = saying(starts={"starts": [3]})
    texts = session(*WORDS[:5])
    _, ctx = taken_in(model, texts)
    graph = EvolutionGraph.of(ctx.recorder)
    (boundary,) = operations(ctx, "boundary")
    passed = graph.outputs(boundary.id, "message")
    plain = message_variable(texts.messages[4], DAY)
    again = context(model, "episodic").intervened(
        [substitute(boundary.id, {"messages": [*passed[:2], plain, *passed[2:4]]})]
    )
    ingest(create_backend("episodic"), again, texts)
    assert cells(again) == [["s1:1", "s1:2", "s1:5"], ["s1:3", "s1:4"]]


# episodes and scenes ------------------------------------------------------------------------


def test_an_episode_is_kept_and_never_returned() -> None:
    """It rests on no message, since no answer is made from it; `messages` tells its cell."""
    model = saying(narrative=telling("Rosa told Ben of her bees.", "Bees"))
    memory, ctx = taken_in(model, session(*WORDS[:2]))
    (episode,) = of_layer(memory, "episode")
    assert (episode.text, episode.sources) == ("Rosa told Ben of her bees.", ())
    assert episode.variable is not None
    assert episode.variable.value["messages"] == ["s1:1", "s1:2"]
    assert "Rosa told Ben of her bees." not in ask(memory, ctx, "bees")


def test_where_nothing_is_told_facts_are_kept_all_the_same() -> None:
    """No episode, no scene; the cell's facts are there."""
    memory, ctx = taken_in(Scripted(), session(*WORDS[:2]))
    assert [len(of_layer(memory, layer)) for layer in ("episode", "scene", "fact")] == [0, 0, 2]
    assert operations(ctx, "scene") == []


def test_the_first_episode_begins_a_scene_unasked() -> None:
    """There is nothing to choose from; the scene has the episode's title."""
    model = saying(narrative=telling("Rosa keeps bees.", "Rosa's bees"))
    memory, _ = taken_in(model, session(*WORDS[:2]))
    assert ([s.text for s in of_layer(memory, "scene")], model.asked("scene")) == (
        ["Rosa's bees"], [],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "scenes"),
    [
        (1, [("Bees", 2, ["s1:1", "s1:2", "s2:1", "s2:2"])]),
        (None, [("Rosa's bees", 1, ["s1:1", "s1:2"]), ("Bees", 1, ["s2:1", "s2:2"])]),
        (7, [("Rosa's bees", 1, ["s1:1", "s1:2"]), ("Bees", 1, ["s2:1", "s2:2"])]),
    ],
)
def test_an_episode_goes_on_with_the_scene_that_is_chosen_or_begins_one(
    chosen: int | None, scenes: list[Any]
) -> None:
    """A scene that goes on is a new version of itself; a number of none begins another."""
    model = saying(
        narrative=telling("Rosa keeps bees.", "Rosa's bees"),
        scene={"scene": chosen, "title": "Bees"},
    )
    memory, _ = taken_in(model, session(*WORDS[:2]), session(*WORDS[:2], id="s2"))
    assert len(model.asked("scene")) == 1
    found = [
        (s.text, s.version, s.variable.value["messages"])
        for s in of_layer(memory, "scene") if s.variable
    ]  # fmt: skip
    assert found == scenes


def test_an_episode_on_something_else_is_not_asked_about() -> None:
    """Scenes are shown only where their episodes share words with the new one."""
    told = iter(["Rosa keeps bees.", "Trains ran late."])

    def reply(request: Request) -> Mapping[str, Any]:
        if "narrative" in request.outputs:
            return telling(next(told), "a title")
        return one_fact_a_message(request)

    model = Scripted(reply)
    memory, _ = taken_in(model, session("Hello"), session("Bye", id="s2"))
    assert (len(of_layer(memory, "scene")), model.asked("scene")) == (2, [])


# foresights and facts -----------------------------------------------------------------------


def test_a_foresight_names_its_messages_and_the_days_it_holds() -> None:
    """Numbers become message ids; a first day that is none is the session's, a last one open."""
    ahead = {"text": "Ben will race.", "speaker": "Ben", "time": "soon", "until": "2024-06",
             "sources": [2]}  # fmt: skip
    memory, _ = taken_in(saying(foresights={"foresights": [ahead, {}]}), session(*WORDS[:2]))
    (entry,) = of_layer(memory, "foresight")
    assert (entry.text, entry.speaker, entry.date, entry.sources) == (
        "Ben will race.", "Ben", "2024-05-12", ("s1:2",),
    )  # fmt: skip
    assert entry.variable is not None
    value = entry.variable.value
    assert (value["holds_from"], value["holds_until"]) == ("2024-05-12", "2024-06")


@pytest.mark.parametrize("item", ["a sentence", None, {"text": " "}, {"text": 3, "until": 4}])
def test_odd_foresights_are_left_out(item: Any) -> None:
    """One bad item costs itself, not the reply."""
    memory, _ = taken_in(saying(foresights={"foresights": [item]}), session("x"))
    assert of_layer(memory, "foresight") == []


def test_a_fact_is_compared_with_facts_only() -> None:
    """Neither episodes, scenes nor foresights are changed by a fact that says the same."""
    model = saying(
        narrative=telling("Rosa keeps bees.", "bees"),
        foresights={"foresights": [{"text": "Rosa keeps bees", "sources": [1]}]},
    )
    taken_in(model, session("Rosa keeps bees"), session("Rosa keeps bees", id="s2"))
    (asked,) = model.asked("action")
    assert asked.inputs["entries"] == "[1] (2024-05-12) Rosa keeps bees"


def test_a_changed_fact_is_a_new_version_with_both_sources() -> None:
    """Facts are updated as in the fact store, under this memory's name for the step."""
    change = {"action": "change", "target": 1, "text": "Rosa keeps geese", "reason": "new"}
    memory, ctx = taken_in(
        saying(action=change), session("Rosa keeps bees"), session("Rosa keeps geese", id="s2")
    )
    (fact,) = of_layer(memory, "fact")
    assert (fact.text, fact.version, fact.sources) == ("Rosa keeps geese", 2, ("s1:1", "s2:1"))
    assert {o.slot for o in operations(ctx, "profile")} == {"update"}


def test_an_entry_of_a_repair_is_a_fact() -> None:
    """What has no layer is searched, returned and compared like a fact."""
    texts = session("Rosa keeps bees")
    _, ctx = taken_in(Scripted(), texts)
    (profile,) = operations(ctx, "profile")
    made = MemoryEntry("e1", "Rosa: Rosa keeps bees", "Rosa", "2024-05-12", ("s1:1",))
    again = context(Scripted(), "episodic").intervened(
        [substitute(profile.id, {"entries": [made.as_variable()]})]
    )
    memory = create_backend("episodic")
    ingest(memory, again, texts)
    assert ask(memory, again, "bees") == ["Rosa: Rosa keeps bees"]


# state ------------------------------------------------------------------------------------------


def test_a_snapshot_holds_all_layers() -> None:
    """Another instance that restores it answers and organises as the first one does."""
    model = saying(
        narrative=telling("Rosa keeps bees.", "bees"),
        foresights={"foresights": [{"text": "Rosa will sell honey", "sources": [1]}]},
        scene={"scene": 1, "title": "bees"},
    )
    memory, ctx = taken_in(model, session(*WORDS[:2]))
    twin = create_backend("episodic")
    twin.restore(memory.snapshot())  # type: ignore[attr-defined]
    assert twin.entries() == memory.entries()  # type: ignore[attr-defined]
    assert ask(twin, ctx, "honey", "q2") == ask(memory, ctx, "honey", "q3")
    later = session(*WORDS[:2], id="s2")
    for one in (memory, twin):
        ingest(one, context(model, "episodic"), later)
    assert _values(twin) == _values(memory)


def _values(memory: Any) -> list[Variable]:
    return [e.variable for e in memory.entries()]
