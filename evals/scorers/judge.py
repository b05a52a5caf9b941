"""The binary judge: a free match first, a model where that is unclear.

The free match decides only what nobody would dispute; everything else is one typed
question to the model behind `ask`, which owns ledger, budget and retry. A prompt of the
user's own says itself whether it wants the free match (`judge_prompt`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from evals.scorers.judge_prompt import JudgePrompt, shipped_prompt
from traces.abstention import abstains
from traces.domain import Question
from traces.errors import ContentError
from traces.protocols import Ask
from traces.text import stem, tokens

TASK = "judge"
UNANSWERABLE_GOLD = "(the question cannot be answered from the conversation)"
LONGEST_FREE_MATCH = 2000

# Words that may differ in an answer that says the same. Not among them: negations and
# words of direction or order ('before', 'from', 'out'), which change what is said.
_FILLERS = """
a an the and is are was were be been it its he she they him them his her hers their theirs i me my
mine you your we us our ours this that these those on in at of do does did has have had there
"""
_FILLER = frozenset(_FILLERS.split())
_NEGATIONS = frozenset(["no", "not", "never", "none", "nobody", "nothing", "neither", "nor"])
_ALTERNATIVES = frozenset(["or", "either", "maybe", "perhaps", "probably", "possibly", "except"])
_SYMBOLS = re.compile(r"[$€£¥%°+#]|-(?=\d)")  # no words, but they change a quantity or a name


class Verdict(NamedTuple):
    """Whether the prediction is right, and why, in one sentence."""

    correct: bool
    reason: str


def judge_instruction() -> str:
    """Return the text of judge.md."""
    return shipped_prompt().text


def _negative(word: str) -> bool:
    return word in _NEGATIONS or word.endswith("n't") or word == "cannot"


def _content(text: str) -> list[str]:
    return [stem(word) for word in tokens(text) if word not in _FILLER]


def free_match(prediction: str, gold: str | None, question: str = "") -> bool | None:
    """Compare without a model: True or False where that is clear, None where it is not.

    `gold` is None where the question cannot be answered. True: the same words, fillers
    aside, or the gold answer in a sentence that adds only words of the question. False:
    nothing was said, or an abstention that shares no word with the gold answer.
    """
    if not prediction.strip():
        return False
    if gold is None:
        return True if abstains(prediction) else None
    if len(prediction) > LONGEST_FREE_MATCH:
        return None
    said, wanted = _content(prediction), _content(gold)
    if not wanted:
        return None
    same_symbols = set(_SYMBOLS.findall(prediction)) == set(_SYMBOLS.findall(gold))
    if said == wanted:
        return True if same_symbols else None
    negative = any(_negative(word) for word in tokens(gold)) or abstains(gold)
    if abstains(prediction):
        return None if negative or set(said) & set(wanted) else False
    if negative or any(_negative(w) or w in _ALTERNATIVES for w in tokens(prediction)):
        return None
    asked = set(_content(question))
    if not same_symbols or set(wanted) <= asked:
        return None  # the latter: a question that offers its answers: the words say nothing
    for start in range(len(said) - len(wanted) + 1):
        if said[start : start + len(wanted)] == wanted:
            rest = said[:start] + said[start + len(wanted) :]
            if set(rest) <= asked - set(wanted):
                return True
    return None


def judge_answer(
    ask: Ask,
    question: Question,
    prediction: str,
    sample_index: int = 0,
    prompt: JudgePrompt | None = None,
    no_answer: str = UNANSWERABLE_GOLD,
) -> Verdict:
    """Return the verdict on one prediction by `prompt` (judge.md unless given).

    `no_answer` is shown as the gold answer of an unanswerable question. An empty prediction
    is wrong, and where the prompt wants it the free match decides what is clear; both cost
    no model call. Raises what `ask` raises, and ContentError for a reply without a verdict.
    """
    prompt = prompt or shipped_prompt()
    if not prediction.strip():
        return Verdict(False, "the prediction is empty")
    gold = None if question.unanswerable else question.answer
    matched = free_match(prediction, gold, question.text) if prompt.free_match else None
    if matched is not None:
        if gold is None:
            return Verdict(True, "abstains, as it should")
        return Verdict(matched, "same words as the gold answer" if matched else "abstains")
    reply = ask(
        TASK,
        prompt.text,
        {
            "question": question.text,
            "gold_answer": no_answer if gold is None else gold,
            "prediction": prediction,
        },
        {"correct": bool, "reason": str},
        sample_index,
    )
    correct = reply.get("correct")
    if not isinstance(correct, bool):
        raise ContentError(f"judge of question {question.id}: 'correct' is not a truth value")
    return Verdict(correct, str(reply.get("reason") or ""))


@dataclass(frozen=True, slots=True)
class ModelJudge:
    """`judge_answer` bound to a model and a prompt: a `traces.protocols.Judge`."""

    ask: Ask
    prompt: JudgePrompt | None = None

    def __call__(self, question: Question, prediction: str, sample_index: int = 0) -> Verdict:
        """Return (correct, reason); raises what `judge_answer` raises."""
        return judge_answer(self.ask, question, prediction, sample_index, self.prompt)
