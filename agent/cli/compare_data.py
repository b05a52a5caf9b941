"""What `compare` reads of recorded runs, as plain data; only what they have recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.cli.recorded_summary import summary_of
from traces.results import EpisodeResult

if TYPE_CHECKING:
    from pathlib import Path

    from agent.cli.recorded import RecordedRun
    from traces.domain import PromptSet

SPLITS = ("train", "selection", "test")


def describe(recorded: RecordedRun, which: str) -> dict[str, Any]:
    """Return a run's figures; `which` names the prompts that are compared."""
    from agent.cli.status import overview

    summary = summary_of(recorded)
    state = overview(recorded)
    compared = recorded.prompts(which)
    lock = recorded.lock_file()
    done = {name: summary.get(name) for name in ("gain", "usd", "seconds")}
    population = summary.get("gate_mode") == "population"
    sets = {"baseline": recorded.seed, "final": recorded.final, "compared": compared}
    return {
        "run": recorded.name,
        "directory": str(recorded.directory),
        "status": state["status"],
        "stop_reason": state["stop_reason"],
        "rounds": len(recorded.store.rounds("evaluate")),
        "simulated": recorded.simulated,
        "data": {"name": lock["name"], "hash": lock["hash"]},
        "measured_by": _measured_by(recorded),
        "backend": recorded.identity.get("backend"),
        "optimizer": recorded.identity.get("optimizer"),
        "attribution": recorded.identity.get("attribution"),
        "gate_mode": summary.get("gate_mode"),
        "models": recorded.models,
        "prompts": {"which": which, "hash": compared.hash},
        "scores": {
            name: _scores(recorded.results(prompts), lock["splits"], population)
            for name, prompts in sets.items()
        },
        "causes": _causes(recorded),
        "gates": {"tested": state["gates"], "promoted": state["promoted"]},
        "calls": summary["calls"],
        "tokens": summary["tokens"],
        "test_openings": summary["test_openings"],
        **done,
    }


def nothing_recorded(directory: Path) -> dict[str, Any]:
    """Return the figures of a run that has been named and nothing else."""
    from agent.loop.directory import read_config, running

    config = read_config(directory)
    identity, settings = config["identity"], config["settings"]
    known = config.get("simulated")
    known = known if isinstance(known, dict) else {}
    nothing: dict[str, Any] = {"made": 0, "saved": 0, "by_role": {}}
    return {
        "run": directory.resolve().name,
        "directory": str(directory),
        "status": "running" if running(directory) else "not begun",
        "stop_reason": "",
        "rounds": 0,
        "simulated": {name: bool(known.get(name)) for name in ("data", "model")},
        "data": {"name": str(identity.get("dataset")), "hash": str(identity.get("data_hash"))},
        "measured_by": {},
        "backend": identity.get("backend"),
        "optimizer": identity.get("optimizer"),
        "attribution": identity.get("attribution"),
        "gate_mode": None,
        "models": {"agent": str(settings.get("agent_model") or settings.get("model"))},
        "prompts": {"which": "-", "hash": None},
        "scores": {"baseline": {}, "final": {}, "compared": {}},
        "causes": {"training": None, "test": None},
        "gates": {"tested": 0, "promoted": 0},
        "calls": nothing,
        "tokens": {"input": 0, "output": 0},
        "test_openings": 0,
        "gain": None,
        "usd": None,
        "seconds": None,
    }


def _measured_by(recorded: RecordedRun) -> dict[str, Any]:
    """What a verdict depends on besides the answer."""
    identity = recorded.identity
    return {
        "scorer": str(identity.get("scorer") or "judge").partition("@")[0],
        "judge_prompt": identity.get("judge_prompt"),
        "judge": recorded.models.get("judge"),
    }


def _scores(
    results: Iterable[EpisodeResult], splits: Mapping[str, Sequence[str]], population: bool
) -> dict[str, Any]:
    """Return figures by split; None where not all of its conversations were run."""
    found = {result.conversation: result for result in results}
    return {
        name: _figures([found[id] for id in ids], population)
        if ids and all(id in found for id in ids)
        else None
        for name, ids in splits.items()
    }


def _figures(results: Sequence[EpisodeResult], population: bool) -> dict[str, Any] | None:
    from agent.loop.services import conversation_scores
    from evals.stages import mean_stages
    from evals.statistics import t_interval

    scores = conversation_scores(results)
    if not scores:
        return None
    interval = t_interval(scores.values())
    bounds = None
    if population and interval.low is not None and interval.high is not None:
        bounds = [round(max(0.0, interval.low), 6), round(min(1.0, interval.high), 6)]
    assert interval.mean is not None  # there are scores
    return {
        "score": round(interval.mean, 6),
        "interval": bounds,
        "n": sum(a.correct is not None for r in results for a in r.answers),
        "conversations": len(scores),
        "stages": mean_stages(result.stages for result in results),
    }


def _causes(recorded: RecordedRun) -> dict[str, dict[str, int] | None]:
    """Return failures by error type: training over all rounds, each prompt set once, and what
    the finish found on test."""
    records = {r["prompts"]: r for r in recorded.store.rounds("attribute")}
    test = (recorded.finish or {}).get("test_attributions")
    return {
        "training": _counts(records.values()) if records else None,
        "test": None if test is None else _counts([test]),
    }


def _counts(records: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for record in records:
        for name, number in record["by_error_type"].items():
            found[name] += number
        unnamed = sum(record["abstained"].values())
        if unnamed:
            found["(no cause named)"] += unnamed
    return dict(found)


# questions -----------------------------------------------------------------------


def answers(recorded: RecordedRun, prompts: PromptSet) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the recorded answers by split, conversation and question."""
    split_of = {id: name for name, ids in recorded.lock_file()["splits"].items() for id in ids}
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in SPLITS}
    for result in recorded.results(prompts):
        split = split_of.get(result.conversation)
        if split is not None:
            found[split][result.conversation] = {
                a.question: {
                    "prediction": a.prediction,
                    "correct": a.correct,
                    "category": a.category,
                }
                for a in result.answers
            }
    return found


def same_conversations(
    old: tuple[RecordedRun, PromptSet], new: tuple[RecordedRun, PromptSet]
) -> set[str] | None:
    """Return the conversations whose messages both runs recorded word for word alike; None for
    runs over the same data, where all are."""
    if old[0].identity["data_hash"] == new[0].identity["data_hash"]:
        return None
    first, second = (_messages(*side) for side in (old, new))
    return {c for c in first if c in second and first[c] == second[c]}


def _messages(recorded: RecordedRun, prompts: PromptSet) -> dict[str, frozenset[str]]:
    """Return the hashes of the messages that each conversation's operations were given."""
    return {
        conversation: frozenset(
            digest
            for operation in recorded.store.operations(id)
            for refs in operation.inputs.values()
            for variable, digest in refs
            if variable.startswith("message/")
        )
        for id, conversation, _ in recorded.store.passes(prompts.hash)
    }


def question_texts(
    recorded: RecordedRun, prompts: PromptSet, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Return the texts of questions, (conversation, question), as they were asked."""
    asked: dict[str, set[str]] = defaultdict(set)
    for conversation, question in wanted:
        asked[conversation].add(question)
    found: dict[tuple[str, str], str] = {}
    for id, conversation, _ in recorded.store.passes(prompts.hash):
        questions = asked.get(conversation, set())
        if not questions:
            continue
        refs = {
            operation.scope: ref
            for operation in recorded.store.operations(id)
            if operation.scope in questions
            for ref in operation.inputs.get("question", ())
        }
        for question, variable in zip(
            refs, recorded.store.variables(list(refs.values())), strict=True
        ):
            found[conversation, question] = str(variable.value["text"])
    return found
