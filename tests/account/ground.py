"""What a run makes before phoenix comes: security groups, a balancer, its listener, each born with its tag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

from phoenix.errors import RefusedError
from tests.account.project import TAG, Site
from tests.account.wishes import SUBNETS, Wishes

PORT = 8080


@dataclass(frozen=True, kw_only=True)
class Account:
    """The region that a run is in, by boto3's clients of each service."""

    run: str
    client: Callable[[str], Any]

    @property
    def tags(self) -> list[dict[str, str]]:
        """Of everything that the run makes."""
        return [{"Key": TAG, "Value": self.run}, {"Key": "Name", "Value": self.run}]

    def born_tagged(self, kind: str) -> list[dict[str, Any]]:
        """TagSpecifications of EC2's calls that make something."""
        return [{"ResourceType": kind, "Tags": self.tags}]


def account(region: str, run: str) -> Account:
    """By the SDK's own chain of credentials, as phoenix finds them."""
    return Account(run=run, client=cache(lambda service: boto3.client(service, region_name=region)))


def whose(account: Account) -> str:
    """ARN of who would pay."""
    return str(account.client("sts").get_caller_identity()["Arn"])


def laid(account: Account, wishes: Wishes, address_of: Callable[[str, str], str]) -> Site:
    """Make it all. `address_of` tells from the listener and the balancer's DNS name where requests are taken."""
    vpc = _vpc(account, wishes)
    front = _firewall(account, vpc, "front")
    machines = _firewall(account, vpc, "machines")
    _let_in(account, front, 80, IpRanges=[{"CidrIp": wishes.clients}])
    _let_in(account, machines, PORT, UserIdGroupPairs=[{"GroupId": front}])
    balancer, name = _balancer(account, wishes, front)
    listener = _listener(account, balancer)
    return Site(
        run=account.run,
        region=wishes.region,
        subnets=wishes.subnets,
        firewall=machines,
        listener=listener,
        address=address_of(listener, name),
    )


def _vpc(account: Account, wishes: Wishes) -> str:
    subnets = account.client("ec2").describe_subnets(SubnetIds=list(wishes.subnets))["Subnets"]
    vpcs = {subnet["VpcId"] for subnet in subnets}
    zones = {subnet["AvailabilityZone"] for subnet in subnets}
    if len(vpcs) != 1 or len(zones) < 2:
        raise RefusedError(
            "the run on a real account was not begun",
            details=f"{SUBNETS} is in {', '.join(sorted(vpcs))}, in {', '.join(sorted(zones))}; nothing was made",
            resolution="Name public subnets in two zones of one VPC.",
        )
    return str(vpcs.pop())


def _firewall(account: Account, vpc: str, what: str) -> str:
    made = account.client("ec2").create_security_group(
        GroupName=f"{account.run}-{what}",
        Description=f"phoenix make test-aws: {what}",
        VpcId=vpc,
        TagSpecifications=account.born_tagged("security-group"),
    )
    return str(made["GroupId"])


def _let_in(account: Account, firewall: str, port: int, **who: Any) -> None:
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **who}
    account.client("ec2").authorize_security_group_ingress(GroupId=firewall, IpPermissions=[permission])


def _balancer(account: Account, wishes: Wishes, firewall: str) -> tuple[str, str]:
    elb = account.client("elbv2")
    made = elb.create_load_balancer(
        Name=account.run, Subnets=list(wishes.subnets), SecurityGroups=[firewall], Tags=account.tags
    )["LoadBalancers"][0]
    arn = str(made["LoadBalancerArn"])
    elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn])
    return arn, str(made["DNSName"])


def _listener(account: Account, balancer: str) -> str:
    answer = {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "nobody serves"}
    made = account.client("elbv2").create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": answer}],
        Tags=account.tags,
    )
    return str(made["Listeners"][0]["ListenerArn"])
