"""The default optimizer: edits from attributed failures, raced on training episodes.

    signals -> clusters -> slots -> edits (reflection model) -> lint -> screen each alone
            -> merge what gains -> race on all training episodes -> candidate

The gate, on conversations that nothing here has seen, stays outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dspy

from optimizers.clusters import Cluster, cluster_signals
from optimizers.drafting import Draft, make_drafts
from optimizers.edits import Edit, apply_edit, edits_json
from optimizers.merging import compatible, entrants, to_prune, trial_key
from optimizers.program import PromptProgram
from optimizers.protocol import Assignment, Proposal
from optimizers.race import Entrant, Heat, Race, estimated_calls
from optimizers.rejected import Rejections
from optimizers.scoring import Comparison
from optimizers.signals import nothing_to_learn
from traces.domain import Conversation, PromptSlot

# A slot takes part when it has at least this share of an even share of the weight.
FAIR_SHARE = 0.5
# A cluster of which a kept edit moves this share needs no second edit in the same round.
ANSWERED = 0.75


class AttributionGuided(dspy.teleprompt.Teleprompter):  # type: ignore[misc]
    """A DSPy teleprompter over a PromptProgram; `propose` is its round.

    `count` edits are asked for a slot. `effort` bounds the round's agent calls, in full
    re-runs of all training episodes (an estimate: 5 re-runs of six episodes of 18 questions
    are about 1,800 calls). Holds no state between rounds but what the memory carries.
    """

    name = "attribution_guided"

    def __init__(self, count: int = 5, effort: float = 5.0) -> None:
        super().__init__()
        if count < 1 or effort <= 0:
            raise ValueError(f"count and effort are positive, not {count} and {effort}")
        self.count = count
        self.effort = effort

    def compile(
        self,
        student: PromptProgram,
        *,
        trainset: Sequence[Conversation],
        teacher: Any = None,
        valset: Any = None,
        **assignment: Any,
    ) -> PromptProgram:
        """Return the student with the best candidate's instructions, or a copy of it.

        `trainset` are training conversations; `slots`, `signals`, `ask`, `evaluate` and any
        other field of Assignment are passed on (`round` is 0, `incumbent` the student
        itself unless given). The result's `proposal` tells what was tried. A teacher or a
        valset is refused: selection data belong to the gate. Raises ValueError for these.
        """
        if teacher is not None or valset is not None:
            raise ValueError("attribution_guided takes neither a teacher nor a valset")
        prompts = student.to_prompts()
        task = Assignment(
            **{
                "round": 0,
                "working": prompts,
                "incumbent": prompts,
                "episodes": tuple(trainset),
                **assignment,
            }
        )
        proposal = self.propose(task)
        program = PromptProgram.from_prompts(proposal.candidate or prompts)
        program.proposal = proposal
        program._compiled = True
        return program

    def propose(self, assignment: Assignment) -> Proposal:
        """Return the round's proposal. Raises what `ask` and `evaluate` raise.

        A reflection reply that cannot be read costs its slot this round, nothing else.
        """
        memory = Rejections(assignment.memory)
        by_slot = share(cluster_signals(assignment.signals), assignment.slots)
        if not assignment.episodes:
            why = "nothing to learn from: no training conversation"
            return Proposal(None, (), (), memory.to_json(), why)
        if not by_slot:
            why = nothing_to_learn(assignment.signals, [slot.name for slot in assignment.slots])
            return Proposal(None, (), (), memory.to_json(), why)
        race = self._race(assignment)
        drafts = make_drafts(assignment, by_slot, self.count, memory, race.records)
        heats = self._screen(assignment, drafts, race, memory)
        chosen, left = compatible(heats)
        for heat, why in left:
            race.record(heat.entrant, (), None, False, why)
        pruned = self._prune(assignment, race, memory)
        best = self._final(assignment, chosen, pruned, race)
        gained = best is not None and best.comparison is not None and best.comparison.better
        if not gained:
            for heat in chosen:
                why = "gained alone, but not on all training episodes"
                memory.add(heat.entrant.edits[0], why, assignment.round)
        tried = f"{len(chosen)} of {len(drafts)} tried edits kept"
        if best is None or best.comparison is None:
            why = f"nothing better was found: {tried}"
            return Proposal(None, (), tuple(race.records), memory.to_json(), why)
        return Proposal(
            best.entrant.prompts,
            tuple(edits_json(best.entrant.edits)),
            tuple(race.records),
            memory.to_json(),
            f"{best.entrant.label}: {best.comparison.summary} ({tried})",
        )

    # steps -----------------------------------------------------------------------

    def _race(self, assignment: Assignment) -> Race:
        full = sum(estimated_calls("extraction", c) for c in assignment.episodes)
        return Race(
            assignment.working,
            {slot.name: slot.kind for slot in assignment.slots},
            assignment.episodes,
            assignment.evaluate,
            round(self.effort * full),
            f"{assignment.seed}:{assignment.round}",
        )

    def _screen(
        self, assignment: Assignment, drafts: Sequence[Draft], race: Race, memory: Rejections
    ) -> list[Heat]:
        """Try each edit alone, as long as enough of the budget is left to race what gains."""
        working = assignment.working
        kinds = {slot.name: slot.kind for slot in assignment.slots}
        dearest = max(
            (sum(estimated_calls(kinds[d.edit.slot], c) for c in race.episodes) for d in drafts),
            default=0,
        )
        reserve = round(1.5 * dearest)
        heats: list[Heat] = []
        answered: set[str] = set()
        for draft in drafts:
            edit = draft.edit
            cause = f"{edit.slot} {draft.cluster.id}"
            text = apply_edit(working.instructions[edit.slot], edit)
            prompts = working.with_changes({edit.slot: text})
            entrant = Entrant(prompts, (edit,), draft.cluster.questions, "one edit")
            if cause in answered:
                why = "not raced: a kept edit already moves most of its cluster"
                race.record(entrant, (), None, False, why)
                continue
            if heats and not race.affords(prompts, race.sample(entrant.targets), reserve):
                race.record(entrant, (), None, False, "not raced: the round's calls are used up")
                continue
            heat = race.screen(entrant)
            if not heat.kept and heat.conclusive:
                memory.add(edit, heat.why, assignment.round)
            if heat.kept and heat.reach >= ANSWERED:
                answered.add(cause)
            heats.append(heat)
        return heats

    def _prune(self, assignment: Assignment, race: Race, memory: Rejections) -> Edit | None:
        """Return the removal of one added sentence that does no harm, if there is one."""
        slots = {slot.name: slot for slot in assignment.slots}
        salt = f"{assignment.seed}:{assignment.round}"
        edit = to_prune(assignment.working, assignment.slots, memory, salt)
        if edit is None:
            return None
        text = apply_edit(assignment.working.instructions[edit.slot], edit)
        lost = [r for r in slots[edit.slot].required if r not in text]
        prompts = assignment.working.with_changes({edit.slot: text})
        entrant = Entrant(prompts, (edit,), frozenset(), "pruning")
        episodes = race.sample()
        # What is left must still hold the race of the merged candidates.
        reserve = sum(estimated_calls("extraction", c) for c in race.episodes)
        if lost or not text.strip() or not race.affords(prompts, episodes, reserve):
            return None
        memory.trials[trial_key(edit.slot, edit.replaces)] = assignment.round
        found = race.against_working(prompts, episodes)
        harmless = found.conclusive and found.harmless
        why = "its removal does no harm" if harmless else "its removal does harm"
        race.record(entrant, episodes, found, harmless, why)
        return edit if harmless else None

    def _final(
        self, assignment: Assignment, chosen: Sequence[Heat], pruned: Edit | None, race: Race
    ) -> Heat | None:
        """Race the merged candidates on all training episodes; return the best, if better.

        Pruning alone, without a gain, is a candidate only where the working set is still
        unproven: there it makes the challenger leaner; an incumbent it could not improve.
        """
        slots = {slot.name: slot for slot in assignment.slots}
        unproven = assignment.working.hash != assignment.incumbent.hash
        heats: list[Heat] = []
        for entrant in entrants(assignment.working, chosen, pruned, slots):
            if heats and not race.affords(entrant.prompts, race.episodes):
                race.record(entrant, (), None, False, "not raced: the round's calls are used up")
                continue
            found = race.against_working(entrant.prompts, race.episodes)
            lean = unproven and entrant.edits == (pruned,) and found.harmless
            good = found.conclusive and (found.better or lean)
            why = "better than the working set" if good else "not better than the working set"
            heats.append(race.record(entrant, race.episodes, found, good, why))
        kept = [(h, h.comparison) for h in heats if h.kept and h.comparison is not None]
        # Ties go to the shorter prompts.
        kept.sort(key=lambda item: (_best_first(item[1]), _length(item[0].entrant)))
        return kept[0][0] if kept else None


def share(
    clusters: Sequence[Cluster], slots: Sequence[PromptSlot]
) -> dict[PromptSlot, list[Cluster]]:
    """Return the slots that have a fair share of the clusters' weight, heaviest first.

    Clusters of slots that are not tunable do not count.
    """
    found = {slot: [c for c in clusters if c.slot == slot.name] for slot in slots}
    weights = {slot: sum(c.weight for c in own) for slot, own in found.items()}
    least = FAIR_SHARE * sum(weights.values()) / max(1, len(slots))
    order = sorted(found, key=lambda slot: (-weights[slot], slot.name))
    return {slot: found[slot] for slot in order if weights[slot] > 0 and weights[slot] >= least}


def _best_first(found: Comparison) -> tuple[int, float]:
    net, gain = found.rank
    return -net, -gain


def _length(entrant: Entrant) -> int:
    return sum(map(len, entrant.prompts.instructions.values()))
