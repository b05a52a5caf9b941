"""Scenes by the simulated agent: which thread an episode goes on with."""

from __future__ import annotations

import re

from evals.simulation.agent_narrative import title_of
from evals.simulation.draws import digest, uniform
from evals.simulation.language import SYNONYMS, content, names
from evals.simulation.request import Request

_SCENE = re.compile(r"^\[(\d+)\] (?:\([^)]*\) )?(.*)$")
_SHARED = 2  # the fewest things in common


def scene(request: Request, slip: float, seed: int) -> dict[str, object]:
    """Return the scene that has most in common with the episode, or none, and a title."""
    key = digest(seed, request)
    episode = request.inputs.get("episode", "")
    lines = [m for line in request.inputs.get("scenes", "").splitlines()
             if (m := _SCENE.match(line.strip()))]  # fmt: skip
    told = _matter(episode)
    shared = {int(m[1]): len(told & _matter(m[2])) for m in lines}
    best = max(shared, key=lambda n: (shared[n], -n), default=None)
    chosen = best if best is not None and shared[best] >= _SHARED else None
    if lines and uniform(key, "slip") < slip:
        # A spoilt step: the thread is taken for another one.
        chosen = int(lines[digest(key) % len(lines)][1])
    before = next((m[2] for m in lines if int(m[1]) == chosen), "")
    return {"scene": chosen, "title": title_of([episode, before], [])}


def _matter(text: str) -> set[str]:
    return {*names(text), *(c for c in content(text) if c in SYNONYMS)}
