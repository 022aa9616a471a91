"""What runs machines on this computer: light ones, and whole ones in QEMU."""
