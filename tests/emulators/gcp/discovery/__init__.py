"""Google's own description of Compute Engine's API, trimmed: what is asked is checked against it."""
