"""AWS for tests: moto's server with what it gets wrong mended, on a clock that tests move. See README.md."""
