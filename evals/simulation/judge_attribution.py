"""The judge role reads what a memory did and names an operation: by comparing words.

It follows the form of the log in its message and nothing else. What it finds exercises the
machinery around it; how well a language model would do it does not tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from evals.simulation.draws import uniform
from evals.simulation.request import Request

_STOP = frozenset(
    str.split(
        """
        a an the of to in on at for with by from as is are was were be been it its their his her
        and my our that this has have had do does did what which who when where why how i me we
        """
    )
)
_HEAD = re.compile(r"\[(\d+)\] (\w+) ")
_ROLE = re.compile(r" {2}(used|made) [^:]*:(.*)")
_STEPS = re.compile(r" {2}(predecessors|successors): (.*)")
_NAME = re.compile(r"\b([mf]\d+|e\d+ version \d+)\b")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_REFUSES = re.compile(
    r"\bnot (?:mentioned|known|stated|said|recorded)\b|\bno information\b|\bunknown\b"
    r"|\bcannot be answered\b",
    re.I,
)
_LOST = {
    "extraction": ("ExtractionError", "omission"),
    "update": ("UpdateError", "overwritten"),
    "retrieval": ("RetrievalError", "missed"),
    "response": ("ResponseError", "ignored_evidence"),
}
_MADE_UP = {
    "extraction": ("ExtractionError", "hallucination"),
    "update": ("UpdateError", "hallucination"),
    "retrieval": ("RetrievalError", "distractor"),
    "response": ("ResponseError", "hallucination"),
}


@dataclass
class _Shown:
    """An operation as the message shows it: the texts that it used and made."""

    number: int
    kind: str
    used: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    more: set[str] = field(default_factory=set)  # directions with operations not shown yet


def _words(text: str) -> frozenset[str]:
    found = re.findall(r"[^\W_]+", text.lower())
    return frozenset(w[:6] for w in found if w not in _STOP)


def _read_log(text: str) -> list[_Shown]:
    """Return the operations of a log; a name stands for what was quoted beside it."""
    told: dict[str, str] = {}
    found: list[_Shown] = []
    into: list[str] = []
    for line in text.splitlines():
        head, role, steps = _HEAD.match(line), _ROLE.match(line), _STEPS.match(line)
        if head:
            found.append(_Shown(int(head[1]), head[2]))
            into = []
        elif not found:
            continue
        elif role:
            into = found[-1].used if role[1] == "used" else found[-1].made
            into += _texts(role[2], told)
        elif steps:
            if "not shown yet" in steps[2]:
                found[-1].more.add(steps[1])
        else:
            into += _texts(line, told)
    return found


def _texts(line: str, told: dict[str, str]) -> Iterator[str]:
    quotes = [str(json.loads(q, strict=False)) for q in _QUOTED.findall(line)]
    names = _NAME.findall(_QUOTED.sub('""', line))
    if quotes:
        # The last quotation is the value; before it may stand who said it.
        if names:
            told[names[0]] = quotes[-1]
        yield quotes[-1]
    else:
        yield from (told[name] for name in names if name in told)


@dataclass(frozen=True)
class _Guess:
    """What is blamed, and whether that was seen rather than guessed."""

    shown: _Shown | None
    error: tuple[str, str]
    reason: str
    seen: bool = True


def _guess(request: Request, log: list[_Shown]) -> _Guess:
    question, gold, said = (
        _words(request.inputs.get(name, "")) for name in ("question", "gold_answer", "prediction")
    )
    refused = bool(_REFUSES.search(request.inputs.get("prediction", "")))
    if _REFUSES.search(request.inputs.get("gold_answer", "")):
        return _made_up(log, said - question or said)
    telling = gold - question or gold
    if not refused and telling and telling <= said and len(said) <= len(gold) + 2:
        return _Guess(None, ("JudgeError", "none"), "the answers have the same words")

    def carries(texts: list[str]) -> bool:
        return any(telling <= _words(text) for text in texts)

    answered = [one for one in log if one.kind == "response"]
    if answered and carries(answered[-1].used):
        error = ("ResponseError", "wrong_abstention" if refused else "ignored_evidence")
        return _Guess(answered[-1], error, "the answer was given what it lacks")
    lost = [one for one in log if one.kind in ("extraction", "update")
            and carries(one.used) and not carries(one.made)]  # fmt: skip
    kept = [one for one in log if one.kind == "update" and carries(one.made)]
    searched = [one for one in log if one.kind == "retrieval"]
    if kept and searched:
        return _Guess(searched[-1], _LOST["retrieval"], "an entry has the words, the result not")
    if lost:
        return _Guess(lost[0], _LOST[lost[0].kind], "what it was given has the words")
    rest = answered or searched or log
    return _Guess(rest[-1], _LOST.get(rest[-1].kind, _LOST["response"]), "nothing tells", False)


def _made_up(log: list[_Shown], telling: frozenset[str]) -> _Guess:
    for one in log:
        made = any(telling <= _words(text) for text in one.made)
        if made and not any(telling <= _words(text) for text in one.used):
            error = _MADE_UP.get(one.kind, _MADE_UP["response"])
            return _Guess(one, error, "it put out what it was not given")
    return _Guess(log[-1], _MADE_UP["response"], "nothing tells", False)


def attribute(request: Request, *, seed: int, wrong: float) -> dict[str, object]:
    """Answer a request for the decisive operation, or for one step towards it.

    `wrong` is the share of requests in which it names whatever it was shown last.
    """
    log = _read_log(request.inputs.get("operations", ""))
    stepping = "action" in request.outputs
    if not log:
        found = _Guess(None, ("AnnotationError", "none"), "nothing was shown")
    elif uniform(seed, "attribution", request) < wrong:
        found = _Guess(log[-1], _LOST.get(log[-1].kind, _LOST["response"]), "at a glance")
    else:
        found = _guess(request, log)
    last = request.inputs.get("steps_left", "").startswith("none")
    move = next(((one, way) for one in log for way in sorted(one.more)), None)
    if stepping and not found.seen and not last and move is not None:
        return {
            "reason": "nothing here tells", "action": move[1], "operation": move[0].number,
            "error_type": "none", "sub_type": "none",
        }  # fmt: skip
    return {
        "reason": found.reason,
        **({"action": "decide"} if stepping else {}),
        "operation": found.shown.number if found.shown else 0,
        "error_type": found.error[0],
        "sub_type": found.error[1],
    }
