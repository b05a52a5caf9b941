"""The prompts an agent speaks with: bundles are checked before they are used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.prompt_files import choose_prompts
from agent.response import response_slot
from memory_backends.registry import create_backend
from optimizers.export import Bundle, write_bundle
from tests.chat_fixture import Model, agent_at, told
from traces.domain import PromptSet
from traces.errors import SettingsError

SLOTS = (*create_backend("fact_store").slots, response_slot())
OWN = PromptSet(
    {slot.name: slot.seed for slot in SLOTS}
    | {"extraction": "Write down every fact.\nWrite numbers as digits."}
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(Bundle(OWN, (OWN.hash,), [], "d" * 32, "fact_store", True), tmp_path / "b")
    return tmp_path / "b"


def chosen(source: PromptSet | Path | str | None, backend: str = "fact_store") -> PromptSet:
    return choose_prompts(source, (*create_backend(backend).slots, response_slot()), backend)


def test_without_a_choice_the_shipped_prompts_speak() -> None:
    """None is the seed instruction of every slot, the agent's own included."""
    assert chosen(None).instructions == {slot.name: slot.seed for slot in SLOTS}


def test_a_bundle_speaks_as_it_was_exported(tmp_path: Path, bundle: Path) -> None:
    """An agent with a bundle's prompts sends these to the model, and its record names them."""
    assert chosen(bundle).instructions == OWN.instructions
    assert chosen(bundle).hash == OWN.hash
    model = Model()
    with agent_at(tmp_path / "memory", model, prompts=str(bundle)) as agent:
        told(agent, "Ana", "I live in Lisbon.")
        assert any("Write numbers as digits." in request for request in model.requests)
        turn = agent.turns.log.last("Ana")
        assert turn is not None
        assert agent.turns.log.store.prompt_set(turn.prompt_set) == OWN


def test_slots_left_out_keep_the_shipped_prompt() -> None:
    """A prompt set of some slots is filled up; one of a slot that is not there is refused."""
    found = chosen(PromptSet({"update": "Add everything."}))
    assert found.instructions["update"] == "Add everything."
    assert found.instructions["response"] == response_slot().seed
    with pytest.raises(SettingsError, match="has a prompt for 'nonsense', which backend fact_st"):
        chosen(PromptSet({"nonsense": "x"}))


def test_a_bundle_of_another_backend_is_refused_in_a_line(bundle: Path) -> None:
    """rag has no extraction: the line says so and what it has."""
    with pytest.raises(SettingsError, match=r"'extraction', which backend rag has not .*response"):
        chosen(bundle, "rag")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("extraction.md", b"Write down nothing.\n", r"extraction\.md: is not the text that was ex"),
        ("extraction.md", None, r"extraction\.md: cannot be read \(No such file"),
        ("extraction.md", b"\xff\xfe", r"extraction\.md: cannot be read"),
        ("extraction.md", b"\n", "is not the text"),
        ("bundle.json", b"{", r"bundle\.json: is damaged"),
        ("bundle.json", b"[1]", "is no bundle of memtune's"),
        ("bundle.json", b'{"name": "other", "version": 1}', "is no bundle of memtune's"),
        ("bundle.json", b'{"format": 99, "prompts": {}}', "has format 99, this memtune reads 1"),
        ("bundle.json", b'{"format": 1, "prompts": {"extraction": 3}}', "is damaged"),
        ("bundle.json", b'{"format": 1, "prompts": {"../x": {"file": "../x.md"}}}', "is damaged"),
        ("bundle.json", b'{"format": 1, "prompts": {}, "prompt_set": "0"}', "are not those"),
    ],
)
def test_a_damaged_or_foreign_bundle_is_one_clear_line(
    bundle: Path, name: str, content: bytes | None, line: str
) -> None:
    """Whatever of a bundle was changed, lost or never memtune's is named in one line."""
    if content is None:
        (bundle / name).unlink()
    else:
        (bundle / name).write_bytes(content)
    with pytest.raises(SettingsError, match=line) as caught:
        chosen(bundle)
    assert "\n" not in str(caught.value)
    assert "export" in str(caught.value)


def test_plain_files_are_prompts_too(bundle: Path) -> None:
    """Without its manifest a bundle is a directory of prompts, to be edited as one likes."""
    (bundle / "bundle.json").unlink()
    (bundle / "update.md").unlink()
    (bundle / "extraction.md").write_text("Write down nothing.\n", "utf-8")
    found = chosen(bundle).instructions
    assert found["extraction"] == "Write down nothing."
    assert found["update"] == next(slot.seed for slot in SLOTS if slot.name == "update")


def test_what_is_no_directory_is_no_bundle(tmp_path: Path, bundle: Path) -> None:
    """A missing directory and a file are told as such; so is a manifest of other prompts."""
    for path in (tmp_path / "missing", bundle / "bundle.json"):
        with pytest.raises(SettingsError, match="is no directory"):
            chosen(path)
    manifest = json.loads((bundle / "bundle.json").read_text("utf-8"))
    del manifest["prompts"]["update"]
    (bundle / "bundle.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(SettingsError, match="its prompts are not those of its prompt_set"):
        chosen(bundle)
