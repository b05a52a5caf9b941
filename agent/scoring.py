"""From settings to a judge: which scorer, with which prompt, and what fixes a run by it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.settings import Settings
from evals.scorers import SCORERS, ModelJudge
from evals.scorers.adapt import ScorerJudge, adapted
from evals.scorers.judge_prompt import JudgePrompt, read_judge_prompt
from evals.scorers.longmemeval import LongMemEvalJudge, without_rule
from evals.scorers.trial import try_scorer
from traces.domain import Question
from traces.errors import SettingsError
from traces.hashing import text_hash
from traces.plugins import is_plugin, load_object
from traces.protocols import Ask, Judge

MODEL_JUDGES = ("judge", "longmemeval")
_HASH = 8  # bytes


@dataclass(frozen=True)
class Scoring:
    """A chosen scorer. `own` is the judge of one that asks no model of ours."""

    name: str
    prompt: JudgePrompt | None = None
    own: ScorerJudge | None = None

    @property
    def asks_model(self) -> bool:
        """Whether verdicts are asked of the judge's model."""
        return self.own is None

    def judge(self, ask: Ask) -> Judge:
        """Return the judge; `ask` is that of the judge's role."""
        if self.own is not None:
            return self.own
        if self.name == "longmemeval":
            return LongMemEvalJudge(ask)
        return ModelJudge(ask, self.prompt)

    def tried(self, questions: Sequence[Question]) -> tuple[str, ...]:
        """Try a scorer that costs no model call; return remarks for the user, a line each.

        Raises SettingsError for one that cannot be used (`evals.scorers.trial`).
        """
        if self.own is not None:
            return try_scorer(self.own, questions)
        if self.name == "longmemeval" and without_rule(questions):
            return (
                f"{without_rule(questions)} of {len(questions)} questions are of no type that "
                "LongMemEval has a rule for: the default judge's rules apply to them",
            )
        return ()


def scoring_of(settings: Settings) -> Scoring:
    """Return what `--scorer` and `--judge-prompt` choose.

    Raises SettingsError for an unknown name, a plug-in that is no scorer, and a prompt
    that cannot be used.
    """
    name = settings.scorer
    if name in MODEL_JUDGES or name in SCORERS or is_plugin(name):
        prompt = _prompt(settings)
    else:
        raise SettingsError(
            f"--scorer {name}: is unknown; choose judge, f1, exact, longmemeval, or a scorer of "
            "your own as module:attr"
        )
    if name in MODEL_JUDGES:
        return Scoring(name, prompt)
    found = SCORERS[name] if name in SCORERS else load_object(name, "--scorer")
    return Scoring(name, own=adapted(name, found))


def scoring_identity(settings: Settings) -> dict[str, str]:
    """Return what a scorer adds to a run's identity; nothing for the default one."""
    fixed: dict[str, str] = {}
    if settings.scorer != "judge":
        fixed["scorer"] = settings.scorer
    if is_plugin(settings.scorer):
        fixed["scorer"] = f"{settings.scorer}@{_source_hash(settings.scorer)}"
    prompt = _prompt(settings)
    if prompt is not None:
        fixed["judge_prompt"] = prompt.hash
    return fixed


def _prompt(settings: Settings) -> JudgePrompt | None:
    if settings.judge_prompt is None:
        return None
    if settings.scorer != "judge":
        raise SettingsError(
            f"--judge-prompt {settings.judge_prompt}: scorer {settings.scorer} does not use it; "
            "leave it out, or choose --scorer judge"
        )
    return read_judge_prompt(settings.judge_prompt)


def _source_hash(name: str) -> str:
    """Return the hash of the files that a plug-in's module and object are written in.

    What these import in turn is not covered.
    """
    found = load_object(name, "--scorer")
    files = {_file_of(sys.modules[name.partition(":")[0]])}
    module = sys.modules.get(getattr(found, "__module__", None) or "")
    files.add(_file_of(module))
    texts = []
    for path in sorted(path for path in files if path is not None):
        try:
            texts.append(path.read_bytes().hex())
        except OSError as error:
            raise SettingsError(
                f"--scorer {name}: {path} cannot be read ({error.strerror}); its content is part "
                "of what fixes a run: make it readable"
            ) from error
    return text_hash("\n".join(texts), _HASH)


def _file_of(module: object) -> Path | None:
    if not inspect.ismodule(module):
        return None
    file = getattr(module, "__file__", None)
    return Path(file) if file else None
