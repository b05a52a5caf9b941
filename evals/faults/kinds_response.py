"""Faults of the response: evidence ignored, an answer refused, invented, or unusable."""

from __future__ import annotations

from collections.abc import Iterator

from evals.faults.fault import Corrupt, Fault, of_kind
from evals.faults.matrix import cell
from evals.faults.site import Site
from evals.faults.wording import says, without_end
from traces.schema import Inputs, Outputs, Variable, answer
from traces.text import stems

_ABSTENTIONS = (
    "Not mentioned",
    "I don't know.",
    "There is no information about that in the memories.",
    "The conversation does not say.",
    "Not mentioned in the memories.",
    "Unknown",
)
_FRAMES = ("{v}", "{v}.", "It is {v}.", "As far as I can see, {v}.", "{v}, by the memories.")
_WORDY = ("As far as I can see, {v}.", "From what I can tell: {v}.", "{v}, by what was said.",
          "{v}, if I read it right.")  # fmt: skip


def response_faults(site: Site, sub_type: str) -> Iterator[Fault]:
    """Propose faults of this sub-type, the likeliest to do harm first."""
    operation = site.response
    if operation is None:
        return
    kind = cell("ResponseError", sub_type, "response")
    for corrupt in _proposals(site, sub_type):
        yield Fault(operation.id, kind, corrupt)


def _proposals(site: Site, sub_type: str) -> Iterator[Corrupt]:
    known = site.question.answer is not None
    if sub_type == "wrong_abstention" and known:
        yield _always(_ABSTENTIONS[site.number("abstain") % len(_ABSTENTIONS)])
    elif sub_type == "hallucination":
        shown = " ".join(str(v.value["text"]) for v in site.context)
        for value in _inventions(site):
            if not says(shown, value):
                yield _always(_framed(site, value))
    elif sub_type == ("ignored_evidence" if known else "distractor"):
        for value in _from_context(site):
            yield _always(_framed(site, value))
    elif sub_type == "format":
        yield from _unusable(site)


def _framed(site: Site, value: str) -> str:
    return _FRAMES[site.number("frame", value) % len(_FRAMES)].format(v=value)


def _always(text: str) -> Corrupt:
    return lambda _inputs, outputs: _put(outputs, text)


def _put(outputs: Outputs, text: str) -> Outputs:
    if not of_kind(outputs, "answer"):
        return outputs
    return {
        role: [answer(text) if v.kind == "answer" else v for v in variables]
        for role, variables in outputs.items()
    }


def _inventions(site: Site) -> list[str]:
    gold = site.question.answer or ""
    found = site.values.others(site.question, gold, f"{site.seed}/response")
    made = site.values.invented(site.question, f"{site.seed}/response")
    return list(dict.fromkeys([*found, *([made] if made else [])]))


def _from_context(site: Site) -> list[str]:
    """Return what other entries of the answer's context say on the question's matter; of a
    question without an answer, what any entry says."""
    gold = site.question.answer
    ids = set(site.evidence) if gold is not None else set()
    others = [str(v.value["text"]) for v in site.context if not ids & set(v.value["sources"])]
    # An entry that answers some question misleads before small talk.
    near = sorted(others, key=lambda t: -_nearness(site, t) - 0.5 * (site.value_in(t) is not None))
    told = " ".join(others)
    known = site.values.others(site.question, gold or "", f"{site.seed}/context", 60)
    found = [value for value in known if says(told, value)]
    least = 0.3 if gold is not None else 0.0
    found += [end for text in near if _nearness(site, text) > least and (end := _end(site, text))]
    return [v for v in dict.fromkeys(found) if not (gold and says(v, gold))][:3]


def _nearness(site: Site, text: str) -> float:
    return site.likeness(text) + 0.2 * any(person in text for person in site.asked_about)


def _end(site: Site, text: str) -> str:
    """Return the last words of an entry that are not the question's, as an answer gives them."""
    asked = set(stems(site.question.text)) | {s for p in site.people for s in stems(p)}
    words = without_end(text.split(" (formerly")[0]).split()
    end: list[str] = []
    for word in reversed(words):
        own = set(stems(word))
        if (own & asked) or (len(end) >= 2 and not own):
            break
        end.insert(0, word)
    while end and not stems(end[0]):
        end.pop(0)
    return " ".join(end[-5:])


def _unusable(site: Site) -> Iterator[Corrupt]:
    """Cut the answer off, or give raw lines of memory in its place; last, say it with more words
    than were asked for, which spoils nothing as a rule."""

    def cut(_: Inputs, outputs: Outputs) -> Outputs:
        said = next((str(v.value["text"]) for v in of_kind(outputs, "answer")), "")
        return _put(outputs, said[: max(1, len(said) // 3)])

    def lines(inputs: Inputs, outputs: Outputs) -> Outputs:
        shown = [_line(i, v) for i, v in enumerate(of_kind(inputs, "retrieved"), start=1)]
        return _put(outputs, " ".join(shown) or "[1] (none)")

    def broken(_: Inputs, outputs: Outputs) -> Outputs:
        return _put(outputs, '{"answer":')

    def wordy(_: Inputs, outputs: Outputs) -> Outputs:
        said = next((str(v.value["text"]) for v in of_kind(outputs, "answer")), "")
        return _put(outputs, _WORDY[site.number("wordy") % len(_WORDY)].format(v=said.rstrip(".")))

    forms = (cut, lines, broken)
    start = site.number("form") % len(forms)
    yield from (forms[(start + i) % len(forms)] for i in range(len(forms)))
    yield wordy


def _line(number: int, entry: Variable) -> str:
    return f"[{number}] ({entry.value['date'][:10]}) {entry.value['text']}"
