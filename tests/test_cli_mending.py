"""A run that broke, or was wrongly asked for: what is said fits what can be done about it."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.cli.following import print_next
from agent.cli.main import main
from agent.cli.screen import console
from agent.loop.assemble import all_slots
from agent.loop.directory import BACKEND_CHANGED
from agent.loop.mending import RESUME, SAME_COMMAND, how_to_go_on
from agent.settings import load_settings
from memory_backends.foreign import make_foreign
from tests.broken_backends import Sound
from traces.attribution.blame import describe_update
from traces.attribution.index import GraphIndex
from traces.domain import Message, Session
from traces.errors import ProviderError, SettingsError, TransientProviderError
from traces.graph import EvolutionGraph
from traces.operation import OperationContext, Recorder
from traces.results import AnswerRecord
from traces.store import Store

pytestmark = pytest.mark.usefixtures("own_place")

SMALL = ["--conversations", "3", "--limit-questions", "6", "--rounds", "1", "--seed", "401"]
BROKEN = """
class Memory:
    def __init__(self):
        self.texts = []

    def add(self, messages):
        raise RuntimeError("no table")

    def search(self, question):
        return self.texts
"""


def test_a_backend_that_broke_is_mended_and_the_same_command_begins_anew(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What fixes a run includes the backend's source: resuming is not offered, and says why it
    cannot be; nothing can be exported of a run in which nothing was evaluated."""
    command = ["run", *SMALL, "--backend", "mended_memory:Memory"]
    Path("mended_memory.py").write_text(BROKEN)
    assert main(command) == 1
    shown, told = capsys.readouterr()
    assert f"mended_memory.py:7 in add): mend what broke, {SAME_COMMAND}\n" in told
    assert "broken off, in its first round\n" in shown
    following = shown.split("Next\n")[1]
    assert following.split("\n")[0].strip() == f"mend what broke, {SAME_COMMAND}"
    assert "memtune" not in following
    (run,) = Path("runs").iterdir()
    assert main(["status", run.name]) == 0
    assert capsys.readouterr().out.split("Next\n")[1] == following

    mended = BROKEN.replace('raise RuntimeError("no table")', "self.texts += [messages[0]['text']]")
    Path("mended_memory.py").write_text(mended)
    del sys.modules["mended_memory"]
    assert main(["resume", run.name]) == 1
    refused = capsys.readouterr().err
    assert BACKEND_CHANGED in refused
    assert "the same 'memtune run' command begins a new run" in refused
    assert main([*command, "--attribution", "provenance"]) == 0


def test_what_broke_later_is_mended_before_the_run_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A memory that only later conversations find broken ends a run after its first round: what
    is offered next is what the error says, and no resume that would be refused."""
    shared = BROKEN.replace("self.texts = []", "pass").replace("Memory:", "Memory:\n    texts = []")
    shared = shared.replace('raise RuntimeError("no table")', "self.texts += [messages[0]['text']]")
    Path("shared_memory.py").write_text(shared)
    assert main(["run", *SMALL, "--backend", "shared_memory:Memory"]) == 1
    shown, told = capsys.readouterr()
    assert "the sealed test split stays closed; the first: not_isolated" in told
    assert told.endswith(f"mend what broke, {SAME_COMMAND}\n")
    following = shown.split("Next\n")[1]
    assert following.split("\n")[0].strip() == f"mend what broke, {SAME_COMMAND}"
    assert "memtune resume" not in following


def test_a_provider_that_failed_leaves_the_run_as_it_is() -> None:
    """After its errors a run is resumed; after a backend's own it is begun again."""
    for error in (ProviderError, TransientProviderError):
        assert how_to_go_on(f"{error.code}: no answer") == RESUME
    assert how_to_go_on("operation_error: add raised KeyError") == SAME_COMMAND


@pytest.mark.parametrize(
    ("status", "error", "resumes"),
    [
        ("broken off", f"{TransientProviderError.code}: no answer", True),
        ("broken off", "operation_error: add raised KeyError", False),
        ("stopped", "operation_error: add raised KeyError", True),
    ],
)
def test_a_run_is_resumed_unless_its_backend_ended_it(
    status: str, error: str, resumes: bool, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that was stopped goes on, also without what broke in it."""
    store.save_pass("c1", "seed", "p", Recorder(), [AnswerRecord("q", "", None, None, error)])
    prompts = SimpleNamespace(hash="seed")
    run: Any = SimpleNamespace(
        store=store, status=(status, ""), seed=prompts, final=prompts, directory=Path("runs/r"),
        attributions=lambda pass_id: {},
    )  # fmt: skip
    print_next(console(), run)
    shown = capsys.readouterr().out
    assert ("memtune resume r" in shown) == resumes
    assert (SAME_COMMAND in shown) != resumes


def test_options_that_nobody_typed_are_said_to_come_from_where_they_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Options in memtune.toml may be meant for another backend than --backend names."""
    Path("memtune.toml").write_text('backend_config = { path = "x" }\n')
    with pytest.raises(SettingsError, match=r"'rag' has no option 'path'.*in memtune\.toml$"):
        all_slots(load_settings(backend="rag"))
    with pytest.raises(SettingsError, match=r"looked for in \S+$"):
        all_slots(load_settings(backend="nosuch"))
    monkeypatch.setenv("MEMTUNE__BACKEND_CONFIG", '{"path": "y"}')
    with pytest.raises(SettingsError, match=r"in the variable MEMTUNE__BACKEND_CONFIG$"):
        all_slots(load_settings(backend="rag"))


@pytest.mark.parametrize(
    "wrong",
    [["--backend", "nosuch"], ["--optimizer", "nosuch"], ["--attribution", "nosuch"],
     ["--backend", "rag", "--slots", "nosuch"]],
)  # fmt: skip
def test_a_simple_mistake_is_told_before_anything_heavy_is_imported(
    wrong: list[str], tmp_path: Path
) -> None:
    """Frameworks take seconds to import."""
    heavy = ("dspy", "langgraph", "litellm", "openai", "chromadb", "mem0")
    code = (
        "import sys\nfrom agent.cli.main import main\n"
        f"assert main(['run', *{SMALL!r}, *{wrong!r}])\n"
        f"print('HEAVY', [m for m in {heavy!r} if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parent.parent), "HOME": str(tmp_path)},
    )  # fmt: skip
    assert "nosuch" in found.stderr
    assert "HEAVY []" in found.stdout


def test_what_broke_is_of_the_prompts_that_are_scored(store: Store) -> None:
    """Of seed and final prompts, the one with which more is missing; what broke only with a
    rejected candidate's is missing from no score."""
    for prompts, missing in (("seed", 1), ("final", 2), ("rejected", 3)):
        answers = [
            AnswerRecord(f"q{n}", "", None, None if n < missing else True, f"{prompts} {n}")
            for n in range(4)
        ]
        store.save_pass("c1", prompts, "p", Recorder(), answers)
    store.save_pass("c2", "rejected", "p", Recorder(), [AnswerRecord("q", "", None, None, "bad")])
    expected = {"conversation": "c1", "missing": 2, "questions": 4, "error": "final 0"}
    assert store.broken({"seed", "final"}) == [expected]
    assert store.broken({"seed"}) == [{**expected, "missing": 1, "error": "seed 0"}]


def test_of_a_whole_session_only_the_entries_of_the_message_are_told(
    context: OperationContext,
) -> None:
    """An `add` puts out an entry a message: what it did with one is not what it did with all."""
    said = ["Hello hello.", "My cat is Momo.", "Fine weather.", "Any news?", "Not much."]
    messages = tuple(Message(f"m{n}", "Noor", text) for n, text in enumerate(said))
    make_foreign("own", Sound).ingest(Session("s1", datetime(2024, 5, 1), messages), context)
    index = GraphIndex(EvolutionGraph.of(context.recorder))
    (add,) = context.recorder.operations
    assert describe_update(index, add, "m1") == "add: Noor: My cat is Momo."
    first = "Noor: Hello hello. | Noor: My cat is Momo. | Noor: Fine weather. | and 2 more"
    assert describe_update(index, add) == f"add: {first}"


def test_a_memory_that_shows_nothing_is_told_what_to_offer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Beside how many causes were proved, also where none was; and to take home there is
    nothing where nothing was tuned."""
    assert main(["run", *SMALL, "--backend", "tests.broken_backends:Opaque"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "not_intervenable: the memory shows too little" in shown
    assert "Offer entries()" in shown
    assert " certified: " in shown
    assert "no candidate: the backend has no prompt to tune" in shown
    following = shown.split(" Next ")[1]
    assert "memtune trace" in following
    assert "memtune compare" in following
    assert "export" not in following


def test_a_memory_whose_order_is_chance_is_told_so_after_its_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its scores may be chance and its replays prove nothing: who reads only the end learns it."""
    assert main(["run", *SMALL, "--backend", "tests.broken_backends:Random"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "not_deterministic: given the same again, the memory did something else" in shown
    assert "'memtune backends check tests.broken_backends:Random' says where" in shown
