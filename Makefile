# The commands of daily work; `make` alone lists them. A Python ≥ 3.10, a C++20 compiler and pip's registry are enough.

PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
BUILD := build/dev
READY := $(VENV)/ready-to-build
INSTALLED := $(BUILD)/installed
FUZZER := build/fuzz/atheris

# Folders count too: a new or a removed source changes its folder. Python sources are used where they lie.
SOURCES := pyproject.toml CMakeLists.txt $(shell find cmake src tests/cpp tests/guard tests/stress benchmarks/native)
CXX_FOLDERS := src tests examples benchmarks
CLANG_FORMAT := find $(CXX_FOLDERS) -name '*.h' -o -name '*.inl' -o -name '*.cpp' | xargs $(BIN)/clang-format

.PHONY: help
help:  ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(INSTALLED)  ## Train LeNet on MNIST (without data in reach: digits) with every engine; writes demo/
	$(BIN)/python examples/python/demo.py

.PHONY: test
test: $(INSTALLED)  ## Run every test, C++ and Python; the ones on real data need ASAP_DATA_DIR
	$(BIN)/ctest --test-dir $(BUILD) --output-on-failure
	$(BIN)/python -m pytest

.PHONY: bench
bench: $(INSTALLED)  ## Measure updates, kernels and stores beside what this machine can do; writes build/bench
	$(BIN)/python benchmarks/native/run.py $(BUILD)/benchmarks/native updates kernels update_path stores

.PHONY: sweep
sweep: $(INSTALLED)  ## Measure products and convolutions over many sizes and list the cliffs; writes build/bench
	$(BIN)/python benchmarks/native/run.py $(BUILD)/benchmarks/native sweep --name sweep

.PHONY: replay-soak
replay-soak: $(INSTALLED)  ## Replay 2,000 traced runs of random engines, models, settings and 2 to 32 workers, bit by bit
	ASAP_REPLAY_RUNS=2000 ASAP_REPLAY_UPDATES=3000 $(BUILD)/tests/cpp/replay_test random

.PHONY: stress
stress: $(INSTALLED)  ## Strain the invariants: sums, views, vectors, memory, progress, staleness; FORM=--short
	$(BUILD)/tests/stress/stress $(FORM)
	PYTHONPATH=tests/python $(BIN)/python tests/stress/many_runs.py $(FORM)

.PHONY: fuzz
fuzz: $(FUZZER)  ## Fuzz the readers of files, a million executions each, and give them bombs; FORM=--short
	PYTHONPATH=$(FUZZER) $(BIN)/python tests/fuzz/fuzz.py $(FORM)

.PHONY: reproduce
reproduce: $(INSTALLED)  ## Run the papers' evaluations again in their quick forms, and check what these must show
	$(BIN)/python tests/reproduction/quick.py build/reproduce

.PHONY: guard
guard: $(INSTALLED)  ## Count the instructions of an update with callgrind and compare them with the stored ones
	$(BIN)/python tests/guard/guard.py $(BUILD)

.PHONY: guard-store
guard-store: $(INSTALLED)  ## Store those counts, after a change that is meant to alter them
	$(BIN)/python tests/guard/guard.py $(BUILD) --store

.PHONY: model-check
model-check:  ## Search the models of the lock-free parts exhaustively with spin, and their broken twins; FORM=--short
	$(PYTHON) tests/models/check.py $(FORM)

.PHONY: sanitize
sanitize: $(INSTALLED)  ## Build with sanitizers, see that they find what is planted, run the C++ and Python tests; FORM=--short
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python tests/sanitize/sanitize.py $(FORM)

.PHONY: supply
supply: $(INSTALLED)  ## Check the licences and the known vulnerabilities of what asap depends on
	$(BIN)/python tests/supply/supply.py

.PHONY: neon
neon: $(READY)  ## Build for aarch64 with a cross compiler and run the tests of kernels, data and models under emulation
	$(BIN)/cmake -S . -B build/neon -G Ninja -DASAP_DEVELOPER=ON -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake \
	  -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN)/ninja)
	$(BIN)/cmake --build build/neon
	$(BIN)/ctest --test-dir build/neon --output-on-failure -R '^(kernels|data|model|fused)_'

.PHONY: lint
lint: $(INSTALLED)  ## Check formatting, style, types, docstrings and that each header compiles alone
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(CLANG_FORMAT) --dry-run -Werror
	$(BIN)/mypy
	$(BIN)/cmake --build $(BUILD) --target all_verify_interface_header_sets -- --quiet
	$(BIN)/python -m pytest -q tests/python/test_docstrings.py

.PHONY: format
format: | $(BIN)/clang-format  ## Format the sources, C++ and Python
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(CLANG_FORMAT) -i

.PHONY: wheel
wheel: $(READY)  ## Build the wheel into dist/
	$(BIN)/python -m pip wheel . --no-deps --wheel-dir dist

.PHONY: clean
clean:  ## Remove what these commands made, the virtual environment too
	rm -rf build demo dist $(VENV) .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else \
	  f"asap needs Python 3.10 or newer; $(PYTHON) is {sys.version.split()[0]}. Choose another: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(READY): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet cmake ninja scikit-build-core pybind11
	@touch $@

# For sources that do not compile yet: the tools of the last installation will do.
$(BIN)/clang-format:
	$(MAKE) $(INSTALLED)

# One compile gives the Python module and the C++ tests; scikit-build-core keeps its build folder from call to call.
$(INSTALLED): $(READY) $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --no-build-isolation \
	  --config-settings=build-dir=$(BUILD) --config-settings=cmake.define.ASAP_DEVELOPER=ON
	@touch $@

# In a folder of its own: it is no dependency of asap. Where it cannot be had, `make fuzz` says so.
$(FUZZER): | $(INSTALLED)
	-$(BIN)/python -m pip install --quiet --target $@ 'atheris>=2.3'
