# Needs Python 3.11+ and a package index; uv is used where it is present.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: install demo test lint bench backends confidence lock clean

install: $(READY)

demo: $(READY)
	$(BIN)/memtune run --model sim-server/rules-1

test: $(READY)
	$(BIN)/python -m pytest -n 2

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(READY)
	$(BIN)/memtune bench overhead
	$(BIN)/memtune bench slices
	$(BIN)/memtune bench attribution --faults 400
	$(BIN)/memtune bench attribution --faults 400 --slip 0.05
	$(BIN)/memtune bench attribution --faults 400 --no-evidence --methods replay,provenance
	$(BIN)/memtune bench attribution --faults 400 --test-error 0.2 --methods replay,provenance
	for backend in episodic linked_notes mem0 rag long_context langgraph_store; do \
		for slip in 0 0.05; do \
			$(BIN)/memtune bench attribution --backend $$backend --slip $$slip --faults 200 \
				--methods replay,provenance || exit 1; \
		done; \
	done
	$(BIN)/memtune bench tracing
	$(BIN)/memtune bench loop

# Every backend through the loop, side by side.
BACKENDS := fact_store langgraph_store linked_notes episodic mem0 rag long_context
backends: $(READY)
	for backend in $(BACKENDS); do \
		$(BIN)/memtune run --backend $$backend --rounds 2 --seed 410 --out runs/410-$$backend || exit 1; \
	done
	$(BIN)/memtune compare $(foreach backend,$(BACKENDS),runs/410-$(backend))

# What replay attribution's confidence is computed with, fitted anew as the shipped one was: on
# development seeds, with the default memory. Takes half an hour or more.
FIT_SEEDS := $(shell seq 420 429)
FIT := build/confidence
confidence: $(READY)
	mkdir -p $(FIT)
	for how in "--slip 0" "--slip 0.05" "--slip 0.05 --no-evidence"; do \
		for seed in $(FIT_SEEDS); do \
			file="$(FIT)/$$seed$$(echo $$how | tr -d ' ').jsonl"; \
			test -s $$file || { $(BIN)/memtune bench attribution --faults 46 --seed $$seed $$how \
				--methods replay --json > $$file.part && mv $$file.part $$file; } || exit 1; \
		done; \
	done
	$(BIN)/memtune bench confidence $(FIT)/*.jsonl --ship --overwrite

# The lock file holds names, versions and hashes only.
lock:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q \
		-o requirements.lock

# With a pip, also where uv made it: backends of one's own are installed with it.
$(READY): requirements.lock pyproject.toml
	@if command -v uv >/dev/null 2>&1; then \
		test -d $(VENV) || uv venv -q --seed --python $(PYTHON) $(VENV); \
		uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install -q --python $(BIN)/python --no-deps -e .; \
	else \
		test -d $(VENV) || $(PYTHON) -m venv $(VENV); \
		$(BIN)/python -m pip install -q --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install -q --no-deps -e .; \
	fi
	@touch $(READY)

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
