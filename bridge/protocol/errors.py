"""Errors as data: a stable code, what happened, what to do about it, and the field that caused it."""

from __future__ import annotations

from enum import Enum


class ErrorCode(str, Enum):
    """Stable names that programs may test for. A code is never renamed or given a second meaning."""

    BAD_FRAME = "bad_frame"
    BAD_MESSAGE = "bad_message"
    UNEXPECTED_MESSAGE = "unexpected_message"
    UNSUPPORTED_VERSION = "unsupported_version"

    INVALID_FIELD = "invalid_field"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_ADAPTER = "unknown_adapter"
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_CANVAS = "unknown_canvas"
    NOT_OWNER = "not_owner"
    JOB_ID_TAKEN = "job_id_taken"

    MESSAGE_TOO_LARGE = "message_too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_STEPS = "too_many_steps"
    TOO_MANY_IMAGES = "too_many_images"
    QUEUE_FULL = "queue_full"

    MODEL_UNUSABLE = "model_unusable"
    UNSAFE_WEIGHTS = "unsafe_weights"
    DOWNLOAD_FAILED = "download_failed"
    TASK_UNSUPPORTED = "task_unsupported"
    OUT_OF_MEMORY = "out_of_memory"
    FILTERED = "filtered"
    ENGINE_CRASHED = "engine_crashed"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    RESULT_EVICTED = "result_evicted"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    INTERNAL = "internal"

    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    UNTRUSTED = "untrusted"
    NOT_CONNECTED = "not_connected"
    TIMEOUT = "timeout"


class BridgeError(Exception):
    """An error that a user may see.

    Attributes:
        code: what kind of error, stable across versions.
        message: what happened, in the user's words.
        hint: what to do about it; empty when there is nothing to suggest.
        field: dotted path of the offending field (`task.steps`); empty when no single field is to blame.
    """

    def __init__(self, code: ErrorCode, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.field = field

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ProtocolError(BridgeError):
    """The bytes received are not a frame of this protocol. The stream cannot be trusted any further."""


class InvalidMessage(ProtocolError):  # noqa: N818 - reads as what it is: an invalid message
    """A well-formed frame with a body that does not validate. The connection may live on.

    Attributes:
        request_id: the id of the refused request, so that the refusal can name it; None if it had none.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        hint: str = "",
        field: str = "",
        request_id: int | None = None,
    ) -> None:
        super().__init__(code, message, hint=hint, field=field)
        self.request_id = request_id
