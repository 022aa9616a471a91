"""`python -m phoenix` is the console script under another name."""

from phoenix.cli.app import main

main()
