"""The roles that machines of a project get on AWS, as far as phoenix.yaml says it: nobody needs to pass another.

phoenix.yaml names instance profiles. A role is taken to be called as its profile is: so the console makes them, and
the shipped ground. Where one is called otherwise its policy has to name it.
"""

from __future__ import annotations

from phoenix.clouds.aws.account.policy import Work
from phoenix.model import CloudMachine
from phoenix.spec.clouds import AwsCloud
from phoenix.spec.project import Project

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""By how a region begins. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""


def roles(project: Project, cloud: AwsCloud, work: Work, account: str = "*") -> tuple[str, ...]:
    """ARNs of the roles that machines of this kind of work get, sorted; in any account where it is not named."""
    match work:
        case Work.BAKE:
            profiles = {cloud.builder.profile}
        case Work.ROLL:
            places = [each for service in project.services.values() for each in service.environments.values()]
            there = [each.machine for each in places if each.cloud == cloud.name]
            profiles = {each.identity for each in there if isinstance(each, CloudMachine)}
        case Work.TEND | Work.ADOPT:
            profiles = set[str | None]()
    partition = next((name for begins, name in _PARTITIONS.items() if cloud.region.startswith(begins)), "aws")
    names = {profile.rpartition("/")[2] for profile in profiles if profile}
    return tuple(f"arn:{partition}:iam::{account}:role/{name}" for name in sorted(names))
