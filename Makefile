# Every target works on a fresh Debian or Ubuntu with git, make, Python and Node, as root or with sudo.
SHELL := /bin/bash
PY := .venv/bin/python
STAMP := .venv/.set-up
BUNDLE := jupyter_xdisplay/static/widget.js

.PHONY: help setup demo test lint soak bench picture clean

help:
	@echo "make demo    set everything up and open JupyterLab on the quickstart notebook"
	@echo "make test    set everything up and run all checks and tests"
	@echo "make setup   only set up: system packages, .venv, the built JavaScript"
	@echo "make lint    formatters, linters and type checkers"
	@echo "make soak    the long tests: hundreds of cycles"
	@echo "make bench   the benchmarks: prints tables, writes benchmarks/results/"
	@echo "make picture the README picture, from the real thing"
	@echo "make clean   remove what the other targets made"

setup: $(STAMP) $(BUNDLE)

$(STAMP): pyproject.toml scripts/setup.sh jupyter_xdisplay/setup/parts.py
	@scripts/setup.sh
	@touch $@

$(BUNDLE): labextension/package-lock.json labextension/build.mjs $(wildcard labextension/src/*)
	@echo "== npm: installing what the view is built with, and building it"
	cd labextension && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build

demo: setup
	@echo "== JupyterLab opens on notebooks/01-quickstart.ipynb; end it with Ctrl-C twice"
	.venv/bin/jupyter lab $(shell [ "$$(id -u)" = 0 ] && echo --allow-root) $(DEMO_ARGS) notebooks/01-quickstart.ipynb

lint: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	cd labextension && npm run --silent check

# Two workers, whatever the machine: more would make each other late.
test: lint
	cd labextension && npm test --silent
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

soak: setup
	XDISPLAY_SOAK=1 .venv/bin/pytest -m soak --timeout 3600

bench: setup
	$(PY) -m benchmarks

picture: setup
	$(PY) scripts/picture.py

clean:
	rm -rf .venv build dist *.egg-info labextension/node_modules jupyter_xdisplay/static
