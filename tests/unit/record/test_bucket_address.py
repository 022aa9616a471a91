"""Where the state stands in a bucket, read from phoenix.yaml's word for it and the environment."""

from __future__ import annotations

import pytest

from phoenix.buckets import address
from phoenix.errors import SpecError
from phoenix.record.bucket import problem


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://state", "state", ""),
        ("s3://state/", "state", ""),
        ("gs://acme-state/team/one/", "acme-state", "team/one"),
        ("s3://acme.state/a_b", "acme.state", "a_b"),
    ],
)
def test_a_place_has_a_bucket_and_a_prefix(url: str, bucket: str, prefix: str) -> None:
    place = address(url, {})
    assert (place.bucket, place.prefix, place.endpoint) == (bucket, prefix, None)
    assert not place.allows_http


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3://ab",
        "s3:///a",
        "s3://State",
        "s3://state/a//b",
        "s3://state/../a",
        "s3://state/a b",
        "http://state/a",
    ],
)
def test_what_is_no_place_is_a_mistake_in_the_file(url: str) -> None:
    with pytest.raises(SpecError) as caught:
        address(url, {})
    assert "phoenix.yaml" in caught.value.resolution


@pytest.mark.parametrize(
    ("url", "environment", "endpoint"),
    [
        ("s3://state", {"AWS_ENDPOINT_URL": "https://minio.example:9000/"}, "https://minio.example:9000"),
        ("s3://state", {"AWS_ENDPOINT_URL": "https://all", "AWS_ENDPOINT_URL_S3": "http://s3only"}, "http://s3only"),
        ("s3://state", {"AWS_ENDPOINT_URL": "", "STORAGE_EMULATOR_HOST": "http://x"}, None),
        ("gs://state", {"STORAGE_EMULATOR_HOST": "127.0.0.1:4443"}, "http://127.0.0.1:4443"),
        ("gs://state", {"STORAGE_EMULATOR_HOST": "https://gcs.example"}, "https://gcs.example"),
        ("gs://state", {"AWS_ENDPOINT_URL": "http://x"}, None),
    ],
)
def test_the_environment_may_set_another_endpoint(url: str, environment: dict[str, str], endpoint: str | None) -> None:
    place = address(url, environment)
    assert place.endpoint == endpoint
    assert place.allows_http == (endpoint or "").startswith("http://")


@pytest.mark.parametrize(
    "value",
    ["minio:9000", "ftp://x", "http://", "not a url", "http://a b", "http://x:port", "https://me:SECRET@minio:9000"],
)
def test_an_endpoint_that_is_none_is_named_and_not_shown(value: str) -> None:
    with pytest.raises(SpecError, match="AWS_ENDPOINT_URL is no address") as caught:
        address("s3://state", {"AWS_ENDPOINT_URL": value})
    assert "http(s)://HOST:PORT" in caught.value.details
    assert value == "http://" or value not in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("AWS_REGION", "eu west 1"), ("AWS_ACCESS_KEY_ID", "key\n"), ("AWS_SECRET_ACCESS_KEY", "very secret\u2026")],
)
def test_a_variable_that_obstore_would_break_down_on_is_named_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(SpecError, match=f"{name} holds") as caught:
        address("s3://state", {name: value})
    assert value not in str(caught.value)
    address("gs://state", {name: value})


@pytest.mark.parametrize(
    ("words", "brief", "advice"),
    [
        (
            "Error performing PUT: 404 Not Found: <Error><Code>NoSuchBucket</Code></Error>",
            "no bucket state",
            "Create it",
        ),
        ("403 Forbidden: <Error><Code>RequestTimeTooSkewed</Code></Error>", "clock is wrong", "15 minutes"),
        ("Error performing PUT http://169.254.169.254/latest/api/token", "no usable credentials", "AWS_ACCESS_KEY_ID"),
        ("non-2xx status code: 403 Forbidden: <Error><Code>AccessDenied</Code>", "may not use", "s3:GetObject"),
        ("400 Bad Request: <Error><Code>ExpiredToken</Code>", "may not use", "AWS_ACCESS_KEY_ID"),
        ("Received redirect without LOCATION, this normally indicates", "another region", "AWS_REGION"),
        ("HTTP error: error sending request", "cannot be reached", "network"),
    ],
)
def test_each_trouble_is_told_with_what_to_do(words: str, brief: str, advice: str) -> None:
    error = problem(address("s3://state/team", {}), words)
    assert brief in error.brief
    assert advice in error.resolution
    assert error.exit_code == 5


def test_the_details_are_one_line_of_the_stores_own_words() -> None:
    words = (
        "Generic S3 error: Error performing GET http://s3/x in 2 ms - Server returned 403 Forbidden: "
        '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>Access\nDenied</Message>'
        "<RequestId>1</RequestId></Error>\n\nDebug source:\nGeneric {\n store"
    )
    assert problem(address("s3://state/team", {}), words).details == (
        "s3://state/team: Generic S3 error: Error performing GET http://s3/x in 2 ms - Server returned 403 Forbidden: "
        "AccessDenied: Access Denied"
    )
