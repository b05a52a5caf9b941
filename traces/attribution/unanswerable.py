"""Questions that cannot be answered: only what misled the answer is looked for."""

from __future__ import annotations

from traces.attribution.blame import Blame, failed_by_provider
from traces.attribution.contamination import Contamination, blame_sources
from traces.attribution.index import GraphIndex
from traces.attribution.misdated import misdated
from traces.attribution.on_matter import on_matter
from traces.attribution.outdated import ended_early, retracted
from traces.attribution.words import quote
from traces.domain import Question


def blame_unanswerable(
    index: GraphIndex, question: Question, prediction: str, contamination: Contamination
) -> Blame | str:
    """Return who caused an invented answer, or the reason code of an abstention.

    An entry that its messages do not support blames its maker; one that a later evidence
    message takes back, whoever missed that; a faithful one the retrieval that showed it,
    where that can be told to show nothing (it has a slot), else the response. An answer
    that nothing in the context supports is the response's own.
    """
    asked = index.asked(question.id)
    broken = [o for o in (*asked.retrievals, *asked.responses) if o.status == "failed"]
    if broken and failed_by_provider(broken[0]):
        return "provider_error"
    response = next((o for o in reversed(asked.responses) if o.status != "failed"), None)
    shown = " | ".join(quote(v.value["text"], 90) for v in asked.context) or "(nothing)"
    supporter = contamination.supporter()
    if supporter is None:
        if response is None:
            return "not_in_graph"
        return Blame(
            response, "ResponseError", "hallucination",
            "the answer says what no entry in its context says", quote(shown), quote(prediction),
        )  # fmt: skip
    found = contamination.unfaithful(supporter) or garbled(index, question)
    # The wrong answer may rest on the entry that should be gone or on the one that says so.
    for entry in (supporter, *asked.context):
        found = found or retracted(contamination, entry)
    found = found or ended_early(contamination, supporter)
    if found is not None:
        return found
    text = quote(supporter.value["text"], 200)
    sources = tuple(supporter.value.get("sources", ()))
    search = index.brought_in(asked, supporter)
    if search is not None:
        return Blame(
            search, "RetrievalError", "distractor",
            f"an entry was returned that does not answer the question: {text}",
            quote(f"question: {question.text}"), quote(shown), sources,
        )  # fmt: skip
    if response is None:
        return "not_in_graph"
    return Blame(
        response, "ResponseError", "distractor",
        f"the answer was taken from an entry on something else: {text}", quote(shown),
        quote(prediction), sources,
    )  # fmt: skip


def garbled(index: GraphIndex, question: Question) -> Blame | None:
    """Blame whoever credited what an evidence message says to somebody else or to another day,
    or None: what a person took back then still stands, or is not taken back."""
    for id in on_matter(index, question):
        message = index.messages.get(id)
        if message is None:
            continue
        about = {message.value["speaker"]} | index.named(message.value["text"])
        made = [(fact, index.maker(fact.id)) for fact in index.facts[id]]
        made += [(v.variable, index.operation(v.made_by)) for v in index.versions[id][:1]]
        for item, maker in made:
            if maker is None:
                continue
            named = index.named(item.value["text"])
            sub_type, what = "wrong_speaker", "what was said is credited to somebody else"
            if not named or named & about:
                sub_type, what = "wrong_time", "what was said is credited to another day"
                if not misdated(item, message):
                    continue
            error_type = "ExtractionError" if item.kind == "fact" else "UpdateError"
            return blame_sources(
                maker, error_type, sub_type, what, [message], item.value["text"]
            )  # fmt: skip
    return None
