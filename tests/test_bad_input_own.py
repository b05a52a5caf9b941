"""Bad input where people bring their own: one clear line, and nothing of theirs lost."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.cli.main import main
from agent.logs import EventLog
from agent.loop.data_source import read_own
from agent.models.endpoints import is_address, secrets_in
from agent.models.vendor_model import counted
from evals.loaders import read_dataset
from evals.loaders.realmem import read_realmem
from traces.errors import DataError

Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Said:
    """Run the command in an empty folder; return its exit code and the one line it has said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(arguments)
        lines = [x for x in capsys.readouterr().err.splitlines() if x.startswith("memtune: ")]
        assert len(lines) == 1, lines
        assert "unexpected" not in lines[0]
        return code, lines[0]

    return run


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "--judge-prompt", "/dev/zero"], "/dev/zero: is no file"),
        (["run", "--max-usd", "inf"], "finite number, got inf"),
        (["run", "--model", "openai/m", "--api-base", "ftp://host/v1"], "is no address"),
        (["run", "--model", "openai/m", "--api-base", "http://host:99999"], "is no address"),
        (["chat", "--user", " ", "--once", "hi"], "--user: is empty"),
    ],
)
def test_what_can_never_work_is_refused_at_once(
    said: Said, monkeypatch: pytest.MonkeyPatch, arguments: list[str], line: str
) -> None:
    """Used wrongly: exit code 2, and the line names the option."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    code, found = said(*arguments)
    assert (code, line in found) == (2, True), found


def test_a_plugin_that_exits_does_not_end_memtune_silently(said: Said, tmp_path: Path) -> None:
    """sys.exit at import or in the factory is a line of ours, whatever code it wanted."""
    (tmp_path / "exiting_at_import.py").write_text("import sys\nsys.exit(0)\n", "utf-8")
    (tmp_path / "exiting_factory.py").write_text(
        "import sys\ndef make():\n    sys.exit(0)\n", "utf-8"
    )
    code, line = said("run", "--model", "exiting_at_import:x")
    assert (code, "cannot be imported (SystemExit: 0)" in line) == (2, True)
    code, line = said("run", "--model", "exiting_factory:make")
    assert (code, "calling it failed (SystemExit: 0)" in line) == (2, True)


def test_a_plugins_message_cannot_steer_the_terminal(said: Said, tmp_path: Path) -> None:
    """Control characters in what a plug-in raises stay off the terminal."""
    (tmp_path / "painting.py").write_text("raise RuntimeError('x\\x1b[31m\\nFAKE')\n", "utf-8")
    _, line = said("run", "--model", "painting:x")
    assert "\x1b" not in line
    assert "FAKE" in line


def test_passwords_in_addresses_are_known_in_every_form() -> None:
    """What a server may echo of an address's secrets is among what is struck out."""
    found = secrets_in("http://ann:p%40ss@host/v1?api_key=k123&x=1")
    pair = base64.b64encode(b"ann:p@ss").decode()
    assert set(found) == {"k123", "p%40ss", "p@ss", pair}
    assert secrets_in(None) == ()
    assert not is_address("http://user:pw@[bad")
    assert is_address("http://127.0.0.1:8000/v1")


def test_odd_token_counts_cost_no_reply() -> None:
    """Negative, huge, missing and senseless counts become numbers that can be kept."""
    assert [counted(n) for n in (-5, None, "x", 7)] == [0, 0, 0, 7]
    assert counted(10**30) == 2**53


def test_a_repeated_key_before_broken_json_is_two_findings(tmp_path: Path) -> None:
    """The second defect of a line does not hide behind the first, nor end in a traceback."""
    path = tmp_path / "dup.jsonl"
    path.write_text('{"a":1,"a":2}x\n', "utf-8")
    loaded = read_dataset("jsonl", path)
    assert len(loaded.errors) >= 2


def test_a_realmem_dialogue_without_turns_is_a_finding(tmp_path: Path) -> None:
    """A misspelled key is told, not raised."""
    path = tmp_path / "r.json"
    path.write_text('{"dialogues": [{"session_uuid": "u", "dialog_turns": []}]}', "utf-8")
    assert read_realmem(path).errors


def test_a_loader_that_never_ends_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the greatest number of conversations it is refused; before, it is heard of."""
    import sys

    from agent.loop.assemble import load_data
    from tests.loop_fixture import small

    conversation = load_data(small(Path("unused"))).conversations[0]

    def endless() -> object:
        while True:
            yield conversation

    monkeypatch.setitem(sys.modules, "endless_loader", SimpleNamespace(load=endless))
    monkeypatch.setattr("agent.loop.data_source.MOST_CONVERSATIONS", 25)
    monkeypatch.setattr("agent.loop.data_source._TOLD_EVERY", 10)
    with pytest.raises(DataError, match="more than 25 conversations and went on"):
        read_own("endless_loader:load", None)
    assert "20 conversations so far" in capsys.readouterr().err


def test_a_graph_takes_the_place_of_a_graph_only(said: Said, tmp_path: Path) -> None:
    """A file that is no graph of ours is left alone."""
    from agent.cli.graph import _write
    from traces.errors import RunDirectoryError

    other = tmp_path / "thesis.txt"
    other.write_text("years of work", "utf-8")
    with pytest.raises(RunDirectoryError, match="is no graph of memtune's"):
        _write(other, lambda file: None)
    assert other.read_text("utf-8") == "years of work"
    code, line = said("flag", "--out", ".", "--correction", "y")
    assert code in (1, 2)
    assert line


def test_who_waits_is_told_that_the_provider_is_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the log on the screen, an outage and its end are said there once each."""
    log = EventLog(tmp_path / "events.jsonl")
    log("opened", run="r")
    log("provider_down", provider="p", last="no choices\nin it")
    log("provider_back", provider="p", down_for=3.0)
    log.close()
    assert capsys.readouterr().err.splitlines() == [
        "memtune: p does not answer as it should (no choices in it); waiting for it",
        "memtune: p answers again",
    ]
