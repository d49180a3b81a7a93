# The whole interface of a contributor. Every target sets up what it needs, and does nothing twice.
#
#   make setup              system packages, the virtual environment, kernels for the lab
#   make run [D=PROGRAM]    trace for ten seconds: this kernel if it can be traced, else one in the lab
#   make test               lint, types, tests here, tests on every kernel of the lab
#   make lab CMD='...'      a command in a guest of the lab, as root; make lab by itself opens a shell there
#   make soak               the ring under stress for some minutes: hundreds of millions of records, every one accounted for
#   make fuzz [INPUTS=N]    a million made-up programs through the front end: no traceback, no hang, no flood
#   make property           random expressions come to what D says, random clauses load: as root, nothing is attached
#   make bench [ONLY='...'] attaching, letting go and recording, against the kernel's floor and other tools

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := python3-bpfcc python3-venv qemu-system-x86 busybox-static kmod gcc libc6-dev
KERNELS := 6.12 6.1
KERNEL := 6.12
D := fbt:::
CMD :=
INPUTS := 1000000
SEED := 1
ONLY :=

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup packages kernels run test lint lab soak fuzz property bench clean

setup: $(VENV)/ready kernels

# Asked for each time, because someone may have removed one; the question takes a moment.
packages:
	@dpkg-query -W -f '$${db:Status-Abbrev}\n' $(PACKAGES) 2>/dev/null | grep -c '^ii' | grep -qx $(words $(PACKAGES)) || { \
	    sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	    $$sudo apt-get update -q && \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $(PACKAGES); }

# Of the system's own Python, because bcc's module is the distribution's.
$(VENV)/ready: pyproject.toml | packages
	/usr/bin/python3 -m venv --system-site-packages $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --editable '.[dev]'
	touch $@

kernels: $(VENV)/ready
	@$(BIN)/python -m compileall -q dtrace_py # a guest cannot keep what it compiles
	@dtpy-lab kernels $(KERNELS)

# $(value ...): a $ in a program or command is not make's.
run: setup
	@python -m dtrace_py.lab.showcase '$(subst ','\'',$(value D))'

lint: $(VENV)/ready
	ruff check .
	ruff format --check .
	mypy

test: setup
	@python -m tests $(KERNELS)

lab: setup
	@$(if $(value CMD),dtpy-lab run --kernel $(KERNEL) -- sh -c '$(subst ','\'',$(value CMD))',dtpy-lab shell --kernel $(KERNEL))

soak: setup
	python -m tests.ring
	dtpy-lab run --timeout 600 -- env DTPY_SOAK_SECONDS=60 python -m pytest -q tests/lab/test_nesting.py

fuzz: $(VENV)/ready
	python -m tests.fuzz --inputs $(INPUTS) --seed $(SEED)

property: $(VENV)/ready
	python -m tests.property --seed $(SEED)

# ONLY: options of python -m tests.bench, such as --only record.
bench: setup $(VENV)/plots
	@$(BIN)/python -m compileall -q tests
	@python -m tests.bench $(ONLY)

$(VENV)/plots: $(VENV)/ready
	$(BIN)/pip install -q --disable-pip-version-check --editable '.[bench]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
