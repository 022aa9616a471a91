"""What becomes of a group that serves no more: labelled, its logs saved, deleted."""

from __future__ import annotations

from datetime import timedelta

from phoenix.clock import rfc3339
from phoenix.errors import PhoenixError
from phoenix.execute.engine import Context
from phoenix.execute.perform import guards
from phoenix.execute.perform.outcomes import Deleted, Kept, NotThere, Saved
from phoenix.execute.perform.world import World
from phoenix.plan.roll_actions import DeleteGroup, KeepGroup, SaveLogs
from phoenix.record.journal import Part


def keep(world: World, action: KeepGroup, context: Context) -> Kept | NotThere:
    """Write on the group until when it is kept, or take that off."""
    group = world.groups.find(action.group)
    if group is None:
        return NotThere(group="gone")
    if not group.made:
        return NotThere(group="phoenix did not make it")
    if group.keep_until is not None and not action.anew:
        return Kept(keep_until=rfc3339(group.keep_until))
    if action.seconds is not None:
        guards.not_routed(action.group, world.traffic.read(()).backend(action.group))
    until = None if action.seconds is None else world.clock.now() + timedelta(seconds=action.seconds)
    world.groups.label(action.group, keep_until=until)
    if until and action.seconds and world.abilities.autoscaler:  # at share 0 it would be made as small as it may be
        context.renew()
        world.groups.pin(action.group, until=until)
    return Kept(keep_until=rfc3339(until) if until else None)


def save_logs(world: World, action: SaveLogs, context: Context) -> Saved:
    """A best effort by design: logs must never stand in the way of the way back."""
    saved: list[str] = []
    try:
        group = world.groups.find(action.group)
        for instance in group.instances if group else ():
            for kind, text in world.groups.logs(instance.id).items():
                file = context.log_directory / f"{instance.id}.{kind}.log"
                file.write_text(text, encoding="utf-8")
                saved.append(file.name)
    except (PhoenixError, OSError) as error:
        context.say(f"not all logs of {action.group} could be saved: {error}")
        return Saved(files=tuple(saved), failed=str(error))
    return Saved(files=tuple(saved))


def delete(world: World, action: DeleteGroup, context: Context) -> Deleted:
    """Take the group off the balancer and end its machines, where that is this run's to do."""
    group = world.groups.find(action.group)
    backend = world.traffic.read(()).backend(action.group)
    guards.not_routed(action.group, backend)
    if group and (group.made or not action.adopt):
        guards.owned(group, world.project, world.service, world.environment)
        guards.expendable(group, context.run_id, committed=context.part is Part.CLEANUP)
    if backend:
        world.traffic.detach(action.group, between=context.renew)
    context.renew()
    world.groups.delete(action.group, adopt=action.adopt, between=context.renew)
    return Deleted(existed=group is not None)
