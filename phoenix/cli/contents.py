"""The table of commands: what `phoenix --help` lists, before any of their files is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A command of the root: its name, which is its file's name too, the line in the list, and the list's heading."""

    name: str
    help: str
    panel: str


def _panel(panel: str, **helps: str) -> tuple[Entry, ...]:
    return tuple(Entry(name=name, help=text, panel=panel) for name, text in helps.items())


TABLE = (
    *_panel(
        "Start",
        init="Write a small project that works as it is.",
        doctor="Try tools and machine engines for real; each lack with its remedy.",
        galaxy="Install the roles and collections of playbooks/requirements.yml.",
        validate="Report every mistake of the project at once.",
        schema="Print the JSON Schema of phoenix.yaml, for editors.",
        demo="Go the whole way on this machine, with traffic running.",
    ),
    *_panel(
        "Ground",
        stack="Networks, balancers, rights by Terraform: plan, apply, output, drift, destroy.",
    ),
    *_panel(
        "Images and packages",
        render="Write the files of a bake; run nothing.",
        bake="Bake an image from its recipe, missing parents first.",
        image="List, show, verify, delete and prune images.",
        publish="Check, sign and publish .deb files, all or none.",
        repository="Apt repositories: show, serve, history, go back, keep in shape.",
    ),
    *_panel(
        "Services",
        roll="Bring a release live: start a group, prove it, move traffic.",
        rollback="Go back to the group or release that served before.",
        resume="Go on with a run that stopped.",
        promote="Let a run that is held go on.",
        abort="Undo a run that is under way or held.",
        status="Show groups, traffic, instances and what is due.",
        group="List and show groups; give traffic, take it away, resize, delete.",
        logs="Show what machines of a service, a group or one said; also those gone.",
        ssh="Get into a machine of this computer; elsewhere print the cloud's command.",
        run="List runs; show one with its plan, steps and log.",
    ),
    *_panel(
        "Upkeep",
        tend="Do what is due, take over what was left; for cron.",
        unlock="Give up a run that nobody will end; undo nothing.",
        down="Stop every machine, balancer and server of the project.",
    ),
)
