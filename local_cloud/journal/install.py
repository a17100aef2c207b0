"""Puts the journal under MiniStack's services; called once, before MiniStack serves anything."""

from __future__ import annotations

import logging
from pathlib import Path

from local_cloud import journal
from local_cloud.journal import executions, log_groups, objects, space, tables, touched
from local_cloud.journal.recorder import Recorder
from local_cloud.journal.requests import Application, kept
from local_cloud.journal.restoring import Restored
from local_cloud.journal.store import NoSpaceLeft

logger = logging.getLogger("local_cloud.journal")

FOLDER = "journal"


class Recording:
    """The services of this process, kept in the journal of `state_dir`."""

    def __init__(self, state_dir: Path, *, services: Path) -> None:
        self._journal = journal.open_in(state_dir / FOLDER)
        self._reserve = space.hold(state_dir / FOLDER)
        touched.install()
        for module in (executions, log_groups, objects, tables):
            module.install()
        self._recorder = Recorder(self._journal, self._reserve)
        self._restored = Restored(self._journal, self._recorder, services=services)
        self._restored.install()

    def start(self) -> None:
        """Restore every service, and begin to look for what nobody announces; raises JournalDamaged."""
        self._restored.load()
        self._recorder.start()

    def around(self, application: Application) -> Application:
        """The application whose answers wait for the journal."""
        return kept(application, recorder=self._recorder, reserve=self._reserve)

    def stop(self) -> None:
        """Write what is left and close the journal."""
        try:
            self._recorder.stop()
        except NoSpaceLeft as error:
            logger.error("%s; what changed in the last moment and was not acknowledged is lost.", error)
        finally:
            self._journal.close()
