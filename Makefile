# make run    set up and measure       make test   set up and test
# make lint   ruff and mypy            make study  how often verdicts err (STUDY_MINUTES=10)
# make clean  remove the environment   make test-faults  full disks, kills, forged files (under 15 minutes)
#                                      make test-mutants  whether tests notice a change of what decides (20 minutes)
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test test-slow test-browser test-faults test-mutants test-speed study lint clean

run: $(SETUP)
	$(BIN)/bench run

# In the order of the files: by number of tests, modules of a few long ones would come last, on one processor.
test: $(SETUP)
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

test-slow: $(SETUP)
	$(BIN)/python -m pytest -m slow

# Debian's chromium; elsewhere, any chromium on the path.
test-browser: $(SETUP)
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || true
	$(BIN)/python -m pytest -m browser

# Full disks, kills, forged files and hostile processes: seeded, so that what fails once fails again.
test-faults: $(SETUP)
	$(BIN)/python -m pytest -n 2 tests/faults -m faults

# Whether the tests notice when what decides is changed: mutants of it, drawn by a seed, 20 minutes at most.
test-mutants: $(SETUP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group mutants
	$(BIN)/python tools/mutants.py

# BASE=HEAD~1 compares with that commit; without it, the loops are measured and compared with nothing.
test-speed: $(SETUP)
	$(BIN)/python -m pytest tests/speed -m speed --benchmark-json=speed.json $(if $(BASE),--bench-base-ref=$(BASE))

# How often the verdicts err: simulated, then for real on this machine, which nothing else should use meanwhile.
study: $(SETUP)
	$(BIN)/python tools/study_simulated.py
	$(BIN)/python tools/study_real.py

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv build *.egg-info

# torch first and by its exact version, so that the build that is at hand is taken and no other.
$(SETUP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group test --group lint --editable '.[all]'
	touch $@
