"""What Compute Engine's API is for every kind of thing: its methods, its checks, its operations."""
