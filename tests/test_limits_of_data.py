"""Limits of conversations and questions, and prompts that have met their data before."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from agent.cli.export import bundle_of
from agent.cli.recorded import RecordedRun
from agent.cli.report import build
from agent.loop import runner
from agent.loop.assemble import limited, load_data
from agent.loop.data_lock import describe, history_hash
from agent.loop.directory import read_config
from agent.prompt_files import learned_before
from agent.settings import load_settings
from evals.splits import split
from optimizers.export import Bundle, write_bundle
from tests.loop_fixture import opened, small
from traces.domain import Dataset, PromptSet, conversation_json
from traces.errors import IdentityError, SettingsError
from traces.hashing import content_hash


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_data(load_settings(conversations=20))


def test_limited_episodes_keep_their_split(dataset: Dataset) -> None:
    """A limit takes a share of each split, never moves a conversation, and nests."""
    whole = split(dataset)
    smaller, small_ = whole.limited(dataset, 10), whole.limited(dataset, 5)
    assert [len(part) for part in (smaller.train, smaller.selection, smaller.test)] == [2, 4, 4]
    for part in ("train", "selection", "test"):
        assert set(getattr(small_, part)) <= set(getattr(smaller, part))
        assert set(getattr(smaller, part)) <= set(getattr(whole, part))


def test_limited_questions_are_stratified(dataset: Dataset) -> None:
    """Each category keeps its share of the questions, and the order stays."""
    cut = limited(dataset, 6)
    whole = Counter(q.category for c in dataset.conversations for q in c.questions)
    kept = Counter(q.category for c in cut.conversations for q in c.questions)
    for before, after in zip(dataset.conversations, cut.conversations, strict=True):
        assert len(after.questions) == min(6, len(before.questions))
        places = [before.questions.index(q) for q in after.questions]
        assert places == sorted(places)
    share = sum(kept.values()) / sum(whole.values())
    for category, number in whole.items():
        if number >= 40:
            assert abs(kept[category] / number - share) < 0.15, category


def test_a_bundle_knows_what_it_was_learned_on(dataset: Dataset, tmp_path: Path) -> None:
    """Histories of training and selection are in the bundle; a run on them says so, and a run
    on others does not. Other questions about the same sessions are no excuse."""
    lock = describe(dataset, split(dataset), ())
    assert lock["warning"] is None
    prompts = PromptSet({"extraction": "Write facts."})
    bundle = Bundle(prompts, (prompts.hash,), [], "d", "fact_store", True, lock["learned_from"])
    write_bundle(bundle, tmp_path / "bundle")
    before = learned_before(tmp_path / "bundle")
    again = replace(
        dataset,
        conversations=tuple(replace(c, questions=c.questions[:3]) for c in dataset.conversations),
    )
    assert "learned on" in str(describe(again, split(again), before)["warning"])
    other = load_data(load_settings(conversations=5, seed=77))
    assert describe(other, split(other), before)["warning"] is None
    # What prompts were learned on before goes on with them.
    assert set(before) <= set(describe(other, split(other), before)["learned_from"])


def test_a_damaged_bundle_is_one_clear_line(tmp_path: Path) -> None:
    """A bundle.json that cannot be read is refused before anything is paid for."""
    (tmp_path / "bundle.json").write_text("[", "utf-8")
    with pytest.raises(SettingsError, match=r"bundle\.json: is damaged"):
        learned_before(tmp_path)


def test_a_run_from_known_prompts_says_so_in_report_and_export(tmp_path: Path) -> None:
    """The warning reaches the report of a run whose prompts have met its conversations."""
    settings = small(tmp_path)
    data = load_data(settings)
    met = [history_hash(c) for c in data.conversations]
    prompts = PromptSet({"extraction": "Write down each fact with its subject."})
    write_bundle(
        Bundle(prompts, (prompts.hash,), [], "d", "fact_store", True, met), tmp_path / "bundle"
    )
    settings = small(tmp_path, prompts=tmp_path / "bundle", limit_questions=2, limit_episodes=3)
    runner.run(settings)
    with RecordedRun(settings.out or tmp_path) as recorded:
        report = build(recorded)
        assert "learned on 1 of the selection and 1 of the test" in report["data"]["warning"]
        assert [len(ids) for ids in report["data"]["splits"].values()] == [1, 1, 1]
        assert bundle_of(recorded).learned_from == (
            recorded.lock_file()["learned_from"] if recorded.promotions else ()
        )


def test_a_data_set_hash_is_that_of_its_whole_text(dataset: Dataset) -> None:
    """Hashing a data set piece by piece gives what hashing it whole gives."""
    whole = content_hash([conversation_json(c) for c in dataset.conversations])
    assert dataset.hash == whole
    assert Dataset("empty", ()).hash == content_hash([])


def test_a_run_that_took_the_first_questions_is_not_gone_on_with(tmp_path: Path) -> None:
    """A limited run of the version before, which sampled otherwise, has another identity: it is
    refused, not mixed. Without a limit the identity is what it was."""
    unlimited = small(tmp_path)
    with ExitStack() as stack:
        opened(unlimited, stack)
    assert "questions" not in read_config(tmp_path / "run")["identity"]
    settings = small(tmp_path, limit_questions=2, out=tmp_path / "limited")
    with ExitStack() as stack:
        opened(settings, stack)
    path = tmp_path / "limited" / "config.json"
    config = json.loads(path.read_text("utf-8"))
    assert config["identity"].pop("questions") == "stratified"
    path.write_text(json.dumps(config), "utf-8")
    with ExitStack() as stack, pytest.raises(IdentityError, match="questions was null"):
        opened(settings, stack)


def test_a_flag_for_all_roles_goes_before_the_files_roles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--model is not silently outdone by a role's model in memtune.toml; a role's flag is kept."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "memtune.toml").write_text('agent_model = "a/x"\njudge_model = "b/y"\n', "utf-8")
    assert load_settings().model_of("agent") == "a/x"
    chosen = load_settings(model="c/z", judge_model="d/w")
    assert [chosen.model_of(r) for r in ("agent", "judge", "reflection")] == ["c/z", "d/w", "c/z"]
