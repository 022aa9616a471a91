"""The local cloud: real machines on this computer (QEMU or runc) behind a real HAProxy."""
