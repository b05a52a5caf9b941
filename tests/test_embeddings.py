"""Embeddings through the gateway: each text once, in a run's database, spending counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent.loop import assemble
from agent.models.budget import Budget, Limits
from agent.models.embeddings import BATCH, ROLE, EmbeddingModel, LiteLLMEmbedder, packed, unpacked
from agent.models.gateway import Gateway
from memory_backends.registry import create_backend
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.retrieval.index import HybridIndex
from tests.loop_fixture import opened, small
from tests.model_endpoint import Endpoint, Reply, as_json, embedded, refused, serving, vector
from traces.database import Database
from traces.errors import BudgetExceeded, ProviderError, StoreError, TransientProviderError
from traces.ledger import Ledger

MODEL = "openai/hashed-words"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(lambda path, body: embedded(body)) as found:
        yield found


def model(endpoint: Endpoint, **options: Any) -> EmbeddingModel:
    return EmbeddingModel(MODEL, api_base=endpoint.url, api_key="none", **options)


def connected(
    made: EmbeddingModel, database: Database, limits: Limits | None = None
) -> tuple[LiteLLMEmbedder, Gateway]:
    """An embedder of this model as a run has it."""
    gateway = Gateway({ROLE: made}, Ledger(database), Budget(limits or Limits()))
    embedder = LiteLLMEmbedder(made)
    embedder.connect(gateway, database)
    return embedder, gateway


def test_a_text_is_embedded_once(endpoint: Endpoint, database: Database) -> None:
    """In the order of the texts whatever the order of the answer; what was asked for before,
    by this process or one before it, is read and not asked for again."""
    first, gateway = connected(model(endpoint), database)
    texts = ["Rosa lives in Porto", "Ali has a dog", "Rosa lives in Porto"]
    found = first.embed(texts)
    assert found.shape == (3, 32)
    assert np.allclose(found, [vector(text) for text in texts])
    assert np.array_equal(first.embed(["Ali has a dog"]), found[1:2])
    assert np.array_equal(connected(model(endpoint), database)[0].embed(texts), found)
    assert [body["input"] for body in endpoint.bodies] == [texts[:2]]
    spent = gateway.ledger.spending()[ROLE]
    assert (spent.calls, spent.input_tokens, spent.output_tokens) == (1, 8, 0)


def test_only_what_is_new_is_asked_for_in_batches(endpoint: Endpoint, database: Database) -> None:
    """A batch has at most BATCH texts; texts that are known take no place in it."""
    embedder, _ = connected(model(endpoint), database)
    embedder.embed(["text 3"])
    embedder.embed([f"text {n}" for n in range(BATCH + 10)])
    assert [len(body["input"]) for body in endpoint.bodies] == [1, BATCH, 9]
    assert "text 3" not in [text for body in endpoint.bodies[1:] for text in body["input"]]


def test_texts_that_several_threads_want_are_embedded_once(
    endpoint: Endpoint, database: Database
) -> None:
    """Overlapping requests at the same time: each text is sent by one of them."""
    embedder, _ = connected(model(endpoint), database)
    start = threading.Barrier(8)

    def want(thread: int) -> None:
        texts = [f"text {n}" for n in range(thread, thread + 20)]
        start.wait(10)
        assert np.allclose(embedder.embed(texts), [vector(text) for text in texts])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(want, range(8)))
    sent = [text for body in endpoint.bodies for text in body["input"]]
    assert sorted(sent) == sorted(set(sent))
    assert len(sent) == 27


def test_another_model_or_endpoint_is_another_space(endpoint: Endpoint, database: Database) -> None:
    """Vectors are kept by model: those of one are never given for another's."""
    connected(model(endpoint), database)[0].embed(["x"])
    other = EmbeddingModel("openai/other", api_base=endpoint.url, api_key="none")
    embedder, _ = connected(other, database)
    embedder.embed(["x"])
    assert [body["model"] for body in endpoint.bodies] == ["hashed-words", "other"]
    assert embedder.name == f"openai/other at {endpoint.url}"


def test_no_texts_and_empty_texts(endpoint: Endpoint, database: Database) -> None:
    """Nothing asks for nothing; an empty text, which endpoints refuse, gets a vector."""
    embedder, _ = connected(model(endpoint), database)
    assert embedder.embed([]).shape == (0, 0)
    assert endpoint.requests == []
    assert embedder.embed(["", "a"]).shape == (2, 32)
    assert endpoint.bodies[0]["input"] == [".", "a"]


def test_the_budget_holds_for_embeddings_too(endpoint: Endpoint, database: Database) -> None:
    """A spent budget stops the next batch; what is kept costs nothing."""
    embedder, _ = connected(model(endpoint), database, Limits(max_calls=1))
    embedder.embed(["a"])
    with pytest.raises(BudgetExceeded):
        embedder.embed(["a", "b"])
    assert embedder.embed(["a"]).shape == (1, 32)


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (refused(401, "bad key"), ProviderError, "refused the key"),
        (refused(503, "busy"), TransientProviderError, "busy"),
        (as_json({"object": "list", "data": []}), TransientProviderError, "embedding model?"),
        (
            as_json({"object": "list", "data": [{"index": 0, "embedding": []}, {"index": 1}]}),
            TransientProviderError,
            "",
        ),
    ],
)
def test_an_endpoint_that_fails_says_why(
    reply: Reply, kind: type[ProviderError], says: str
) -> None:
    """The errors of completions, after one request; vectors that are none are a broken answer."""
    with serving(lambda *_: reply) as endpoint:
        with pytest.raises(ProviderError) as found:
            model(endpoint).complete(ROLE, [("text", "a"), ("text", "b")], 0)
        assert len(endpoint.requests) == 1
    assert type(found.value) is kind, found.value
    assert says in str(found.value)
    assert "\n" not in str(found.value)


def test_a_failure_reaches_every_thread_and_is_forgotten(database: Database) -> None:
    """Who waited for a text that could not be embedded hears of it; the next one tries again."""
    replies = [refused(401, "bad key")]
    with serving(lambda _, body: replies[0] if replies else embedded(body)) as endpoint:
        embedder, _ = connected(model(endpoint), database)
        start = threading.Barrier(3)

        def want(_: int) -> str:
            start.wait(10)
            try:
                embedder.embed(["a"])
            except ProviderError as error:
                return str(error)
            return ""

        with ThreadPoolExecutor(3) as pool:
            assert all("bad key" in line for line in pool.map(want, range(3)))
        replies.clear()
        assert embedder.embed(["a"]).shape == (1, 32)


def test_damaged_vectors_are_said_so(endpoint: Endpoint, database: Database) -> None:
    """A stored value that is no vectors names the file; it is not embedded over."""
    connected(model(endpoint), database)[0].embed(["a"])
    database.write("UPDATE calls SET response = '\"2 2 xx\"'")
    with pytest.raises(StoreError, match=r"memtune\.db: damaged"):
        connected(model(endpoint), database)[0].embed(["a"])


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(0, 5), st.integers(1, 7)),
        elements=st.floats(width=32, allow_nan=False),
    )
)
def test_vectors_survive_packing_exactly(vectors: Any) -> None:
    """What is stored is what came, to the last bit."""
    assert np.array_equal(unpacked(packed(vectors)), vectors)


def test_the_index_finds_by_meaning_what_words_do_not(
    endpoint: Endpoint, database: Database
) -> None:
    """The hybrid index searches with the embedder's vectors."""
    embedder, _ = connected(model(endpoint), database)
    index = HybridIndex(embedder)
    for number, text in enumerate(["the cat sleeps", "the train is late"]):
        index.put(str(number), text)
    assert index.search(["cat"], 1)[0][0] == "0"
    assert {text for body in endpoint.bodies for text in body["input"]} == {
        "the cat sleeps",
        "the train is late",
        "cat",
    }


def test_a_run_searches_with_its_embedding_model(endpoint: Endpoint, tmp_path: Path) -> None:
    """The model is a part of the run's identity, its calls of its spending, and a second pass
    over the same conversation embeds nothing."""
    settings = small(
        tmp_path,
        backend="rag",
        limit_questions=2,
        embedding_model=MODEL,
        embedding_api_base=endpoint.url,
    )
    plain = create_backend("rag").fingerprint
    with ExitStack() as stack:
        services = opened(settings, stack)
        conversation = services.conversations("train")[0]
        run = services.evaluator.run_episode
        run(conversation, services.seed_prompts)
        made = len(endpoint.requests)
        assert made > 0
        run(conversation, services.seed_prompts)
        assert len(endpoint.requests) == made
        assert services.gateway.ledger.spending()[ROLE].calls == made
    with ExitStack() as stack:
        again = opened(settings, stack)
        again.evaluator.run_episode(conversation, again.seed_prompts)
        assert len(endpoint.requests) == made
    embedder: Embedder = LiteLLMEmbedder(model(endpoint))
    identity = assemble.identity_of(settings, services.dataset, services.seed_prompts, {}, embedder)
    assert identity["backend_fingerprint"] != plain
