"""A repository of `phoenix.yaml` in use: read by phoenix and machines, served, written by one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from phoenix.clock import Clock, rfc3339
from phoenix.debs import ARCHITECTURES, RepositoryState, version_key
from phoenix.errors import RefusedError
from phoenix.execute.ownership import this_process
from phoenix.model import Repository
from phoenix.plan.states import number_of
from phoenix.spec.repositories import RepositorySpec
from phoenix.tools import aptly, aptly_root, gpg, loopback, serve
from phoenix.tools.aptly import Aptly
from phoenix.tools.aptly_root import Root, locked

if TYPE_CHECKING:
    from phoenix.tools.apt_index import Entry
    from phoenix.tools.object_store import Objects

LOCK_DEADLINE = 600.0
"""Seconds to wait for other publications into the same root."""
UrlForMachines = Callable[[str], str]
"""A url as this computer reaches it -> as machines of a cloud reach it."""
LOCAL_MACHINES: UrlForMachines = loopback.machine_url
"""The same for machines of a local cloud, also where a project has none yet."""
OWN_KEY = "auto"
"""What `sign` says where phoenix makes the key."""
UNSIGNED = "none"
"""What `sign` says where the repository is deliberately unsigned."""


def root_of(spec: RepositorySpec) -> Root:
    """The root of the repository."""
    return Root(path=spec.root)


def repository_here(spec: RepositorySpec) -> Repository:
    """The repository as this computer reaches it. RefusedError before its first publication."""
    return Repository(
        name=spec.name,
        url=spec.url,
        distribution=spec.distribution,
        component=spec.component,
        key=_public_key(spec),
    )


def repository_to_read(spec: RepositorySpec) -> Repository:
    """The repository as this process can read it now, for who decides and starts nothing.

    One that phoenix serves on this computer, and that nothing serves at the moment (after `phoenix down` or a reboot),
    is read where it lies. RefusedError before its first publication.
    """
    here, root = repository_here(spec), root_of(spec)
    lies_here = loopback.is_loopback(spec.url) and (root.public / "dists" / spec.distribution).is_dir()
    if lies_here and serve.find(root) is None:
        return replace(here, url=root.public.absolute().as_uri())
    return here


def repository_for_machines(spec: RepositorySpec, cloud: str, reached: UrlForMachines) -> Repository:
    """The repository as machines of the cloud of that name reach it (`Cloud.url_for_machines`).

    RefusedError before its first publication, and where they cannot reach it.
    """
    here = repository_here(spec)
    return Repository(
        name=here.name,
        url=reached(spec.url_for(cloud)),
        distribution=here.distribution,
        component=here.component,
        key=here.key,
        keys=gpg.fingerprints_of(here.key) if here.key else (),
    )


def shown_at(spec: RepositorySpec) -> tuple[Repository, ...]:
    """The repository at every place where this computer sees what machines see: its url, and that of its bucket."""
    here = repository_here(spec)
    if not spec.bucket or not loopback.is_loopback(spec.url):
        return (here,)
    others = sorted({url for url in spec.urls.values() if not loopback.is_loopback(url)})
    return (here, *(replace(here, url=url) for url in others))


def ensure_served(spec: RepositorySpec, *, clock: Clock, say: Callable[[str], None]) -> None:
    """See that machines can reach the repository: where its url is on this computer, phoenix serves it.

    RefusedError where another program has the port, or the root cannot be used.
    """
    if loopback.is_loopback(spec.url):
        root = root_of(spec)
        root.prepare()
        serve.ensure(root, spec.url, clock=clock, say=say)


def visible(spec: RepositorySpec) -> tuple[Entry, ...]:
    """The packages that machines see in the repository, by name, of each the newest version first."""
    from phoenix.tools import apt_index

    shown = apt_index.entries(repository_to_read(spec))
    newest = sorted(shown, key=lambda found: version_key(found.deb.version), reverse=True)
    return tuple(sorted(newest, key=lambda found: found.deb.name))


def server_of(spec: RepositorySpec) -> int | None:
    """The process that serves the repository on this computer, or None."""
    server = serve.find(root_of(spec)) if is_loopback(spec.url) else None
    return server.process.pid if server else None


def stop_serving(spec: RepositorySpec) -> None:
    """End the process that serves the repository on this computer, if there is one."""
    serve.stop(root_of(spec))


def is_loopback(url: str) -> bool:
    """Whether the url leads to this computer, so that phoenix serves it."""
    return loopback.is_loopback(url)


def machine_url(url: str) -> str:
    """The url as machines of the local cloud reach it."""
    return loopback.machine_url(url)


def _public_key(spec: RepositorySpec) -> str:
    if spec.sign == UNSIGNED:
        return ""
    try:
        return root_of(spec).key.read_text()
    except FileNotFoundError as error:
        if is_elsewhere(spec):
            return _key_of_elsewhere(spec)
        raise RefusedError(
            f"nothing was ever published to the repository '{spec.name}'",
            details=f"{spec.root} has no public key yet",
            resolution="Publish a package: `phoenix publish FILE.deb`.",
        ) from error
    except OSError as error:
        raise root_of(spec).unusable(error) from error


def is_elsewhere(spec: RepositorySpec) -> bool:
    """Whether another machine keeps the repository: its url does not lead here, and its root is not here."""
    return not loopback.is_loopback(spec.url) and not spec.root.is_dir()


def _key_of_elsewhere(spec: RepositorySpec) -> str:
    """The public key as the repository's machine serves it, where nobody can have put another in its place."""
    if not spec.url.startswith("https://"):
        raise RefusedError(
            f"the key of the repository '{spec.name}' is not on this machine",
            details=f"{root_of(spec).key} is not there, and anybody on the way could change what {spec.url} says",
            resolution=f"Copy key.asc of the repository's machine to {root_of(spec).key}, or give it an https url.",
        )
    from phoenix.tools import apt_index

    return apt_index.read(f"{spec.url}/{root_of(spec).key.name}")


class Writer:
    """The right to write to one repository, and its aptly, opened when it is first needed.

    After anything went wrong `drop` ends that aptly: it may still be at work on an interrupted request, and two
    at a time lose packages. The next use opens a fresh one.
    """

    def __init__(
        self,
        spec: RepositorySpec,
        *,
        clock: Clock,
        say: Callable[[str], None],
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`environment`: where the credentials of a bucket are looked for."""
        self.spec = spec
        self._environment = environment
        self.root = root_of(spec)
        self._clock = clock
        self._say = say
        self._held = False
        self._open: Aptly | None = None
        self._lent = False
        """Whether the reserve was given away, so that aptly could be opened."""
        self._renew: Callable[[], None] | None = None
        self._stack = ExitStack()

    @contextmanager
    def held(self, *, deadline: float = LOCK_DEADLINE) -> Iterator[None]:
        """Hold the root's lock; inside of another `held` of this writer it is held already.

        Waits at most `deadline` seconds for another process, telling who it is; then RefusedError.
        """
        if self._held:
            yield
            return
        self._refuse_elsewhere()
        with locked(self.root, "write", holder=self._holder(), clock=self._clock, deadline=deadline, say=self._say):
            self._held = True
            try:
                yield
            finally:
                self.drop()
                self._held = False

    @property
    def aptly(self) -> Aptly:
        """The repository's aptly, running. Only while the lock is held."""
        assert self._held, "the lock comes first"
        if self._open is None:
            if aptly_root.is_full(self.root):
                self.root.reserve.unlink(missing_ok=True)  # so that pruning, which gives room back, has some
                self._lent = True
            own_key = self.spec.sign == OWN_KEY
            opening = aptly.opened(self.root, own_key=own_key, clock=self._clock, between=self._between)
            self._open = self._stack.enter_context(opening)
        return self._open

    @contextmanager
    def kept_by(self, renew: Callable[[], None]) -> Iterator[None]:
        """Have `renew` called while aptly works: it keeps the lease of the run that this work is part of."""
        self._renew = renew
        try:
            yield
        finally:
            self._renew = None

    def _between(self) -> None:
        if self._renew is not None:
            self._renew()

    @cached_property
    def objects(self) -> Objects | None:
        """The bucket that shows the repository; None where a web server shows it."""
        if not self.spec.bucket:
            return None
        from phoenix.execute import bucket  # obstore is dear, and few repositories have a bucket

        return bucket.opened(self.spec, self._environment)

    def claim(self) -> None:
        """See that the place in the bucket, if there is one, is the root's. RefusedError where it is another's."""
        if self.objects is None:
            return
        from phoenix.execute import bucket

        bucket.claim(self.objects, self.root)

    def behind(self) -> bool:
        """Whether the bucket, if there is one, shows something else than the root."""
        if self.objects is None:
            return False
        from phoenix.execute import bucket

        return bucket.behind(self.objects, self.root, self.spec.distribution)

    def show_in_bucket(self, between: Callable[[], None], say: Callable[[str], None]) -> None:
        """Make the bucket, if there is one, show what the root does; `between` keeps the caller's lease meanwhile."""
        if self.objects is None:
            return
        from phoenix.execute import bucket

        bucket.claim(self.objects, self.root)  # whoever goes on with a run of another process has not done so
        now, name = self._clock.now(), self.spec.distribution
        written = bucket.show(self.objects, self.root, name, now=now, between=between, say=say)
        say(f"{written} files were written to {self.objects.place}")

    def drop(self) -> None:
        """End the aptly, if there is one. The next one on a full disk needs the reserve that this one was lent."""
        self._open = None
        self._stack.close()
        if self._lent:
            aptly_root.take_back_reserve(self.root)
            self._lent = False

    def state(self, *, bucket: bool = True) -> RepositoryState:
        """What is in the repository and what machines see of it, freshly read; `bucket`: also whether that is behind.

        RefusedError where the distribution is published by another repository, or the database has forgotten it.
        """
        if not self.root.database.exists():
            self._refuse_elsewhere()
            self._refuse_forgotten(())
            return RepositoryState()
        published = self.aptly.published(self.spec.distribution)
        if published is None:
            self._refuse_forgotten(self.aptly.snapshots())
        if published is not None and not self._is_ours(published):
            raise RefusedError(
                f"'{self.spec.distribution}' in {self.spec.root} is published by somebody else",
                details=f"it shows aptly's snapshot {published}, which is not of the repository '{self.spec.name}'",
                resolution="Give each repository in phoenix.yaml a `root` of its own.",
            )
        return RepositoryState(
            packages=self.aptly.packages(self.spec.name),
            snapshots=self.aptly.snapshots(),
            published=published,
            visible=self.aptly.snapshot(published) if published else (),
            signed=self.root.key.exists(),
            architectures=self.aptly.architectures(self.spec.distribution) or ARCHITECTURES,
            behind=bucket and published is not None and self.behind(),
        )

    def _refuse_elsewhere(self) -> None:
        """The repository of another machine is not begun anew on this one."""
        if loopback.is_loopback(self.spec.url):
            return
        if is_elsewhere(self.spec):
            raise RefusedError(
                f"the repository '{self.spec.name}' is not on this machine",
                details=f"its root {self.spec.root} is not here; it is served at {self.spec.url}",
                resolution="Say it on the repository's machine (Jenkins: give that stage its label). To make this one"
                f" its machine: mkdir -p {self.spec.root}, and let a web server show {self.root.public}.",
            )
        shown = serve.identity_at(self.spec.url)
        mine = self.root.identity.read_text().strip() if self.root.identity.exists() else None
        if shown is not None and shown != mine:
            raise RefusedError(
                f"{self.spec.url} shows another repository than {self.spec.root}",
                details=f"there it is {shown}, here {mine or 'none yet'}",
                resolution="Say it on the repository's machine, or correct `root` or `url` in phoenix.yaml.",
            )

    def _refuse_forgotten(self, snapshots: tuple[str, ...]) -> None:
        """Going on without the database would take away from machines whatever was published before."""
        shown = self.root.public / "dists" / self.spec.distribution / "Release"
        if shown.exists() and not any(self._is_ours(name) for name in snapshots):
            raise RefusedError(
                f"the repository '{self.spec.name}' has lost its database",
                details=f"{shown} is there, and aptly knows nothing of it",
                resolution=f"Restore {self.root.database} from a backup, or begin anew: remove {self.spec.root}.",
            )

    def _is_ours(self, snapshot: str) -> bool:
        return number_of(self.spec.name, snapshot) is not None

    def _holder(self) -> str:
        me = this_process(0)
        return f"{me.who} on {me.host} (process {me.pid}, since {rfc3339(self._clock.now())})"
