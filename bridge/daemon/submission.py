"""What tells one submission of a job from another, and what it fixes that the client left open."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace

from xxhash import xxh3_64

from bridge.protocol.engine_link import ModelSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import JobSummary, Submit
from bridge.protocol.pixels import Picture
from bridge.protocol.plain import to_plain
from bridge.protocol.shared_pixels import SharedPicture
from bridge.protocol.tasks import MAX_SEED, Generation, Task
from bridge.protocol.wire import describe_picture

from .catalogue import kind_of
from .history import JobRecord

CHUNK_BYTES = 1 << 18
"""A file is hashed in pieces that stay in the processor's cache."""


def fingerprint_of(task: Task) -> str:
    """Tells whether two submissions of one id are the same job. Blocks; call it in a thread for large pictures.

    A fast hash of the pixels suffices: nobody gains by cheating himself.
    """

    def describe(picture: Picture) -> dict[str, object]:
        return {**describe_picture(picture), "hash": _hash(picture)}

    plain = json.dumps(to_plain(task, describe), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def _hash(picture: Picture) -> str:
    if not isinstance(picture, SharedPicture):
        return xxh3_64(picture.pixels).hexdigest()
    # Read rather than viewed: a client that shortens its file must not end this process.
    running, piece = xxh3_64(), memoryview(bytearray(CHUNK_BYTES))
    try:
        with open(picture.folder / picture.name, "rb", buffering=0) as file:
            while count := file.readinto(piece):
                running.update(piece[:count])
    except OSError as error:
        raise BridgeError(ErrorCode.INVALID_FIELD, f"The picture's file cannot be read: {error}.") from error
    return running.hexdigest()


def settled(request: Submit, model: ModelSource | None) -> Task:
    """The task with its model named and its seed fixed, if it takes them.

    A seed that was left open depends on the job id alone: a retry, even tomorrow, gives the same images.
    """
    task = request.task
    if not isinstance(task, Generation):
        return task
    drawn = int.from_bytes(hashlib.sha256(request.job_id.encode()).digest()[:4], "little") & MAX_SEED
    return replace(task, model=model.id if model else task.model, seed=drawn if task.seed is None else task.seed)


def summary_of(request: Submit) -> JobSummary:
    """The line of a job that is queued now."""
    return JobSummary(
        job_id=request.job_id,
        state="queued",
        task=kind_of(request.task),
        prompt=request.task.prompt,
        created=time.time(),
        images=request.task.images,
    )


def check_same(known: JobRecord, owner: str, fingerprint: str) -> None:
    """Refuse another job under a known id. Raises `BridgeError` (`job_id_taken`)."""
    if not known.is_same(owner, fingerprint):
        raise BridgeError(
            ErrorCode.JOB_ID_TAKEN,
            f"Another job is called {known.summary.job_id} already.",
            hint="Choose a fresh random id for every job.",
            field="job_id",
        )
