# Two commands are enough: `make demo` opens the page, `make test` proves it. Each installs what it needs, once.
PYTHON ?= $(firstword $(foreach p,python3.12 python3.11 python3.13 python3,$(if $(shell $(p) -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' 2>/dev/null && echo yes),$(p))))
PY := .venv/bin/python
export HF_HUB_OFFLINE ?= 1
export HF_HUB_DISABLE_TELEMETRY ?= 1
export GRADIO_ANALYTICS_ENABLED ?= False
export TOKENIZERS_PARALLELISM ?= false

.PHONY: screenshots demo test lint bench train train-base train-clip train-sft train-stages figures results world clean browser

demo: .venv/demo
	$(PY) app.py

test: .venv/test lint browser
	$(PY) -m pytest

lint: .venv/test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

screenshots: .venv/test browser
	$(PY) -m tests.screenshots

bench: .venv/test
	$(PY) -m tests.bench

# Large pages, and room for the kernels of all shapes: a step waits for neither (a fifth of its time on two cores).
train-base: export GLIBC_TUNABLES = glibc.malloc.hugetlb=1
train-base: export ONEDNN_PRIMITIVE_CACHE_CAPACITY = 4096
# jemalloc, where it is installed, gives nothing back: glibc's malloc searched longer lists with every shape of batch.
train-base: export LD_PRELOAD := $(or $(LD_PRELOAD),$(firstword $(wildcard /usr/lib/*/libjemalloc.so.2)))
train-base: export MALLOC_CONF = oversize_threshold:1,background_thread:true,metadata_thp:auto,thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1

# The tower, then the whole; begun again, it goes on where it stopped (without runs/sight and runs/base, from nothing).
train-base: .venv/demo
	$(PY) -m training.sight --config training/configs/sight.yaml --resume true
	$(PY) -m training.base --config training/configs/base.yaml --resume true
	$(PY) -m training.ship

train-sft: .venv/demo
	$(PY) -m training.sft --config training/configs/sft.yaml

# Both reinforcement stages; begun again, they go on where they stopped.
train-stages: .venv/demo
	$(PY) -m training.stage1 --config training/configs/embedded-stage1.yaml --resume true
	$(PY) -m training.stage2 --config training/configs/embedded-stage2.yaml --resume true

# The figures that README.md tells, on a world that nothing was trained on.
figures: .venv/demo
	rm -rf runs/figures
	$(PY) -m training.world --seed 4242 --entities 60 --questions 300 --out runs/figures
	$(PY) -m mmrag index runs/figures
	for stage in sft stage2; do \
		$(PY) -m training.evaluate --collection runs/figures --stage $$stage --json > runs/$$stage-4242.json && \
		$(PY) -m json.tool --indent 1 runs/$$stage-4242.json docs/$$stage-4242.json || exit 1; \
	done

# What each part earns: trains the variants that are missing, writes docs/results.json and docs/results.md.
results: .venv/demo
	$(PY) -m training.ablate --config training/configs/ablation.yaml

# The whole recipe, most of a day on two cores.
train: world train-clip train-base train-sft train-stages figures results

train-clip: .venv/demo
	$(PY) -m training.clip

world: .venv/demo
	$(PY) -m training.world --seed 7 --entities 132 --questions 640 --out assets/world

# A browser for the tests: the system's where there is one, Debian's package as root, else Playwright's own.
browser: .venv/test
	@$(PY) -m tests.browser

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --upgrade pip

.venv/demo: .venv/bin/python requirements.txt
	$(PY) -m pip install --quiet --progress-bar off -r requirements.txt
	@touch $@

.venv/test: .venv/bin/python requirements.txt requirements-test.txt
	$(PY) -m pip install --quiet --progress-bar off -r requirements-test.txt
	@touch $@ .venv/demo

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
