"""Machines of Google Cloud in managed instance groups: started, seen, made more and fewer, ended."""
