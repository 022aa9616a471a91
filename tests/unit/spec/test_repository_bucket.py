"""The key `bucket` of a repository: what it becomes, and what is wrong with it."""

from __future__ import annotations

import pytest

from tests.unit.spec.conftest import GOOD, Load, Mistakes

ADDRESS = "url: http://127.0.0.1:9999"
SHOWN = 'url: "https://apt.acme.example/main", bucket: "s3://acme-apt/main/"'


def test_a_bucket_shows_the_repository_at_its_url(load_text: Load) -> None:
    assert load_text(GOOD, (ADDRESS, SHOWN)).repositories["main"].bucket == "s3://acme-apt/main"
    assert load_text(GOOD).repositories["main"].bucket == ""


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ('bucket: "https://acme-apt"', "'https://acme-apt' is no place in a bucket; accepted: s3://BUCKET/PREFIX or"),
        ('bucket: "s3://A"', "'s3://A' is no place in a bucket; accepted: s3://BUCKET/PREFIX or"),
        ('bucket: "s3://acme-apt/a b"', "'s3://acme-apt/a b' is no place in a bucket; accepted"),
    ],
)
def test_what_is_no_place_in_a_bucket(mistakes: Mistakes, said: str, mistake: str) -> None:
    found = mistakes((ADDRESS, f'url: "https://apt.acme.example", {said}'))
    assert len(found) == 1
    assert f"repositories.main.bucket: {mistake}" in found[0]


def test_a_bucket_is_not_read_at_an_address_of_this_computer(mistakes: Mistakes) -> None:
    (found,) = mistakes((ADDRESS, f'{ADDRESS}, bucket: "gs://acme-apt/main"'))
    assert "repositories.main.url: http://127.0.0.1:9999 is an address of this computer; accepted: where gs://" in found


def test_machines_of_this_computer_may_have_an_address_beside_it(load_text: Load) -> None:
    both = '{local: "http://127.0.0.1:9999", aws: "https://apt.acme.example"}, bucket: "s3://acme-apt/main"'
    assert load_text(GOOD, (ADDRESS, f"url: {both}")).repositories["main"].bucket == "s3://acme-apt/main"


def test_two_repositories_have_no_place_in_common(mistakes: Mistakes) -> None:
    other = '\n  other: {distribution: bookworm, root: o, url: "https://o.example", bucket: "s3://acme-apt/main"}'
    found = mistakes((ADDRESS + "}", SHOWN + "}" + other), ("packages: [hello]}", "packages: []}"))
    assert any("s3://acme-apt/main is the bucket of repository main already" in each for each in found)
