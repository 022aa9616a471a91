"""What phoenix remembers: runs, releases and manifests, as small values changed by compare-and-swap."""
