"""EverMemOS's pipeline (EverMind-AI/EverMemOS, arXiv 2601.02163), every model step a prompt slot.

    session ── boundary ──> cells ──┬── narrative ──> episode ── scene ──> scenes
                                    ├── foresight ──> foresights, each with the days it holds
                                    └── facts ── profile ──> what holds now, fact by fact
    question ── retrieve ──> sufficiency ──> rerank ──> entries

What is otherwise than in the original, and why:

- Boundaries are asked for once a window of a session (the original asks at each message), and
  a cell ends with its session.
- Facts and foresights are read from a cell's messages, not from its narrative, so that each
  names the messages that it rests on.
- Foresights are stored as they come. Facts go through `profile`, which adds, changes, deletes
  or keeps: the original lets outdated facts stand in their cells and resolves them in a profile
  document a user. The profile here is the facts that hold, one entry each, so that each keeps
  its own sources.
- A model chooses a cell's scene among the nearest ones; the original compares embeddings with
  centroids (at least 0.70, at most 7 days apart).
- The first round of retrieval has a prompt too (queries, period, required words); the original
  searches for the question itself. The second round's queries come with the verdict on the
  first, in one call instead of two, and with words that it requires.
- The reranker is a prompt, asked once, last, and only where there is more than can be returned;
  the original reranks before it judges, and again after the second round.
- The answer is given facts and foresights, not narratives. Narratives choose scenes, and so what
  is retrieved beside the hits. Episodes and scenes are never returned; their `sources` are
  empty and `messages` says what they are made of.
- Everything is in one process: no MongoDB, Elasticsearch, Milvus or Redis; hybrid search is
  memtune's (BM25 and n-grams or embeddings), not rank fusion.
"""
