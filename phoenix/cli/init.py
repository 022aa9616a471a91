"""`phoenix init`: a small project that bake, publish and roll work on as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix.cli.command import command, command_app
from phoenix.cli.session import session_of
from phoenix.orders import project, project_clouds
from phoenix.orders.facts import dump
from phoenix.orders.project import PROJECT_FILE, InitResult

app = command_app()
_JENKINS = (
    "  git add Jenkinsfile jenkins                # Jenkins reads its jobs and steps from the repository",
    "  phoenix doctor --jenkins URL               # can GitHub reach it, has it the plugins and an agent?",
)


@command(app, "phoenix init shop", "phoenix init shop --os debian-13 --cloud aws", "phoenix init . --jenkins")
def init(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where it is written; made if missing.")] = Path(),
    cloud: Annotated[
        list[str] | None, typer.Option(help="Also for this cloud, aws or gcp, with Terraform files; may be repeated.")
    ] = None,
    system: Annotated[
        str, typer.Option("--os", help="What its lowest image is: debian-12 or debian-13.")
    ] = project_clouds.DEBIAN_12,
    jenkins: Annotated[
        bool,
        typer.Option("--jenkins", help="Also a Jenkinsfile, steps and jobs for Jenkins; they alone, for a project."),
    ] = False,
) -> None:
    """Write a small working project: phoenix.yaml, a playbook, and a hello service with its way to a .deb.

    Nothing that exists is overwritten. The ports in phoenix.yaml are free ones.
    """
    session, clouds = session_of(ctx), cloud or []
    if jenkins:
        done = project.init_jenkins(directory, session.environment, clouds, system)
    else:
        done = project.init(directory, clouds, system)
    steps = _next_steps(directory, done, clouds) if done.ports else [_wrote(directory, done), "", "next:"]
    session.out.result(dump(done), "\n".join([*steps, *(_JENKINS if jenkins else ())]))


def _wrote(directory: Path, done: InitResult) -> str:
    return f"wrote {len(done.files)} files to {directory.absolute()}"


def _next_steps(directory: Path, done: InitResult, clouds: list[str]) -> list[str]:
    lines = [_wrote(directory, done), "", "next:"]
    if directory.absolute() != Path.cwd():
        lines.append(f"  cd {directory}")
    lines += [f"  phoenix stack apply network-{each}            # after a look at {PROJECT_FILE}" for each in clouds]
    return [
        *lines,
        "  phoenix doctor                             # is everything there?",
        "  phoenix bake foundation nodejs             # an OS image, then node.js on it",
        "  make -C hello deb VERSION=1.0.0",
        "  phoenix publish hello/hello_1.0.0_all.deb",
        "  phoenix roll web-tier                      # two machines behind a load balancer",
        f"  curl http://127.0.0.1:{done.ports['service']}/",
    ]
