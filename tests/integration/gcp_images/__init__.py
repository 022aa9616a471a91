"""Bakes and verifications on an emulated Google Cloud, with the real Packer."""
