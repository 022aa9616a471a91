"""The speed of phoenix beside what people would do without it: `make bench` writes docs/benchmarks.md.

Only ratios are promised. Both sides of a ratio run on the same machine, in the same minutes, taking turns.
"""
