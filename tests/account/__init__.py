"""`make test-aws`: the story of `tests/e2e/test_aws.py` in a real account, which asks for that in so many words.

Nothing here is collected by pytest: it costs money. `python -m tests.account` is the program; what it makes bears the
run's tag and is removed by it, whatever happens.
"""
