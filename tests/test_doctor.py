"""`memtune doctor`: each check by what can go wrong with it, models over a loopback server."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.doctor import inputs, places, surroundings
from agent.doctor.check import broken
from agent.loop.directory import RunDirectory
from agent.settings import Settings
from evals.splits import TestSeal
from tests.locomo_fixture import locomo_samples, write_locomo
from tests.loop_fixture import opened
from tests.model_endpoint import Body, Reply, embedded, html, refused, said, serving
from traces.errors import DataError, ProviderError

KEY = "sk-a-key-that-nobody-may-see-0123456789"
SMALL = ("--conversations", "3")
GOOD = said('{"answer": "green"}')
Found = dict[str, list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of its own, and none of this machine's keys and settings."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MEMTUNE__") or name.endswith(("_API_KEY", "_BASE_URL", "_API_BASE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Callable[..., Found]:
    """Run the verb on a small world; return its checks by name, exit code checked."""

    def run(*arguments: str) -> Found:
        code = main(["doctor", *SMALL, "--json", *arguments])
        shown = json.loads(capsys.readouterr().out)
        checks: Found = {}
        for check in shown["checks"]:
            assert check["status"] in ("ok", "warning", "problem", "skipped")
            assert check["mend"] or check["status"] in ("ok", "skipped"), check
            checks.setdefault(check["check"], []).append(check)
        problems = [c for c in shown["checks"] if c["status"] == "problem"]
        assert shown["ok"] is (not problems)
        assert code == (1 if problems else 0)
        return checks

    return run


def statuses(checks: Found) -> set[str]:
    """Return all statuses."""
    return {check["status"] for found in checks.values() for check in found}


def problem(checks: Found) -> dict[str, Any]:
    """Return the only problem."""
    (one,) = [c for found in checks.values() for c in found if c["status"] == "problem"]
    return one


# offline ---------------------------------------------------------------------------


def test_the_defaults_are_all_ok_offline_and_labelled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """No connection is made, nothing is left behind, and 80 columns do."""

    def no_network(*_: Any) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "SIMULATED: a program plays users and model" in shown
    assert "nothing to mend" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert {line.split()[0] for line in shown.splitlines() if line[:1].strip()} - {"ok"} == {
        "SIMULATED:", "nothing",
    }  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_settings_in_force_are_told_by_name_and_source(
    doctor: Callable[..., Found], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Flags, variables, .env and memtune.toml each name what they set."""
    monkeypatch.setenv("MEMTUNE__SEED", "1")
    (tmp_path / ".env").write_text("MEMTUNE__PATIENCE=2\nOTHER=3\n")
    (tmp_path / "memtune.toml").write_text("rounds = 2\n")
    (check,) = doctor("--slip", "0")["settings"]
    assert check["details"] == {
        "flags": ["conversations", "slip"],
        "environment": ["seed", "state_dir"],
        ".env": ["patience"],
        "memtune.toml": ["rounds"],
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [("rounds = [", "is not TOML"), ("round = 3\n", "no such setting"), ("rounds = 0\n", "rounds")],
)
def test_settings_that_cannot_be_read_leave_the_other_checks(
    text: str, told: str, doctor: Callable[..., Found], tmp_path: Path
) -> None:
    """Python and packages are checked; the rest is said to be left out."""
    (tmp_path / "memtune.toml").write_text(text)
    checks = doctor()
    assert told in problem(checks)["said"] + problem(checks)["mend"]
    assert checks["packages"][0]["status"] == "ok"
    assert checks["settings"][-1]["status"] == "skipped"


def test_a_check_that_breaks_does_not_stop_the_others(
    doctor: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect in one is its own problem."""

    def breaks(_: Settings) -> Any:
        raise RuntimeError("boom")

    monkeypatch.setattr(inputs, "backend", breaks)
    checks = doctor()
    assert "unexpected RuntimeError: boom" in problem(checks)["said"]
    assert checks["backend"][0]["status"] == "problem"
    assert checks["call"][0]["status"] == "ok"
    assert checks["disk"]


def test_a_backend_whose_store_is_down_is_a_problem(
    doctor: Callable[..., Found], tmp_path: Path
) -> None:
    """The store is opened once: its error is told in a line, with what to look at."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    where = tmp_path / "memtune.toml"
    where.write_text('backend_config = { store = "memory" }\n')
    assert doctor("--no-calls", "--backend", "langgraph_store")["backend"][0]["status"] == "ok"
    down = "postgresql:///postgres?host=/nowhere&user=nobody"
    where.write_text(f'backend_config = {{ store = "{down}" }}\n')
    (check,) = doctor("--no-calls", "--backend", "langgraph_store")["backend"]
    assert check["status"] == "problem"
    assert "the memory's store cannot be reached (OperationalError: " in check["said"]
    assert "\n" not in check["said"]
    assert check["mend"].startswith("see that its server runs and lets this user in")


@pytest.mark.parametrize(
    ("arguments", "name", "told"),
    [
        (("--backend", "nope"), "backend", "nope"),
        (("--slots", "nope"), "backend", "no such slot"),
        (("--prompts", "nowhere"), "prompts", "nowhere"),
        (("--optimizer", "nope"), "methods", "nope"),
        (("--attribution", "nope"), "methods", "nope"),
        (("--scorer", "nope"), "methods", "nope"),
        (("--gate-mode", "population"), "gate", "population"),
        (("--dataset", "nope"), "data", "nope"),
        (("--conversations", "2"), "data", "2 conversations"),
        (("--ledger", "nowhere/calls.db"), "ledger", "no directory nowhere"),
    ],
)
def test_what_a_run_would_refuse_is_a_problem(
    arguments: tuple[str, ...], name: str, told: str, doctor: Callable[..., Found]
) -> None:
    """It is named in its own check; models are looked at all the same."""
    checks = doctor(*arguments)
    found = [c for c in checks[name] if c["status"] == "problem"]
    assert any(told in c["said"] for c in found), found
    assert checks["call"][0]["status"] == "ok"


def test_problems_of_the_data_point_to_validate(
    doctor: Callable[..., Found], tmp_path: Path
) -> None:
    """Counts are shown, and how many lines were wrong with the file."""
    path = write_locomo(tmp_path / "locomo.json", locomo_samples())
    checks = doctor("--dataset", "locomo", "--data", str(path))
    counts, warned = checks["data"]
    assert counts["details"]["conversations"] == 5
    assert counts["details"]["problems"] > 0
    assert str(counts["details"]["problems"]) in warned["said"]
    assert "memtune validate" in warned["mend"]
    assert "problem" not in statuses(checks)


def test_a_file_that_cannot_be_used_points_to_validate(
    doctor: Callable[..., Found], tmp_path: Path
) -> None:
    """The first error is told; the models are looked at all the same."""
    (tmp_path / "chats.jsonl").write_text('{"id": 3}\n{"id": \n')
    checks = doctor("--data", "chats.jsonl")
    found = problem(checks)
    assert found["check"] == "data"
    assert "chats.jsonl" in found["said"]
    assert "'memtune validate chats.jsonl' lists all" in found["mend"]
    assert checks["call"][0]["status"] == "ok"


def test_openings_of_real_data_are_a_warning(doctor: Callable[..., Found], tmp_path: Path) -> None:
    """Each opening makes the next final score worth less; none is no news."""
    from evals.loaders import load_dataset

    path = write_locomo(tmp_path / "locomo.json", locomo_samples())
    arguments = ("--dataset", "locomo", "--data", str(path))
    assert doctor(*arguments)["test"][0]["status"] == "ok"
    TestSeal(tmp_path / "state").open(load_dataset("locomo", path).hash, "one")
    (check,) = doctor(*arguments)["test"]
    assert check["status"] == "warning"
    assert check["details"]["openings"] == 1


# places ----------------------------------------------------------------------------


def test_a_run_directory_that_is_held_is_a_problem(
    doctor: Callable[..., Found], tmp_path: Path
) -> None:
    """While another process holds it, and no longer."""
    holder = RunDirectory(tmp_path / "run")
    try:
        found = problem(doctor("--out", "run"))
        assert "another process" in found["said"]
        assert "memtune stop run" in found["mend"]
    finally:
        holder.close()
    assert "problem" not in statuses(doctor("--out", "run"))


def test_a_directory_of_another_run_is_a_problem(
    doctor: Callable[..., Found], tmp_path: Path
) -> None:
    """What differs is named; the run's own settings find it again."""
    with ExitStack() as stack:
        opened(Settings(conversations=3, optimizer="noop", out=tmp_path / "run"), stack)
    found = problem(doctor("--out", "run", "--optimizer", "noop", "--seed", "4"))
    assert "another run" in found["said"]
    assert "seed" in found["said"]
    (check,) = doctor("--out", "run", "--optimizer", "noop")["run"]
    assert "goes on with it" in check["said"]


def test_a_file_in_the_way_and_a_full_disk_are_problems(
    doctor: Callable[..., Found], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each says where, and to choose another directory."""
    (tmp_path / "file").write_text("")
    assert "no directory" in problem(doctor("--out", "file/run"))["said"]
    usage = type("Usage", (), {"free": places.NO_SPACE - 1})
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: usage)
    assert "GB free" in problem(doctor())["said"]
    usage.free = places.LITTLE_SPACE - 1  # type: ignore[attr-defined]
    assert doctor()["disk"][0]["status"] == "warning"


def test_a_state_directory_that_cannot_count_openings_is_a_problem(
    doctor: Callable[..., Found], tmp_path: Path
) -> None:
    """A damaged record, and a file where the directory should be."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "test_openings.json").write_text("[")
    checks = doctor()
    assert checks["state"][0]["status"] == "problem"
    assert checks["test"][0]["status"] == "problem"
    (tmp_path / "state" / "test_openings.json").unlink()
    (tmp_path / "state").rmdir()
    (tmp_path / "state").write_text("")
    assert "MEMTUNE__STATE_DIR" in doctor()["state"][0]["mend"]


# packages --------------------------------------------------------------------------


def test_packages_outside_their_bounds_and_missing_ones_are_problems(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each with the command that mends it; what an extra wants is left out."""
    wanted = ["typer<0.1", "no-such-package>=1", "rich>=14", 'nothing-either; extra == "dev"']
    monkeypatch.setattr(surroundings.metadata, "requires", lambda _: wanted)
    old, missing, rest = surroundings.packages()
    assert old.status == missing.status == "problem"
    assert f"typer {metadata.version('typer')}" in old.said
    assert old.mend == "pip install 'typer<0.1'"
    assert "no-such-package is missing" in missing.said
    assert rest.details == {"within": 1}


def test_an_old_python_and_an_old_sqlite_are_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against requires-python, and against what the store needs."""
    monkeypatch.setattr(surroundings.platform, "python_version", lambda: "3.9.1")
    (found,) = surroundings.python()
    assert (found.status, found.mend) == ("problem", "use Python >=3.11")
    monkeypatch.setattr(surroundings.sqlite3, "sqlite_version_info", (3, 8, 0))
    (found,) = surroundings.sqlite()
    assert found.status == "problem"


def test_a_message_is_parted_into_what_is_and_what_to_do() -> None:
    """At its end; nothing is running that could be resumed."""
    found = broken(
        "call", ProviderError("m: refused the key (401; no); set K to a key, then resume")
    )
    assert (found.said, found.mend) == ("m: refused the key (401; no)", "set K to a key")
    found = broken("model", DataError("--model m: no key: set K in .env"))
    assert (found.said, found.mend) == ("--model m: no key", "set K in .env")
    assert broken("x", DataError("nothing to do"), "wait").mend == "wait"


# models ----------------------------------------------------------------------------


def answering(reply: Reply) -> Callable[[str, Body], Reply]:
    """Give each request the same reply."""
    return lambda path, body: reply


def schema_refused(path: str, body: Body) -> Reply:
    """An endpoint that knows no JSON schema."""
    return refused(400, "response_format is not supported") if "response_format" in body else GOOD


MODEL = ("--model", "openai/gpt-4o-mini")


def test_a_model_is_asked_once_and_its_reply_measured(
    doctor: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roles that share a model share the call; seconds, tokens, price and schema are told."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(answering(GOOD)) as endpoint:
        checks = doctor(*MODEL, "--api-base", endpoint.url)
        assert len(endpoint.requests) == 1
    assert statuses(checks) == {"ok"}
    details = checks["call"][0]["details"]
    assert (details["input_tokens"], details["output_tokens"]) == (7, 3)
    assert checks["schema"][0]["details"] == {"schema_sent": True, "valid": True}
    assert checks["price"][0]["details"]["input"] > 0
    assert checks["key"][0]["details"] == {"set": ["OPENAI_API_KEY"]}


def test_each_distinct_model_is_asked_and_one_that_fails_leaves_the_others(
    doctor: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge's name is wrong; the agent's model is asked all the same."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(answering(GOOD)) as endpoint:
        where = ("--agent-model", MODEL[1], "--api-base", endpoint.url)
        checks = doctor(*where, "--judge-model", "nonsense")
        assert len(endpoint.requests) == 1
        assert "--judge-model nonsense" in problem(checks)["said"]
        assert [c["said"].split()[0] for c in checks["call"]] == [MODEL[1], "sim/rules-1"]
        doctor(*where, "--judge-model", "openai/gpt-4o")
        assert {body["model"] for body in endpoint.bodies} == {"gpt-4o-mini", "gpt-4o"}


@pytest.mark.parametrize(
    ("reply", "said_", "mend"),
    [
        (refused(401, f"Incorrect API key provided: {KEY}"), "refused the key", "OPENAI_API_KEY"),
        (refused(404, "no such model", "model_not_found"), "no such model", "model's name"),
        (html(200), "HTML page", "address (api_base)"),
        (html(502), "HTML page", "address (api_base)"),
        (refused(429, "slow down"), "HTTP 429", "--requests-per-minute"),
        (refused(500, "oops"), "HTTP 500", "check"),
        (said(None, finish="length"), "cut off", "model_options"),
    ],
)
def test_a_call_that_fails_is_one_problem_with_its_mend(
    reply: Reply, said_: str, mend: str, doctor: Callable[..., Found],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Wrong key, unknown model, a proxy's page, limits: asked once, not waited for."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(answering(reply)) as endpoint:
        found = problem(doctor(*MODEL, "--api-base", endpoint.url))
        assert len(endpoint.requests) == 1
    assert found["check"] == "call"
    assert said_ in found["said"]
    assert mend in found["mend"]
    assert KEY not in json.dumps(found)


def test_an_unreachable_host_is_a_problem(
    doctor: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port where nobody listens."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = problem(doctor(*MODEL, "--api-base", f"http://127.0.0.1:{port}/v1"))
    assert found["check"] == "call"
    assert f"127.0.0.1:{port}" in found["said"]


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (answering(said("The car is green.")), "problem", "no JSON object"),
        (answering(said('```json\n{"answer": "green"}\n```')), "warning", "not exact JSON"),
        (answering(said('{"answer": "green", "more": 1}')), "warning", "not exact JSON"),
        (schema_refused, "warning", "refused a JSON schema"),
    ],
)
def test_a_model_without_json_mode_is_told_apart(
    answer: Callable[[str, Body], Reply], status: str, told: str,
    doctor: Callable[..., Found], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A reply that cannot be read is a problem; one that can, or a refused schema, a warning."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(answer) as endpoint:
        checks = doctor(*MODEL, "--api-base", endpoint.url)
        # What cannot be read is not asked for again; a refused schema takes a second request.
        assert len(endpoint.requests) == (2 if answer is schema_refused else 1)
    assert checks["call"][0]["status"] == "ok"
    (check,) = checks["schema"]
    assert check["status"] == status
    assert told in check["said"]


def test_a_missing_key_is_told_by_the_name_of_its_variable(doctor: Callable[..., Found]) -> None:
    """Before any call."""
    found = problem(doctor(*MODEL))
    assert found["check"] == "model"
    assert "--model openai/gpt-4o-mini: no key" in found["said"]
    assert "set OPENAI_API_KEY" in found["mend"]


def test_a_key_in_dotenv_is_found_and_never_shown(
    doctor: Callable[..., Found], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its name is told; with --no-calls nobody is asked."""
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.delenv("OPENAI_API_KEY")  # whatever is put there now is taken away again
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={KEY}\n")
    with serving(answering(GOOD)) as endpoint:
        checks = doctor(*MODEL, "--api-base", endpoint.url, "--no-calls")
        assert not endpoint.requests
    assert checks["key"][0]["details"] == {"set": ["OPENAI_API_KEY"]}
    assert checks["call"][0]["status"] == "skipped"
    assert KEY not in json.dumps(checks)


def test_a_price_that_nobody_knows_is_a_warning_and_with_a_budget_a_problem(
    doctor: Callable[..., Found],
) -> None:
    """Both name the setting that takes one."""
    with serving(answering(GOOD)) as endpoint:
        where = ("--model", "hosted_vllm/our-model", "--api-base", endpoint.url)
        (check,) = doctor(*where)["price"]
        assert check["status"] == "warning"
        assert "prices" in check["mend"]
        found = problem(doctor(*where, "--max-usd", "1", "--no-calls"))
    assert found["check"] == "price"
    assert "prices" in found["said"] + found["mend"]


def test_an_embedding_model_is_asked_for_one_vector(
    doctor: Callable[..., Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dimensions are told; one that cannot be reached is its own problem."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model = ("--embedding-model", "openai/text-embedding-3-small")
    with serving(lambda path, body: embedded(body)) as endpoint:
        checks = doctor(*model, "--api-base", endpoint.url)
        assert [path for path, *_ in endpoint.requests] == ["/v1/embeddings"]
    simulated, asked = checks["call"]
    assert "sim/rules-1" in simulated["said"]
    assert asked["details"]["dimensions"] == 32
    assert "will be made" in checks["run"][0]["said"]
    with serving(answering(refused(401, "bad key"))) as endpoint:
        found = problem(doctor(*model, "--api-base", endpoint.url))
    assert "text-embedding-3-small" in found["said"]
    assert "OPENAI_API_KEY" in found["mend"]
