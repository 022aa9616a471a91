"""The emulated account: moto's, and all that is mended, put together once in a process."""

from __future__ import annotations

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from tests.emulators.aws.answers import Answers
from tests.emulators.aws.autoscaling.balancers import Balancers
from tests.emulators.aws.autoscaling.checks import Checks
from tests.emulators.aws.autoscaling.engine import Engine
from tests.emulators.aws.autoscaling.groups import Groups
from tests.emulators.aws.autoscaling.instances import GroupInstances
from tests.emulators.aws.autoscaling.records import Records
from tests.emulators.aws.autoscaling.refresh import Refreshes
from tests.emulators.aws.autoscaling.switches import Switches
from tests.emulators.aws.ec2.images import Images
from tests.emulators.aws.ec2.instances import Instances
from tests.emulators.aws.ec2.launch_templates import LaunchTemplates
from tests.emulators.aws.elbv2.picture import Pictures
from tests.emulators.aws.elbv2.rules import Rules
from tests.emulators.aws.elbv2.targets import Targets
from tests.emulators.aws.emulated import Emulated
from tests.emulators.aws.making import made
from tests.emulators.aws.rights import Rights
from tests.emulators.aws.world import World


class Account:
    """All parts, and the order in which they forget."""

    def __init__(self, emulated: Emulated) -> None:
        self.emulated = emulated
        self.instances = Instances(emulated)
        self.targets = Targets(emulated, self.instances)
        self.engine = Engine(emulated, self.instances, self.targets)
        self.pictures = Pictures(emulated, self.instances, self.targets)
        self._checks = Checks(self.engine)
        self._templates = LaunchTemplates(emulated)
        self._refreshes = Refreshes(self.engine)
        self._records = Records(self.engine)
        self._world: World | None = None

    def install(self) -> None:
        """Stand in for moto in this process, for good."""
        answers = Answers(self.emulated)
        for part in (
            self.instances,
            self.targets,
            self._templates,
            self._refreshes,
            self._records,
            Images(self.emulated),
            Rules(self.emulated),
            Rights(self.emulated),
            Groups(self.engine, self._checks),
            GroupInstances(self.engine, self._checks),
            Balancers(self.engine),
            Switches(self.engine),
        ):
            part.add_to(answers)
        answers.install()

    def look(self) -> None:
        """Let happen what is due, and see which target groups are used by now."""
        self.targets.look()
        self.emulated.clock.settle()
        self.pictures.draw()

    def reset(self) -> None:
        """Everything is as it was at the start."""
        self.emulated.forget()
        for part in (
            self.instances,
            self.targets,
            self.engine,
            self.pictures,
            self._templates,
            self._refreshes,
            self._records,
        ):
            part.forget()
        self._world = None
        BackendDict.reset()
        reset_model_data()

    def world(self, project: str) -> World:
        """The small account to begin with; made once."""
        if self._world is None:
            self._world = made(project)
        return self._world
