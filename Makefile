# The front door: each target is one line over ./ashlar and the npm scripts.
.PHONY: help setup check test test-unit test-vm format docs example demo clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## Install the npm dependencies
	@./ashlar --version

check: setup ## Types, lint, format, dead code
	@npm run --silent check

test: setup ## All checks and all test tiers that this machine can run
	@npm test --silent

test-unit: setup ## Only the unit tests: seconds
	@npm test --silent -- --tier unit

test-vm: setup ## Only the tests that boot virtual machines: minutes
	@npm test --silent -- --tier vm

format: setup ## Format the code
	@npm run --silent format

docs: setup ## Write docs/guide/commands.md again from the command table
	@ASHLAR_ACCEPT=1 npm test --silent -- --tier golden commands-guide

example: setup ## Build examples/web
	@./ashlar build examples/web/system.ts

demo: setup ## Build, boot, upgrade and roll back a machine
	@./ashlar demo

clean: ## Remove what a build of this checkout left here (not the cache)
	@rm -rf out
