"""What Terraform makes on AWS, made on the emulated AWS, too: so that phoenix can bake and roll on it.

Only what a roll refers to: network, balancer, listener, rule, firewall, profiles. All else is made up, as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.emulators.terraform import schema
from tests.emulators.terraform.world import Values, World

Client = Callable[[str], Any]
"""boto3's client of a service."""
_RULE = "aws_lb_listener_rule"


def world(client: Client) -> World:
    """A world whose things are at the AWS that boto3 speaks to."""
    made = _Made(client)
    return World(
        makers={
            "aws_vpc": made.vpc,
            "aws_subnet": made.subnet,
            "aws_security_group": made.security_group,
            "aws_lb": made.balancer,
            "aws_lb_listener": made.listener,
            _RULE: made.rule,
            "aws_iam_role": made.role,
            "aws_iam_instance_profile": made.profile,
        },
        readers={_RULE: made.rule_now},
    )


class _Made:
    """One call for each; what it gives, in the provider's words."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def vpc(self, wanted: Values) -> Values:
        made = self._client("ec2").create_vpc(CidrBlock=wanted["cidr_block"])["Vpc"]
        return {"id": made["VpcId"]}

    def subnet(self, wanted: Values) -> Values:
        made = self._client("ec2").create_subnet(
            VpcId=wanted["vpc_id"], CidrBlock=wanted["cidr_block"], AvailabilityZone=wanted["availability_zone"]
        )["Subnet"]
        return {"id": made["SubnetId"]}

    def security_group(self, wanted: Values) -> Values:
        made = self._client("ec2").create_security_group(
            GroupName=wanted["name"], Description=wanted["description"], VpcId=wanted["vpc_id"]
        )
        return {"id": made["GroupId"]}

    def balancer(self, wanted: Values) -> Values:
        made = self._client("elbv2").create_load_balancer(
            Name=wanted["name"], Subnets=wanted["subnets"], SecurityGroups=wanted["security_groups"]
        )["LoadBalancers"][0]
        return {"id": made["LoadBalancerArn"], "arn": made["LoadBalancerArn"], "dns_name": made["DNSName"]}

    def listener(self, wanted: Values) -> Values:
        made = self._client("elbv2").create_listener(
            LoadBalancerArn=wanted["load_balancer_arn"],
            Protocol=wanted["protocol"],
            Port=int(wanted["port"]),
            DefaultActions=[_action(each) for each in wanted["default_action"]],
        )["Listeners"][0]
        return {"id": made["ListenerArn"], "arn": made["ListenerArn"]}

    def rule(self, wanted: Values) -> Values:
        made = self._client("elbv2").create_rule(
            ListenerArn=wanted["listener_arn"],
            Priority=int(wanted["priority"]),
            Conditions=[
                {"Field": "path-pattern", "PathPatternConfig": {"Values": pattern["values"]}}
                for each in wanted["condition"]
                for pattern in each["path_pattern"]
            ],
            Actions=[_action(each) for each in wanted["action"]],
        )["Rules"][0]
        return {"id": made["RuleArn"], "arn": made["RuleArn"]}

    def rule_now(self, there: Values) -> Values:
        """What the rule does now, whoever changed it."""
        (told,) = self._client("elbv2").describe_rules(RuleArns=[there["arn"]])["Rules"]
        whole = schema.of("aws").resources[_RULE]["blocks"]["action"]
        return {"action": [schema.complete(whole, read_action(each)) for each in told["Actions"]]}

    def role(self, wanted: Values) -> Values:
        made = self._client("iam").create_role(
            RoleName=wanted["name"], AssumeRolePolicyDocument=wanted["assume_role_policy"]
        )["Role"]
        return {"id": made["RoleName"], "arn": made["Arn"]}

    def profile(self, wanted: Values) -> Values:
        iam = self._client("iam")
        made = iam.create_instance_profile(InstanceProfileName=wanted["name"])["InstanceProfile"]
        iam.add_role_to_instance_profile(InstanceProfileName=wanted["name"], RoleName=wanted["role"])
        return {"id": made["InstanceProfileName"], "arn": made["Arn"]}


def read_action(told: Mapping[str, Any]) -> Values:
    """An action of a rule in the provider's words, as far as phoenix writes one."""
    if told["Type"] != "forward":
        answer = told["FixedResponseConfig"]
        said = {
            "status_code": answer["StatusCode"],
            "content_type": answer.get("ContentType"),
            "message_body": answer.get("MessageBody"),
        }
        return {"type": told["Type"], "fixed_response": [said]}
    groups = [
        {"arn": each["TargetGroupArn"], "weight": each["Weight"]} for each in told["ForwardConfig"]["TargetGroups"]
    ]
    return {"type": told["Type"], "forward": [{"target_group": groups}]}


def _action(wanted: Mapping[str, Any]) -> dict[str, Any]:
    (answer,) = wanted["fixed_response"]
    config = {
        "StatusCode": answer["status_code"],
        "ContentType": answer["content_type"],
        "MessageBody": answer["message_body"],
    }
    return {"Type": "fixed-response", "FixedResponseConfig": config}
