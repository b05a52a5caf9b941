"""Scene: which of the nearest scenes an episode goes on with; at most one model call."""

from __future__ import annotations

from collections.abc import Sequence

from memory_backends.episodic.layers import field, in_layer, layered, messages_of
from memory_backends.episodic.options import EpisodicOptions
from memory_backends.prediction import one_line, predict
from memory_backends.retrieval.index import HybridIndex
from memory_backends.state import MemoryState
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, Variable, change


def stage(
    state: MemoryState, episode: MemoryEntry, ctx: OperationContext, options: EpisodicOptions
) -> dict[str, list[Variable]]:
    """Return the scene that an episode begins, or the scene that it becomes a part of."""
    near = _near(state, episode, options)
    return ctx.perform(
        "update",
        name="scene",
        slot="scene",
        identity=sorted(messages_of(episode)),
        inputs={"episode": _variables([episode]), "near": _variables(near)},
        call=lambda op: _placed(op, episode, near, options.message_chars),
    )


def _near(state: MemoryState, episode: MemoryEntry, options: EpisodicOptions) -> list[MemoryEntry]:
    """Return the scenes of the episodes that are nearest by their words, nearest first."""
    words = HybridIndex(weight=0.0)
    episodes = {e.id: e for e in in_layer(state.entries(), "episode") if e.id != episode.id}
    for other in episodes.values():
        words.put(other.id, other.text)
    found = words.near(episode.text, len(episodes), options.scene_share)
    scenes = in_layer(state.entries(), "scene")
    nearest = [
        scene for id, _ in found for scene in scenes
        if messages_of(scene) & messages_of(episodes[id])
    ]  # fmt: skip
    return list({scene.id: scene for scene in nearest}.values())[: options.scenes_shown]


def _placed(
    op: BoundOperation, episode: MemoryEntry, near: Sequence[MemoryEntry], chars: int
) -> Outputs:
    number, title = None, str(field(episode, "title") or one_line(episode.text, 80))
    if near:
        from memory_backends.episodic.signatures import Scene

        reply = predict(
            op,
            Scene,
            episode=one_line(episode.text, chars),
            episode_date=episode.date,
            scenes="\n".join(
                f"[{place}] ({scene.date}) {one_line(scene.text, chars)}"
                for place, scene in enumerate(near, start=1)
            ),
        )
        number, title = reply["scene"], reply["title"].strip() or title
    old = near[number - 1] if number is not None and 1 <= number <= len(near) else None
    made = MemoryEntry(
        old.id if old else op.new_id(), title, date=episode.date,
        version=old.version + 1 if old else 1,
    )  # fmt: skip
    within = {*messages_of(episode), *(messages_of(old) if old else ())}
    done = change("change", old.id, "goes on") if old else change("add", None, "a new scene")
    return {"changes": [done], "entries": [layered(made, "scene", messages=sorted(within))]}


def _variables(entries: Sequence[MemoryEntry]) -> list[Variable]:
    return [entry.variable or entry.as_variable() for entry in entries]
