"""`make test-aws`: the story of `tests/e2e/test_aws.py` in a real account, which asks for that in so many words.

`gcp` is the same for a project of Google Cloud; `app.py`, `asking.py`, `costs.py` and `limits.py` are for both.

Nothing here is collected by pytest: it costs money. `python -m tests.account` is the program; what it makes bears the
run's tag and is removed by it, whatever happens.
"""
