"""`phoenix image`: the images there are, where they come from, whether they still prove good; and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix.cli.command import command, group_app
from phoenix.cli.output import table
from phoenix.cli.session import session_of

if TYPE_CHECKING:
    from datetime import datetime

    from phoenix.cli.wiring import Wiring
    from phoenix.model import Image

app = group_app("List, show, verify and delete images.")

Reference = Annotated[
    str, typer.Argument(metavar="REF", help="TYPE/NAME (newest verified), TYPE/NAME@KEYPREFIX, or the cloud's own id.")
]
CloudName = Annotated[str | None, typer.Option(metavar="C", help="Only this cloud; default: all of this version.")]


@command(app, "phoenix image list", "phoenix image list --type foundation --cloud local", name="list")
def list_images(
    ctx: typer.Context,
    image_type: Annotated[str | None, typer.Option("--type", metavar="T", help="os, foundation or immutable.")] = None,
    name: Annotated[str | None, typer.Option(metavar="N", help="Only images of this name.")] = None,
    cloud: CloudName = None,
) -> None:
    """List images, newest first."""
    from phoenix.cli.show import age
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    _check_type(image_type)
    users = _users(wiring, cloud)
    found = [i for i in _images(wiring, cloud) if image_type in (None, i.type) and name in (None, i.name)]
    now = wiring.clock.now()
    rows = [
        (
            i.ref,
            i.key[:12],
            i.parent or "-",
            age(i.created, now),
            _yes(i.verified),
            ", ".join(users.get(i.id, [])) or "-",
        )
        for i in found
    ]
    shown = table("ref", "key", "parent", "age", "verified", "in use by", rows=rows) if rows else "no images"
    session.out.result({"images": [_facts(i, users, now) for i in found]}, shown)


@command(app, "phoenix image show foundation/nodejs", "phoenix image show os/debian-12@1a2b --json")
def show(ctx: typer.Context, ref: Reference, cloud: CloudName = None) -> None:
    """Show everything that is known of one image: its manifest, tests and whereabouts."""
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    image = _pick(wiring, ref, cloud)
    facts = _facts(image, _users(wiring, cloud), wiring.clock.now())
    facts["tests"] = [{"name": t.name, "ok": t.ok, "output": t.output} for t in image.tests]
    facts["where"] = dict(wiring.cloud(image.cloud).images.whereabouts(image.id))
    plain = {key: value for key, value in facts.items() if not isinstance(value, list | dict)}
    lines = [f"{key}: {value}" for key, value in {**plain, **facts["where"]}.items() if value not in (None, "")]
    lines += [f"package: {p['name']} {p['version']}" for p in facts["packages"]]
    lines += [f"test {'ok' if t.ok else 'FAILED'}: {t.name}" for t in image.tests]
    session.out.result({"image": facts}, "\n".join(lines))


@command(app, "phoenix image lineage immutable/hello")
def lineage(ctx: typer.Context, ref: Reference, cloud: CloudName = None) -> None:
    """Show an image and what it was baked on, down to the lowest layer."""
    from phoenix.cli.show import age
    from phoenix.cli.wiring import Wiring

    session = session_of(ctx)
    wiring = Wiring(session)
    image: Image | None = _pick(wiring, ref, cloud)
    images = wiring.cloud(image.cloud).images if image else None
    users, now = _users(wiring, cloud), wiring.clock.now()
    chain: list[dict[str, Any]] = []
    lines: list[str] = []
    while image is not None and images is not None:
        chain.append(_facts(image, users, now))
        lines.append(f"{'  ' * len(lines)}{image.ref}  {image.id}  {age(image.created, now)}")
        below, image = image.parent, images.find(image.parent) if image.parent else None
        if below and image is None:
            chain.append({"id": below, "gone": True})
            lines.append(f"{'  ' * len(lines)}{below}  (deleted)")
    session.out.result({"lineage": chain}, "\n".join(lines))


@command(app, "phoenix image verify foundation/nodejs")
def verify(ctx: typer.Context, ref: Reference, cloud: CloudName = None) -> None:
    """Boot an image once more and run its tests; the image stays as it is."""
    from phoenix import names
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import ToolError
    from phoenix.spec.images import ImageName

    session = session_of(ctx)
    wiring = Wiring(session)
    image = _pick(wiring, ref, cloud)
    recipe = wiring.project.recipes.get(ImageName(type=image.type, name=image.name))
    logs = wiring.run_logs / names.run("verify", wiring.clock.now())
    logs.mkdir(parents=True)
    results = wiring.cloud(image.cloud).images.verify(
        image,
        recipe.tests if recipe else (),
        log=logs / "verification.log",
        say=session.out.say,
        between=lambda: None,
    )
    data = {"image": image.id, "tests": [{"name": t.name, "ok": t.ok, "output": t.output} for t in results]}
    shown = table("test", "", "output", rows=[(t.name, "ok" if t.ok else "FAILED", _line(t.output)) for t in results])
    failed = [t for t in results if not t.ok]
    if failed:
        session.out.evidence(data, shown)
        raise ToolError(
            f"{image.ref} failed {len(failed)} of {len(results)} tests",
            details="\n".join(f"{t.name}: {_line(t.output)}" for t in failed),
            resolution=f"See the machine's console in {logs}; bake the image again.",
        )
    session.out.result(data, shown)


@command(app, "phoenix image delete os/debian-12@1a2b --yes")
def delete(
    ctx: typer.Context,
    ref: Reference,
    cloud: CloudName = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would happen; change nothing.")] = False,
) -> None:
    """Delete an image. Refused while a group's machines start from it; images baked on it stay."""
    from phoenix.cli.wiring import Wiring
    from phoenix.errors import RefusedError

    session = session_of(ctx)
    wiring = Wiring(session)
    image = _pick(wiring, ref, cloud)
    users = _users(wiring, image.cloud).get(image.id, [])
    if users:
        raise RefusedError(
            f"{image.ref} is in use",
            details=f"machines of {', '.join(users)} start from it",
            resolution="Roll to another image, let the groups burn, then try again.",
        )
    data = {"deleted": image.id}
    if plan:
        session.out.result({"plan": data}, f"would delete {image.id}")
        return
    session.out.confirm(f"Delete {image.ref} ({image.id})?", assume_yes=yes)
    wiring.cloud(image.cloud).images.delete(image.id)
    session.out.result(data, f"deleted {image.id}")


def _check_type(image_type: str | None) -> None:
    from phoenix.errors import SpecError
    from phoenix.model import ImageType

    if image_type not in (None, *ImageType):
        raise SpecError(
            f"there is no image type '{image_type}'",
            details=f"accepted: {', '.join(ImageType)}",
            resolution="Name one of these.",
        )


def _clouds(wiring: Wiring, named: str | None) -> tuple[str, ...]:
    return (named,) if named else wiring.project.local_clouds()


def _images(wiring: Wiring, cloud: str | None) -> list[Image]:
    """The images of the clouds, newest first."""
    found = [image for name in _clouds(wiring, cloud) for image in wiring.cloud(name).images.list()]
    return sorted(found, key=lambda image: (image.created, image.id), reverse=True)


def _pick(wiring: Wiring, ref: str, cloud: str | None) -> Image:
    from phoenix.spec import refs

    return refs.pick(ref, _images(wiring, cloud), verified=False)


def _users(wiring: Wiring, cloud: str | None) -> dict[str, list[str]]:
    """The groups that start from each image, by its id."""
    users: dict[str, list[str]] = {}
    for name in _clouds(wiring, cloud):
        for group in wiring.cloud(name).groups.list():
            if group.release is not None:
                users.setdefault(group.release.image, []).append(group.name)
    return users


def _facts(image: Image, users: dict[str, list[str]], now: datetime) -> dict[str, Any]:
    from phoenix.clock import rfc3339

    return {
        "ref": image.ref,
        "id": image.id,
        "type": image.type,
        "name": image.name,
        "cloud": image.cloud,
        "key": image.key,
        "parent": image.parent,
        "created": rfc3339(image.created),
        "age": int((now - image.created).total_seconds()),
        "verified": image.verified,
        "builder": image.builder,
        "size": image.size,
        "commit": image.source.commit or None,
        "dirty": image.source.dirty,
        "packages": [{"name": p.name, "version": p.version, "sha256": p.sha256} for p in image.packages],
        "in_use_by": users.get(image.id, []),
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _line(output: str) -> str:
    return output.strip().splitlines()[-1][:80] if output.strip() else ""
