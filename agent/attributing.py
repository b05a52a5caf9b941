"""Attributes the failures of recorded passes: in threads, each saved as soon as it is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from agent.models.gateway import metered
from traces.graph import EvolutionGraph
from traces.protocols import Attribute
from traces.results import Attribution, Failure
from traces.store import Store


def attribute_pass(
    failures: Sequence[Failure],
    store: Store,
    method: Attribute,
    concurrency: int = 1,
    *,
    again: bool = False,
    on_made: Callable[[Attribution], None] = lambda made: None,
) -> dict[str, Attribution]:
    """Return the attribution of each failure of one pass by question id.

    What the store holds of this method is taken from there, unless `again`; what is made is
    saved before the next one begins, and told to `on_made` (from any thread). Calls of the
    pass itself do not count as an attribution's. Raises what the method raises (a spent
    budget, a stop, a provider that is down); what was made until then is kept.
    """
    if not failures:
        return {}
    pass_id = failures[0].pass_id
    known = {} if again else store.attributions(pass_id, method.name)
    found = {f.question.id: known[f.question.id] for f in failures if f.question.id in known}
    missing = [failure for failure in failures if failure.question.id not in found]
    if not missing:
        return found
    graph = EvolutionGraph.load(store, pass_id)
    known_calls = store.call_keys(pass_id)

    def one(failure: Failure) -> Attribution:
        with metered(known_calls) as meter:
            made = method(failure, graph)
        made = replace(made, calls=meter.calls, tokens=meter.tokens)
        store.save_attribution(pass_id, made)
        on_made(made)
        return made

    if concurrency > 1 and len(missing) > 1:
        # Where one raises, what has not begun does not begin.
        with ThreadPoolExecutor(concurrency) as pool:
            made = list(pool.map(one, missing))
    else:
        made = [one(failure) for failure in missing]
    return {**found, **{a.question: a for a in made}}


def counts(found: Sequence[Attribution]) -> dict[str, dict[str, int]]:
    """Return attributions by verdict, by error type (all, and certified ones) and sub-type,
    by operation those at one without a prompt, and suspicions and abstentions by reason code."""
    named = [a for a in found if a.verdict != "abstained"]
    certified = [a for a in named if a.verdict == "certified"]
    return {
        "by_verdict": _counted(a.verdict for a in found),
        "by_error_type": _counted(str(a.error_type) for a in named),
        "certified_by_error_type": _counted(str(a.error_type) for a in certified),
        "by_sub_type": _counted(f"{a.error_type}/{a.sub_type}" for a in named),
        "without_prompt": _counted(a.names[0] for a in named if a.names and not a.slot),
        "unproved": _coded(found, "suspected"),
        "abstained": _coded(found, "abstained"),
    }


def _coded(found: Sequence[Attribution], verdict: str) -> dict[str, int]:
    # The code is what stands before a remark.
    return _counted(a.reason.partition(":")[0] for a in found if a.verdict == verdict)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
