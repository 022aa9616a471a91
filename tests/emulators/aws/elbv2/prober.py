"""Health checks by real requests, again and again in the background, as a balancer sends them."""

from __future__ import annotations

import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from tests.emulators.aws.account import Account

AT_ONCE = 16


class Prober:
    """Asks the machines behind all targets of target groups that are in use, every `settings.probe` REAL seconds."""

    def __init__(self, account: Account, lock: AbstractContextManager[object]) -> None:
        self._account = account
        self._lock = lock
        self._pool = ThreadPoolExecutor(AT_ONCE)

    def start(self) -> None:
        """Ask from now on, until the process ends."""
        threading.Thread(target=self._for_ever, daemon=True).start()

    def _for_ever(self) -> None:
        while True:
            try:
                self.round()
            except Exception:
                traceback.print_exc()  # a test that waits for a health sees why it does not come
            time.sleep(self._account.emulated.settings.probe)

    def round(self) -> None:
        """Ask all of them once; nobody waits for it."""
        targets, machines = self._account.targets, self._account.emulated.machines
        with self._lock:
            self._account.look()
            asked = [
                (arn, target, targets.check(arn, target), targets.told(target.id)) for arn, target in targets.to_check()
            ]
        answers = self._pool.map(lambda one: one[3] or machines.probe(one[1].id, one[2]), asked)
        found = list(zip(asked, answers, strict=True))
        with self._lock:
            for (arn, target, _check, _told), probed in found:
                targets.checked(arn, target, probed)
            self._account.look()
