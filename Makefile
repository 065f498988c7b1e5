# SPDX-License-Identifier: MIT
# Short names for scripts/; the scripts describe what they do with --help.

.PHONY: help setup check test quickstart clean

help:
	@echo 'make check       style, types, unit tests: under a minute'
	@echo 'make test        everything, with a build and boots in QEMU'
	@echo 'make quickstart  the demonstration image'
	@echo 'make setup       packages, .venv, BitBake'
	@echo 'make clean       remove build/'

setup:
	scripts/setup

check:
	scripts/test --fast

test:
	scripts/test

quickstart:
	scripts/quickstart

clean:
	rm -rf build
