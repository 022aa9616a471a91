"""The rights that the shipped Terraform gives are those that `phoenix doctor --policy` prints."""

from __future__ import annotations

import json
from typing import Any

import pytest

from phoenix import data
from phoenix.clouds.aws.account import policy as aws
from phoenix.clouds.gcp.account import policy as gcp

LONGEST = 6144
"""Characters of a managed policy of AWS, blanks left out."""


def shipped(*parts: str) -> Any:
    return json.loads(data.path("terraform", "modules", *parts).read_text())


@pytest.mark.parametrize("work", [aws.Work.BAKE, aws.Work.ROLL, aws.Work.TEND])
def test_policies_of_aws_are_those_that_doctor_prints(work: aws.Work) -> None:
    told = shipped("aws", "rights", "policies", f"{work}.json")
    assert told == aws.policy(work, "${project}", ("${roles}",))
    assert len(json.dumps(told, separators=(",", ":"))) < LONGEST


@pytest.mark.parametrize("work", [gcp.Work.BAKE, gcp.Work.ROLL, gcp.Work.TEND, gcp.Work.ACT_AS])
def test_roles_of_google_are_those_that_doctor_prints(work: gcp.Work) -> None:
    assert shipped("gcp", "rights", "roles", f"{work}.json") == gcp.policy(work)
