# SPDX-License-Identifier: GPL-3.0-or-later
"""Unfinished jobs on disk, so that the next Blender can take them up where a former one ended. No bpy.

Every Blender writes a journal of its own, named after its process. The next one adopts the journal of a dead
process, and with it the session that owns the jobs.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from .jobs import Target
from .vendored import load_starter, locations, private_file


@dataclass(frozen=True)
class Entry:
    """A job that was submitted.

    Attributes:
        job_id: the job.
        title: for people.
        images: how many it makes.
        target: where they belong.
    """

    job_id: str
    title: str
    images: int
    target: Target


class Journal:
    """The jobs of one session.

    Attributes:
        session: the secret that owns them.
        entries: unfinished ones, by id.
    """

    def __init__(self, path: Path, session: str, entries: dict[str, Entry]) -> None:
        self.path = path
        self.session = session
        self.entries = entries

    @classmethod
    def open(cls, folder: Path | None = None) -> Journal:
        """Adopt the newest journal that a dead Blender left, or begin one."""
        folder = folder or locations.config_folder() / "blender"
        path = folder / f"jobs-{os.getpid()}.json"
        left = [file for file in folder.glob("jobs-*.json") if not _owner_lives(file)]
        for file in sorted(left, key=lambda file: file.stat().st_mtime, reverse=True):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                journal = cls._read(file, path)
                os.replace(file, path)
                return journal
        return cls(path, secrets.token_urlsafe(24), {})

    @classmethod
    def _read(cls, file: Path, path: Path) -> Journal:
        data = json.loads(file.read_text(encoding="utf-8"))
        entries = [
            Entry(str(job["job_id"]), str(job["title"]), int(job["images"]), Target.from_json(job["target"]))
            for job in data["jobs"]
        ]
        return cls(path, str(data["session"]), {entry.job_id: entry for entry in entries})

    def add(self, entry: Entry) -> None:
        """Note a job before it is sent."""
        self.entries[entry.job_id] = entry
        self._write()

    def move(self, job_id: str, target: Target) -> None:
        """A job's results belong elsewhere now."""
        if job_id in self.entries:
            self.add(replace(self.entries[job_id], target=target))

    def remove(self, job_id: str) -> None:
        """A job is dealt with."""
        if self.entries.pop(job_id, None) is not None:
            self._write()

    def _write(self) -> None:
        """Replace the file in one step. A folder that cannot be written costs the memory, not the job."""
        with contextlib.suppress(OSError):
            if not self.entries:
                self.path.unlink(missing_ok=True)
                return
            jobs = [
                {"job_id": entry.job_id, "title": entry.title, "images": entry.images, "target": entry.target.to_json()}
                for entry in self.entries.values()
            ]
            private_file.write_private(self.path, json.dumps({"session": self.session, "jobs": jobs}))


def _owner_lives(file: Path) -> bool:
    number = file.stem.rpartition("-")[2]
    return number.isdigit() and int(number) != os.getpid() and load_starter().is_alive(int(number))
