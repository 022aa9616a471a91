"""Google Cloud: what its builder makes images from."""
