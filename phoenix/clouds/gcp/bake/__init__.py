"""How images of Google Cloud are made and proven."""
