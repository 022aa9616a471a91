"""The reference of `docs/`, written from the code: every key of phoenix.yaml, every command, every result.

`make docs` writes it; `tests/unit/house/test_reference.py` fails while a page says something else than the code.
"""
