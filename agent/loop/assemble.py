"""Puts a run together from its settings: data, models, backend, methods, services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.loop.data_source import SYNTHETIC, dataset_name, read_data
from agent.models.providers import Provider
from agent.prompt_files import choose_prompts
from agent.response import response_slot
from agent.scoring import scoring_identity
from agent.settings import Settings, source_of
from evals.loaders import load_dataset
from evals.loaders.gold import only_askable
from memory_backends.protocol import MemoryBackend
from memory_backends.registry import find_backend, open_backend
from memory_backends.retrieval.embeddings import Embedder
from traces.domain import Dataset, PromptSet, PromptSlot, Question
from traces.errors import DataError, SettingsError
from traces.hashing import content_hash, text_hash

if TYPE_CHECKING:
    from agent.models.embeddings import LiteLLMEmbedder


def load_data(settings: Settings, *, ceiling: bool = True) -> Dataset:
    """Load the data set, whole, but for questions that cannot be judged. Raises DataError.

    Without `ceiling` what a synthetic one needs of the prompts is left out: whoever only reads
    what a run recorded may not have its backend any more.
    """
    name = dataset_name(settings)
    if name == SYNTHETIC:
        prompts: dict[str, Any] = {}
        if ceiling:
            prompts = {"seed_prompts": dict(seed_prompts(settings).instructions),
                       "slots": all_slots(settings)}  # fmt: skip
        return load_dataset(
            "synthetic",
            settings.data,
            conversations=settings.conversations,
            seed=settings.seed,
            rules=settings.rules,
            **prompts,
        )
    return only_askable(read_data(name, settings).dataset())


def limited(dataset: Dataset, limit: int | None) -> Dataset:
    """Return the data set with at most `limit` questions a conversation. Splits and test
    openings go by the whole data set, which stays the same whatever the limit."""
    if limit is None:
        return dataset
    return replace(
        dataset,
        conversations=tuple(
            replace(c, questions=_sample(c.questions, limit, c.id)) for c in dataset.conversations
        ),
    )


def _sample(questions: Sequence[Question], limit: int, seed: str) -> tuple[Question, ...]:
    """Return `limit` questions, of each category its share, in their order.

    Systematic sampling: every n-th of the questions sorted by category, from a start that
    differs between conversations, so that rare categories are not left out of all of them.
    """
    if len(questions) <= limit:
        return tuple(questions)
    by_category = sorted(range(len(questions)), key=lambda place: questions[place].category)
    start = int(text_hash(seed), 16) % 1000 / 1000
    step = len(questions) / limit
    chosen = sorted(by_category[int((i + start) * step)] for i in range(limit))
    return tuple(questions[place] for place in chosen)


def all_slots(settings: Settings) -> tuple[PromptSlot, ...]:
    """Return the backend's slots and the agent's own."""
    with _backend(settings) as backend:
        return (*backend.slots, response_slot())


@contextmanager
def _backend(settings: Settings, embedder: Embedder | None = None) -> Iterator[MemoryBackend]:
    """Lend an empty backend of the settings. Raises SettingsError; where it was given options,
    which may be meant for another backend, it says from where."""
    find_backend(settings.backend)  # an unknown name is not its options' fault
    with ExitStack() as stack:
        try:
            opened = open_backend(settings.backend, settings.backend_config, embedder)
            backend = stack.enter_context(opened)
        except SettingsError as error:
            if not settings.backend_config:
                raise
            where = source_of("backend_config")
            raise SettingsError(
                f"{error}; its options are those of backend_config{where and f' in {where}'}"
            ) from error
        yield backend


def tunable_slots(settings: Settings) -> tuple[PromptSlot, ...]:
    """Return the slots to tune: the backend's, or those asked for with --slots."""
    known = {slot.name: slot for slot in all_slots(settings)}
    if settings.slots is None:
        return tuple(slot for name, slot in known.items() if name != response_slot().name)
    unknown = [name for name in settings.slots if name not in known]
    if unknown:
        raise SettingsError(
            f"--slots {unknown[0]}: backend {settings.backend} has no such slot; "
            f"choose among {', '.join(known)}"
        )
    return tuple(known[name] for name in settings.slots)


def seed_prompts(settings: Settings) -> PromptSet:
    """Return the prompts that a run starts from: the shipped ones, or those in --prompts.

    Raises SettingsError as `agent.prompt_files.choose_prompts` does.
    """
    return choose_prompts(settings.prompts, all_slots(settings), settings.backend)


def make_embedder(providers: Mapping[str, Provider]) -> LiteLLMEmbedder | None:
    """Return the embedder of a run whose models include one for embeddings, else None.

    It has to be connected to gateway and database before it is used.
    """
    from agent.models.embeddings import ROLE, EmbeddingModel, LiteLLMEmbedder

    model = providers.get(ROLE)
    return LiteLLMEmbedder(model) if isinstance(model, EmbeddingModel) else None


def identity_of(
    settings: Settings,
    dataset: Dataset,
    prompts: PromptSet,
    models: Mapping[str, str],
    embedder: Embedder | None = None,
) -> dict[str, Any]:
    """Return what fixes a run; a resume that changes any of it is refused."""
    with _backend(settings, embedder) as backend:
        fingerprint = backend.fingerprint
    return {
        "dataset": dataset.name,
        "data_hash": dataset.hash,
        "limit_questions": settings.limit_questions,
        # Once the first questions were taken, not a sample of each category: another run.
        **_given(
            limit_episodes=settings.limit_episodes,
            questions="stratified" if settings.limit_questions is not None else None,
        ),
        "seed": settings.seed,
        "backend": settings.backend,
        "backend_fingerprint": fingerprint,
        "slots": [slot.name for slot in tunable_slots(settings)],
        "models": dict(models),
        "seed_prompts": prompts.hash,
        **scoring_identity(settings),
        "optimizer": settings.optimizer,
        "attribution": settings.attribution,
        "gate_mode": settings.gate_mode,
        "min_gain": settings.min_gain,
    }


def _given(**chosen: Any) -> dict[str, Any]:
    """Return what was chosen: what was not stays out, so that older runs keep their identity."""
    return {name: value for name, value in chosen.items() if value is not None}


def run_name(identity: Mapping[str, Any]) -> str:
    """Return the name of a run that was given none: data set, backend, identity's hash."""
    backend = re.sub(r"[^A-Za-z0-9_.-]", "-", identity["backend"])  # module:attr
    return f"{identity['dataset']}-{backend}-{content_hash(dict(identity))[:8]}"


def default_directory(identity: Mapping[str, Any], runs: Path = Path("runs")) -> Path:
    """Return where a run without --out lies."""
    return runs / run_name(identity)


def require_conversations(dataset: Dataset) -> None:
    """Raise DataError when there is nothing to ask."""
    if not any(c.questions for c in dataset.conversations):
        raise DataError(f"{dataset.name}: no conversation has a question; nothing can be scored")
