# The five verbs. `make run` needs nothing but Python 3.11 or newer.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
# Extra words for the installation of torch, such as an index that holds CPU builds (see README).
TORCH_PIP_ARGS ?=
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: run test check e2e bench clean lock

run: $(VENV)/.installed
	@$(BIN)/python manage.py serve --host $(HOST) --port $(PORT)

# Children of the tests read the modules that the first one compiled.
test e2e: export PYTHONDONTWRITEBYTECODE =

# One worker per core; a file stays in one worker, so that what a module shares is made once. The
# tests in tests/e2e start servers that want the machine for themselves. Both always run.
test: $(VENV)/.installed-dev
	@status=0; \
	$(BIN)/python -m pytest --ignore=tests/e2e -n auto --dist loadfile || status=1; \
	$(BIN)/python -m pytest tests/e2e || status=1; \
	exit $$status

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m pytest tests/guards

e2e: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/e2e

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache test-artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# torch comes first and alone: resolved with the rest, pip may choose a build with gigabytes of
# GPU libraries. What it needs is in the lock file like everything else.
$(VENV)/.torch:
	$(PYTHON) -c 'import sys; sys.exit("BotFactory needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0 $(TORCH_PIP_ARGS)
	@touch $@

$(VENV)/.installed: $(VENV)/.torch requirements.lock
	$(PIP) -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(PIP) -r requirements-dev.lock
	@touch $@

# Resolves pyproject.toml anew. torch stays out of the files: see above.
LOCK := $(BIN)/pip-compile --quiet --strip-extras --no-header --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host --unsafe-package torch --unsafe-package setuptools \
	--unsafe-package pip
lock: $(VENV)/.installed-dev
	$(LOCK) -o requirements.lock pyproject.toml
	$(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	$(LOCK) --extra s3 -c requirements.lock -o requirements-s3.lock pyproject.toml
