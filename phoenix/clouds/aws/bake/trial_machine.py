"""The one machine of a verification: started, looked at, listened to. It is ended with what else was made (`remains`).

RunInstances: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix.clouds.aws import labels
from phoenix.clouds.aws.bake import way_in
from phoenix.clouds.aws.calls import RefusedCallError
from phoenix.errors import CloudError
from phoenix.spec.clouds import AwsReach
from phoenix.wait import Look, Verdict

if TYPE_CHECKING:
    from phoenix.clouds.aws.bake.image_reading import Ami
    from phoenix.clouds.aws.bake.way_in import WayIn
    from phoenix.clouds.aws.calls import Calls
    from phoenix.spec.clouds import AwsCloud

_OVER = frozenset({"shutting-down", "terminated", "stopping", "stopped"})


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialMachine:
    """A machine by its id."""

    calls: Calls
    id: str
    public: bool
    """Whether it is reached at its public address."""

    @classmethod
    def start(cls, calls: Calls, cloud: AwsCloud, ami: Ami, way: WayIn, tags: Mapping[str, str]) -> TrialMachine:
        """Start one from the AMI, as the cloud's builder machines are, with `tags` on all of it."""
        public = cloud.builder.reach is AwsReach.PUBLIC
        answer = calls.ask("ec2", "run_instances", **_parameters(cloud, ami, way, tags))
        return cls(calls=calls, id=answer["Instances"][0]["InstanceId"], public=public)

    def address(self) -> str:
        """Where it is reached; empty while nobody knows."""
        described = self._described()
        return str(described.get("PublicIpAddress" if self.public else "PrivateIpAddress") or "")

    def look(self) -> Look:
        """Whether it runs, at an address; it no longer will once it ends."""
        described = self._described()
        state = described.get("State", {}).get("Name", "unknown")
        if state in _OVER:
            why = described.get("StateReason", {}).get("Message") or described.get("StateTransitionReason", "")
            return Look(verdict=Verdict.FAIL, seen=f"the machine is {state}: {why}")
        address = described.get("PublicIpAddress" if self.public else "PrivateIpAddress")
        there = state == "running" and address
        return Look(verdict=Verdict.PASS if there else Verdict.UNKNOWN, seen=f"the machine is {state}")

    def or_ended(self, seen: Look) -> Look:
        """What was seen; where that is not enough yet, whether it still can be."""
        here = self.look() if seen.verdict is Verdict.UNKNOWN else seen
        return here if here.verdict is Verdict.FAIL else seen

    def console(self) -> str:
        """What it printed; empty where AWS tells nothing of it (yet)."""
        with suppress(CloudError):
            try:
                answer = self.calls.ask("ec2", "get_console_output", InstanceId=self.id, Latest=True)
            except RefusedCallError:  # a type of machine that only shows it now and then
                answer = self.calls.ask("ec2", "get_console_output", InstanceId=self.id)
            return str(answer.get("Output") or "")  # boto3 has decoded it
        return ""

    def _described(self) -> Mapping[str, Any]:
        """As AWS describes it; a machine that was just started may not be known everywhere."""
        filters = [{"Name": "instance-id", "Values": [self.id]}]
        reservations = self.calls.ask("ec2", "describe_instances", Filters=filters)["Reservations"]
        found: Mapping[str, Any] = reservations[0]["Instances"][0] if reservations else {}
        return found


def _parameters(cloud: AwsCloud, ami: Ami, way: WayIn, tags: Mapping[str, str]) -> dict[str, Any]:
    builder = cloud.builder
    tagged = ["instance", "volume", "network-interface", *(["spot-instances-request"] if builder.spot else [])]
    parameters: dict[str, Any] = {
        "ImageId": ami.id,
        "InstanceType": builder.type,
        "MinCount": 1,
        "MaxCount": 1,
        "UserData": way.user_data,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "Placement": {"Tenancy": builder.tenancy},
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": way_in.subnet(cloud),
                "Groups": list(way.groups),
                "AssociatePublicIpAddress": builder.reach is AwsReach.PUBLIC,
                "DeleteOnTermination": True,
            }
        ],
        "TagSpecifications": [{"ResourceType": kind, "Tags": labels.written(tags)} for kind in tagged],
    }
    if builder.profile:
        parameters["IamInstanceProfile"] = {"Name": builder.profile}
    if builder.spot:
        parameters["InstanceMarketOptions"] = {"MarketType": "spot"}
    return parameters
