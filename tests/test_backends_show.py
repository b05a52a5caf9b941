"""`memtune backends show`: the slots and options of one backend, and how options are given."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from agent.backend_list import details
from agent.cli.main import main
from agent.settings import load_settings
from memory_backends.registry import create_backend, own_names
from traces.errors import SettingsError


class Wanting:
    """A memory of two options, one of which has no default."""

    def __init__(self, path: str, top_k: int = 7) -> None:
        self.path, self.top_k = path, top_k

    def add(self, messages: list[dict[str, Any]]) -> None:
        """Nothing."""

    def search(self, question: str) -> list[str]:
        """Nothing."""
        return []


WANTING = f"{__name__}:Wanting"


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from other settings, in a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("name", own_names())
def test_every_option_is_shown_with_its_default_and_can_be_set_to_it(name: str) -> None:
    """What is called allowed is what a refusal asks for; each option's meaning is told."""
    found = details(name)
    assert found.options
    for one in found.options:
        create_backend(name, {one.name: one.default})
        with pytest.raises(SettingsError, match=f"'{one.name}'.*give {one.allowed}$"):
            create_backend(name, {one.name: None})
        assert one.name in found.about
    assert found.row.slots == tuple(slot.name for slot in found.slots)
    assert found.chat == (name != "langgraph_store")


def test_slots_that_an_option_brings_are_shown_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """mem0 decides by a prompt of its own where it is told to."""
    for options, slots in ((), ["custom_instructions"]), (
        ("--option", "update=true"), ["custom_instructions", "update"],
    ):  # fmt: skip
        assert main(["backends", "show", "mem0", "--json", *options]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert [slot["name"] for slot in shown["slots"]] == slots
    assert {"name": "update", "default": False, "allowed": "true or false", "required": False} in (
        shown["options"]
    )


def test_the_ways_to_set_an_option_that_are_shown_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both lines, copied, give the option its default."""
    assert main(["backends", "show", "fact_store"]) == 0
    lines = capsys.readouterr().out.splitlines()
    toml, variable = (line.strip() for line in lines[-2:])
    assert len(max(lines, key=len)) <= 80
    Path("memtune.toml").write_text(toml + "\n", "utf-8")
    assert load_settings().backend_config == {"window": 40}
    Path("memtune.toml").unlink()
    name, _, value = variable.removesuffix(" memtune run ...").partition("=")
    monkeypatch.setenv(name, value.strip("'"))
    assert load_settings().backend_config == {"window": 40}


def test_the_parameters_of_a_class_of_ones_own_are_its_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One without a default is needed; without it the class cannot be made, which is said."""
    assert main(["backends", "show", WANTING]) == 2
    assert "needs the option 'path'" in capsys.readouterr().err
    assert main(["backends", "show", WANTING, "--option", "path=here"]) == 0
    shown = capsys.readouterr().out
    assert "path   (needed)  str" in shown
    assert "top_k  7         int" in shown
    assert "backend_config = { path = VALUE }" in shown
    assert main(["backends", "show", "nobodys"]) == 2


def test_the_readme_lists_every_option_with_its_default() -> None:
    """What it says of memtune's own backends is what they have."""
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    for name in own_names():
        options = ", ".join(f"`{o.name}` {json.dumps(o.default)}" for o in details(name).options)
        assert f"| `{name}` | {options} |\n" in readme
    kept = re.search(r"`--backend` takes what a directory can keep: (.*?)\.", readme)
    assert kept is not None
    assert sorted(re.findall(r"`(\w+)`", kept[1])) == [n for n in own_names() if details(n).chat]
