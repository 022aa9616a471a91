"""`phoenix.yaml`: parsed once, at the edge, into the frozen values of this package; one file per noun."""
