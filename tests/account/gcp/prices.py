"""What the things of a run cost on Google Cloud, at list price; `costs.py` makes a ceiling of it."""

from __future__ import annotations

from tests.account.costs import MONTH, Price

OF = "us-central1, January 2025"
"""Of which region, and when. They were written down by hand; nothing looks whether they have changed."""
PRICES = (
    Price(
        what="machines e2-small (two groups of two, a builder, one that an answer was lost of)",
        dollars=0.01676,
        most=6,
        source="https://cloud.google.com/compute/all-pricing",
    ),
    Price(
        what="public addresses (of the builder and of the one that was lost, and of the balancer)",
        dollars=0.005,
        most=4,
        source="https://cloud.google.com/vpc/network-pricing",
    ),
    Price(
        what="GiB of balanced disks (10 of each machine)",
        dollars=0.10 / MONTH,
        most=60,
        source="https://cloud.google.com/compute/disks-image-pricing",
    ),
    Price(
        what="GiB of images (10 of each of three)",
        dollars=0.05 / MONTH,
        most=30,
        source="https://cloud.google.com/compute/disks-image-pricing",
    ),
    Price(
        what="forwarding rule (the first five cost together what one does)",
        dollars=0.025,
        most=1,
        source="https://cloud.google.com/vpc/network-pricing",
    ),
    Price(
        what="GiB in and out of the balancer (the requests of the story are a hundredth of one)",
        dollars=0.016,
        most=1,
        source="https://cloud.google.com/vpc/network-pricing",
    ),
)
