# One command per purpose; each does its own set-up. See CONTRIBUTING.md.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test test-long check check-newest docs kill-test cluster-test crash-test fuzz surroundings bench clean
.DEFAULT_GOAL := check

# Installed once, and again only when what is to be installed has changed.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lrensemble needs Python 3.11 or newer; set PYTHON=…")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[hub,keras,lightgbm,lightning,llm,mlflow,onnx,report,search,serve,sklearn,skops,tables,tensorboard]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps xgboost  # it brings CUDA
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	    $$($(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"])')
	touch $@

demo: $(READY)
	$(BIN)/lrensemble run digits

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist worksteal

# The tests that take long, of each of which `make test` has a short one of the same kind.
test-long: $(READY)
	$(BIN)/python -m pytest -n auto --dist worksteal -m long

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory docs
	$(MAKE) --no-print-directory test

# The tests with the newest version of everything, beyond the upper bounds too, in an environment of its own.
# KEEP holds versions to stay at: make check-newest KEEP="torch==2.13.0"
check-newest:
	$(PYTHON) .ci/check_newest.py $(addprefix --keep ,$(KEEP))

# The site, from docs/, the registries and the docstrings; a broken link or an unknown page is an error.
docs: $(READY)
	DISABLE_MKDOCS_2_WARNING=true NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Sweeps killed fifty times at random moments must end bit-equal to one that was never interrupted.
kill-test: $(READY)
	LRENSEMBLE_KILLS=50 $(BIN)/python -m pytest -s tests/train/run/test_kill.py tests/train/sweep/test_strategies_kill.py

# Four processes on one pool, killed and stopped twenty times over, must end with the pool of one that was left alone.
cluster-test: $(READY)
	LRENSEMBLE_CLUSTER=20 $(BIN)/python -m pytest -s tests/train/execution/test_cluster.py tests/executors/test_ray.py

# Every command killed at, and refused, every system call that reads or writes its files, and run again: an hour.
crash-test: $(READY)
	$(BIN)/python -m tests.crash
	LRENSEMBLE_ROUNDS=20 $(BIN)/python -m pytest -s -m long tests/crash/test_two_runs.py

# Every verb where the disk is full, the root read-only, the user another one, …; some of it needs root.
surroundings: $(READY)
	$(BIN)/python -m tests.surroundings

# Inputs that nobody expects; those that fail are kept in build/fuzz. One of them again: make fuzz SEED=0 ONLY=4711
INPUTS ?= 10000
SEED   ?= 0
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --inputs $(INPUTS) --seed $(SEED) $(if $(ONLY),--only $(ONLY))

bench: $(READY)
	$(BIN)/python -m benchmarks.selection
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.language

clean:
	rm -rf $(VENV) .venv-newest site build dist runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
