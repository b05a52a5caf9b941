"""Steps 1, 2 and 4 on one graph: the evidence followed forward, the wrong answer backward.

`provenance` ends here; `replay` repairs what is suspected and comes back with the replayed
graph.
"""

from __future__ import annotations

from dataclasses import dataclass

from traces.attribution.blame import Blame
from traces.attribution.carries import Carries
from traces.attribution.chain import follow
from traces.attribution.contamination import Contamination, blame_sources
from traces.attribution.decide import answer_blame, decide
from traces.attribution.index import GraphIndex
from traces.attribution.invented import invented_before, invented_for
from traces.attribution.locate import locate
from traces.attribution.misdating import arrived_misdated
from traces.attribution.path import Chain, Path
from traces.attribution.targets import Target
from traces.attribution.unanswerable import blame_unanswerable
from traces.results import Failure


@dataclass(frozen=True)
class Suspects:
    """Who is suspected. `blame` is the decisive suspicion; without one `code` says why
    (a reason code of an abstention). `others` are further losses. `chains` are empty for
    questions that cannot be answered. `response` is what is said of the answer itself, where
    evidence reached it."""

    blame: Blame | None
    others: tuple[Blame, ...] = ()
    code: str = ""
    chains: tuple[Chain, ...] = ()
    contamination: Contamination | None = None
    response: Blame | None = None

    @property
    def targets(self) -> tuple[Target, ...]:
        """What each evidence message must deliver."""
        return tuple(chain.target for chain in self.chains)

    @property
    def evidence(self) -> tuple[str, ...]:
        """The ids of the evidence messages that were followed."""
        return tuple(chain.target.message_id for chain in self.chains)


def suspects(
    failure: Failure,
    index: GraphIndex,
    carries: Carries,
    prediction: str | None = None,
    targets: tuple[Target, ...] = (),
) -> Suspects:
    """Return who is suspected of a failure, on the graph of `index`.

    `prediction` is the failure's own unless a replay gave another; `targets` are located
    unless they are known. Raises what the reader raises.
    """
    question = failure.question
    said = failure.prediction if prediction is None else prediction
    asked = index.asked(question.id)
    if not asked.retrievals and not asked.responses:
        return Suspects(None, code="not_in_graph: the question has no operation")
    contamination = Contamination(index, question, said)
    if question.unanswerable:
        found = blame_unanswerable(index, question, said, contamination)
        if isinstance(found, str):
            return Suspects(None, code=found, contamination=contamination)
        return Suspects(_source(index, found), contamination=contamination)
    wanted = targets or tuple(locate(index, question, carries, failure.conversation))
    if not wanted:
        return Suspects(None, code="no_evidence", contamination=contamination)
    path = Path(index, asked, carries.reading, scopes(failure))
    chains = tuple(follow(path, target) for target in wanted)
    blame, others = decide(chains, contamination, path)
    others += [b for b in (arrived_misdated(path, chain) for chain in chains) if b is not None]
    response = answer_blame(path, chains, said)
    blame = response if blame is None else _source(index, blame)
    code = ""
    if blame is None:
        blocked = [chain.blocked for chain in chains if chain.blocked]
        code = blocked[0] if blocked else "not_in_graph"
    return Suspects(blame, tuple(others), code, chains, contamination, response)


def _source(index: GraphIndex, blame: Blame) -> Blame:
    """Return the blame of whoever misled a suspected update with an invention, if anybody did:
    with a fact that no message says, or with one in the entry that the update acted on."""
    if blame.operation.kind != "update":
        return blame
    found = invented_for(index, blame.operation) or invented_before(index, blame.operation)
    if found is None:
        return blame
    maker, made = found
    sources = [index.messages[s] for s in made.value["sources"] if s in index.messages]
    error_type = "ExtractionError" if maker.kind == "extraction" else "UpdateError"
    return blame_sources(
        maker, error_type, "hallucination",
        "a later statement met what no message says", sources, made.value["text"],
    )  # fmt: skip


def scopes(failure: Failure) -> dict[str, str]:
    """Return the session id of every message of a failure's conversation."""
    return {
        message.id: session.id
        for session in failure.conversation.sessions
        for message in session.messages
    }
