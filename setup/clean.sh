#!/bin/bash
# Put the checkout back to what git has: stop the demo's machines, remove it, .venv and caches. Called by `make clean`.
# The shared cache in ~/.cache/phoenix stays: other checkouts use it, too.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -e demo/phoenix.yaml ]; then
    if [ ! -x .venv/bin/phoenix ]; then
        echo "clean failed: demo/ may have machines running, and there is no .venv to stop them with" >&2
        echo "  Run \`make setup\`, then \`make clean\` again." >&2
        exit 3
    fi
    .venv/bin/phoenix -C demo down --yes --force
fi
rm -rf --one-file-system demo .venv dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .ansible .cache
find . -name __pycache__ -type d -prune -exec rm -rf {} +
