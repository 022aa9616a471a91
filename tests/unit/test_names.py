"""Names: composed and parsed by one file, within every cloud's limits."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from phoenix import names

WORDS = st.from_regex(names.WORD, fullmatch=True)


@given(WORDS, WORDS, st.integers(0, 99_999))
def test_a_group_name_parses_back(service: str, environment: str, number: int) -> None:
    name = names.GroupName(owner=names.group_owner(service, environment), number=number)
    assert names.parse_group(str(name)) == name


@given(st.text())
def test_whatever_parses_composes_to_itself(text: str) -> None:
    parsed = names.parse_group(text)
    assert parsed is None or str(parsed) == text


@given(WORDS, WORDS, st.sets(st.integers(1, 2000), max_size=5), st.integers(0, 2000))
def test_the_next_number_was_never_used(service: str, environment: str, used: set[int], last: int) -> None:
    owner = names.group_owner(service, environment)
    taken = frozenset(str(names.GroupName(owner=owner, number=n)) for n in used)
    parsed = names.parse_group(names.next_group(service, environment, taken, last))
    assert parsed is not None
    assert parsed.number > max([last, *used])


def test_numbers_of_other_services_do_not_count() -> None:
    assert names.next_group("web", "prod", frozenset({"web-tier-prod-v041", "web-prod-x-v007"})) == "web-prod-v001"


@given(WORDS, st.sampled_from(["os", "foundation", "immutable"]), WORDS, st.from_regex("[0-9a-f]{64}", fullmatch=True))
def test_an_image_id_fits_every_cloud(project: str, kind: str, name: str, key: str) -> None:
    image = names.image(project, kind, name, key, serial=3)
    assert len(image) <= 63
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", image)
    assert image.endswith(f"{key[:12]}-3")


@given(WORDS, WORDS, st.integers(1, 999), st.integers(1, 500))
def test_an_instance_knows_its_group(service: str, environment: str, number: int, index: int) -> None:
    group = str(names.GroupName(owner=names.group_owner(service, environment), number=number))
    assert names.group_of_instance(names.instance(group, index)) == group


def test_run_ids_sort_by_time_within_a_second_too() -> None:
    moments = [datetime(2026, 1, 31, 12, 0, second, 1000 * ms, tzinfo=UTC) for second in (0, 1) for ms in (0, 7, 999)]
    ids = [names.run("bake", moment) for moment in moments]
    assert ids == sorted(ids)
    assert len({names.run("bake", moments[0]) for _attempt in range(20)}) > 10


SUBJECTS = st.one_of(
    st.builds(names.of_service, WORDS, WORDS),
    st.builds(names.of_repository, WORDS),
    st.builds(
        names.of_image,
        WORDS,
        st.sampled_from(["os", "foundation", "immutable"]),
        WORDS,
        st.from_regex("[0-9a-f]{64}", fullmatch=True),
    ),
)


@given(SUBJECTS, SUBJECTS)
def test_two_subjects_never_share_a_lock(one: names.Subject, other: names.Subject) -> None:
    assert (str(one) == str(other)) is (one == other)


@given(SUBJECTS)
def test_a_subject_parses_back(subject: names.Subject) -> None:
    assert names.parse_subject(str(subject)) == subject


@given(st.text())
def test_whatever_parses_as_a_subject_composes_to_itself(text: str) -> None:
    assert str(names.parse_subject(text)) == text


def test_a_service_called_repository_is_no_repository() -> None:
    service, repository = names.of_service("repository", "main"), names.of_repository("main")
    assert str(service) != str(repository)
    assert repository.formerly == str(service), "what phoenix 0.1 wrote is still found"
