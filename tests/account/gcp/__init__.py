"""`make test-gcp`: the story of `tests/e2e/test_gcp.py` in a real project, which asks for that in so many words."""
