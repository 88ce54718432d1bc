"""Every message of the conversation, defined once.

Validation, the JSON Schema, `docs/protocol.md` and other languages' types are derived from these dataclasses.
A `Request` is answered by exactly one `Reply` or `Error` with its `request_id`. A `JobEvent` comes unasked, to the
session that owns the job. Lasting events (notices, results, the end) are numbered from 1 within the job and stored
before they are sent, so that a client can name the last one it has and get the rest after any interruption; passing
ones (queue position, progress, previews) are told once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .errors import BridgeError, ErrorCode
from .fields import spec
from .pixels import Picture
from .tasks import Layer, Task

JOB_ID_PATTERN = r"[A-Za-z0-9_.:-]{1,64}"
SESSION_PATTERN = r"[A-Za-z0-9_-]{16,64}"

JobState = Literal["queued", "running", "finished", "failed", "cancelled"]
Stage = Literal["queued", "downloading", "loading", "encoding", "denoising", "decoding", "mapping", "finishing"]
Priority = Literal["interactive", "batch"]

FINAL_STATES: frozenset[str] = frozenset({"finished", "failed", "cancelled"})


@dataclass(frozen=True)
class ErrorInfo:
    """An error as it travels."""

    code: ErrorCode = spec("Stable code; see the list of codes.")
    message: str = spec("What happened, in the user's words.", max_length=8192)
    hint: str = spec("What to do about it.", default="", max_length=8192)
    field: str = spec("Dotted path of the offending field.", default="", max_length=256)

    @classmethod
    def of(cls, error: BridgeError) -> ErrorInfo:
        """The travelling form of an error, cut to the lengths that the wire allows."""
        return cls(error.code, error.message[:8192], error.hint[:8192], error.field[:256])

    def raised(self) -> BridgeError:
        """The error to raise at the other end."""
        return BridgeError(self.code, self.message, hint=self.hint, field=self.field)


@dataclass(frozen=True)
class Limits:
    """What the daemon accepts; exceeding one gets a named error and the connection lives on."""

    message_bytes: int = spec("Largest message.", default=512 << 20, ge=1 << 16, unit="bytes")
    pixels: int = spec("Most pixels of one picture, given or asked for.", default=8192 * 8192, ge=256, unit="px")
    steps: int = spec("Most denoising steps of a job.", default=150, ge=1)
    images: int = spec("Most images of a job.", default=16, ge=1)
    queued_jobs: int = spec("Most unfinished jobs of one session.", default=32, ge=1)


@dataclass(frozen=True)
class ModelInfo:
    """A model that the daemon can use, or the reason why it cannot."""

    id: str = spec("Name to give as `model`.", max_length=512)
    title: str = spec("Name for people.", default="", max_length=512)
    description: str = spec("A sentence on what it draws.", default="", max_length=2048)
    family: str = spec("Family of models that it belongs to, such as `sdxl`.", default="", max_length=64)
    tasks: tuple[str, ...] = spec("Tasks that it can do.", default=())
    native_size: int = spec("Side that it was trained for.", default=512, ge=8, le=16384, unit="px")
    size_multiple: int = spec("Sides are computed in multiples of this.", default=8, ge=1, le=256, unit="px")
    steps: int = spec("Recommended denoising steps.", default=20, ge=1, le=1000)
    guidance_scale: float = spec("Recommended guidance.", default=7.5, ge=0, le=50)
    unusable: str = spec("Why it cannot be used; empty when it can.", default="", max_length=2048)
    downloaded: bool = spec(
        "Whether it is on this machine. Otherwise the first job with it downloads it, and what is said of it here is "
        "not known yet.",
        default=True,
    )
    weights_bytes: int = spec("Size of its weights on disk; 0 when unknown.", default=0, ge=0, unit="bytes")


AdapterType = Literal[
    "lora", "embedding", "controlnet", "t2i-adapter", "ip-adapter", "depth", "pose", "segmentation", "detection"
]


@dataclass(frozen=True)
class AdapterInfo:
    """Something that changes how a model draws, or the reason why it cannot be used."""

    id: str = spec(
        "Name to give in `loras` or `controls`, to write in the prompt, or, of type `depth`, `pose` or `segmentation`, "
        "to give as `preprocess`. One of type `detection` finds the persons for poses.",
        max_length=512,
    )
    type: AdapterType = spec("What it is.")
    title: str = spec("Name for people.", default="", max_length=512)
    family: str = spec("Family of models that it fits; empty when unknown.", default="", max_length=64)
    triggers: tuple[str, ...] = spec("Words that it was trained to answer to.", default=(), max_length=64)
    unusable: str = spec("Why it cannot be used; empty when it can.", default="", max_length=2048)


@dataclass(frozen=True)
class JobSummary:
    """A line of the job list."""

    job_id: str = spec("The client's id.", pattern=JOB_ID_PATTERN)
    state: JobState = spec("Where the job stands.")
    task: str = spec("Which task it is.", max_length=64)
    prompt: str = spec("Its prompt.", default="", max_length=8192)
    created: float = spec("When it was submitted, seconds since the epoch.", default=0.0, ge=0, unit="s")
    images: int = spec("Images asked for.", default=1, ge=1)
    results: int = spec("Images stored.", default=0, ge=0)
    mine: bool = spec("Whether this session owns it.", default=False)
    error: ErrorInfo | None = spec("Why it failed.", default=None)


@dataclass(frozen=True, kw_only=True)
class Message:
    """Anything that is sent."""

    type: ClassVar[str] = ""
    shares_files: ClassVar[bool] = False
    """Whether its pictures may travel as files; see `pixel_files`."""
    reads_files: ClassVar[bool] = False
    """Whether the daemon needs their pixels itself, at once, instead of handing the files on."""


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """Client to daemon; gets one reply."""

    request_id: int = spec("Chosen by the client, returned in the reply.", ge=0, le=2**53)


@dataclass(frozen=True, kw_only=True)
class Reply(Message):
    """Daemon to client, in answer to the request of the same id."""

    request_id: int = spec("The id of the request.", ge=0, le=2**53)


@dataclass(frozen=True, kw_only=True)
class Hello(Request):
    """First message of a connection."""

    type: ClassVar[str] = "hello"

    versions: tuple[int, ...] = spec("Protocol versions that the client speaks.", max_length=16)
    client: str = spec("Program and version, for the logs.", default="", max_length=128)
    session: str = spec(
        "Secret chosen by the client. Whoever presents it again owns the same jobs.", pattern=SESSION_PATTERN
    )
    share_files: bool = spec("Whether the client may be on the daemon's machine; see Pictures.", default=False)
    encodings: tuple[str, ...] = spec(
        "Encodings of pixels that the client reads besides `raw`; see Pictures.", default=(), max_length=16
    )


@dataclass(frozen=True, kw_only=True)
class Welcome(Reply):
    """The daemon's capabilities. Clients build their controls from it."""

    type: ClassVar[str] = "welcome"

    version: int = spec("Protocol version of this conversation.", ge=1)
    daemon: str = spec("Program and version.", max_length=128)
    models: tuple[ModelInfo, ...] = spec("Models, the default first.", default=())
    tasks: dict[str, object] = spec("JSON Schema of every task's parameters, by its kind.", default_factory=dict)
    schedulers: tuple[str, ...] = spec("Names accepted as `scheduler`.", default=())
    adapters: tuple[AdapterInfo, ...] = spec("LoRAs, embeddings, ControlNets…", default=())
    preprocessors: tuple[str, ...] = spec("Names accepted as `preprocess` of a control.", default=())
    limits: Limits = spec("What is accepted.", default_factory=Limits)
    inbox: str = spec("Folder for the client's pictures; empty when no files are shared.", default="", max_length=4096)
    results: str = spec("Folder of the daemon's pictures; likewise.", default="", max_length=4096)
    encodings: tuple[str, ...] = spec(
        "Encodings of pixels that the daemon reads besides `raw`; see Pictures.", default=(), max_length=16
    )


@dataclass(frozen=True, kw_only=True)
class Received(Message):
    """Client to daemon: how much has arrived, so that the daemon learns how fast the link is. Gets no reply.

    Sent to daemons that read packed pixels, after every message of 16 KiB and more.
    """

    type: ClassVar[str] = "received"

    nbytes: int = spec("Sum of the sizes of all messages of this connection.", ge=0, le=2**53, unit="bytes")


@dataclass(frozen=True, kw_only=True)
class Submit(Request):
    """Queue a job. Submitting the same job again is harmless: the reply tells where it stands."""

    type: ClassVar[str] = "submit"
    shares_files: ClassVar[bool] = True

    job_id: str = spec("Chosen by the client, unique among all jobs of this daemon.", pattern=JOB_ID_PATTERN)
    task: Task = spec("What to do.")
    priority: Priority = spec("Interactive jobs go before batch jobs.", default="interactive")
    preview_side: int = spec("Longest side of step previews; 0 for none.", default=0, ge=0, le=1024, unit="px")


@dataclass(frozen=True, kw_only=True)
class JobStatus(Reply):
    """Where a job stands; the answer to `submit`, `attach` and `cancel`."""

    type: ClassVar[str] = "job_status"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    state: JobState = spec("Where it stands.")
    position: int = spec("Jobs before it in the queue.", default=0, ge=0)
    last_seq: int = spec("Number of its newest event.", default=0, ge=0)


@dataclass(frozen=True, kw_only=True)
class Attach(Request):
    """Ask for a job's events after the last one seen, stored results included; new ones follow."""

    type: ClassVar[str] = "attach"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    after: int = spec("Number of the last event that the client has.", default=0, ge=0)


@dataclass(frozen=True, kw_only=True)
class Cancel(Request):
    """Stop a job of this session. Takes effect within one denoising step; images already stored stay."""

    type: ClassVar[str] = "cancel"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)


@dataclass(frozen=True, kw_only=True)
class ListJobs(Request):
    """Ask for the newest jobs of all sessions."""

    type: ClassVar[str] = "list_jobs"

    limit: int = spec("How many.", default=50, ge=1, le=200)


@dataclass(frozen=True, kw_only=True)
class Jobs(Reply):
    """Newest first."""

    type: ClassVar[str] = "jobs"

    jobs: tuple[JobSummary, ...] = spec("The jobs.", default=(), max_length=200)


@dataclass(frozen=True, kw_only=True)
class FetchResult(Request):
    """Ask for one stored image of any job of this user."""

    type: ClassVar[str] = "fetch_result"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    index: int = spec("Which image, from 0.", default=0, ge=0)


@dataclass(frozen=True, kw_only=True)
class Result(Reply):
    """A stored image."""

    type: ClassVar[str] = "result"
    shares_files: ClassVar[bool] = True

    job: JobSummary = spec("The job that it belongs to.")
    index: int = spec("Which image.", default=0, ge=0)
    layer: Layer = spec("The image.")


@dataclass(frozen=True, kw_only=True)
class ListModels(Request):
    """Look for models again."""

    type: ClassVar[str] = "list_models"


@dataclass(frozen=True, kw_only=True)
class Models(Reply):
    """Models, the default first."""

    type: ClassVar[str] = "models"

    models: tuple[ModelInfo, ...] = spec("The models.", default=())
    adapters: tuple[AdapterInfo, ...] = spec("LoRAs, embeddings, ControlNets…", default=())


@dataclass(frozen=True, kw_only=True)
class Lend(Request):
    """Free the device for another program. Jobs wait until the time is over or the device is asked back.

    A job that runs is finished first. Lending again begins the time anew.
    """

    type: ClassVar[str] = "lend"

    seconds: float = spec("For how long; 0 asks it back at once.", default=600.0, ge=0, le=86400, unit="s")


@dataclass(frozen=True, kw_only=True)
class Lent(Reply):
    """The device is free now, or is the daemon's again."""

    type: ClassVar[str] = "lent"

    freed: int = spec("What models gave back.", default=0, ge=0, unit="bytes")
    seconds: float = spec("How long it stays lent.", default=0.0, ge=0, unit="s")


@dataclass(frozen=True, kw_only=True)
class Ping(Request):
    """Ask for the daemon's state; also measures the round trip."""

    type: ClassVar[str] = "ping"


@dataclass(frozen=True, kw_only=True)
class Pong(Reply):
    """The state of daemon and engine."""

    type: ClassVar[str] = "pong"

    uptime: float = spec("Since the daemon started.", default=0.0, ge=0, unit="s")
    engine: Literal["starting", "ready", "busy", "restarting", "stopped"] = spec("The engine.", default="starting")
    device: str = spec("Device of the engine, empty until it is known.", default="", max_length=256)
    memory_free: int = spec("Free memory of the device.", default=0, ge=0, unit="bytes")
    memory_total: int = spec("Memory of the device.", default=0, ge=0, unit="bytes")
    daemon_memory: int = spec("Resident memory of the daemon process.", default=0, ge=0, unit="bytes")
    engine_memory: int = spec("Resident memory of the engine process.", default=0, ge=0, unit="bytes")
    engine_pid: int = spec("Process id of the engine; 0 when it does not run.", default=0, ge=0)
    queued: int = spec("Jobs that wait.", default=0, ge=0)
    lent: float = spec("How long the device is still lent to another program.", default=0.0, ge=0, unit="s")


@dataclass(frozen=True, kw_only=True)
class Error(Reply):
    """A request was refused."""

    type: ClassVar[str] = "error"

    error: ErrorInfo = spec("Why.")


@dataclass(frozen=True, kw_only=True)
class Goodbye(Message):
    """The daemon closes the connection, and why. Not an answer to anything."""

    type: ClassVar[str] = "goodbye"

    error: ErrorInfo = spec("Why.")


@dataclass(frozen=True, kw_only=True)
class JobEvent(Message):
    """Something happened to a job."""

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    seq: int = spec(
        "Number of a lasting event within its job, from 1 and without gaps: after `attach`, events may come twice and "
        "late ones before early ones. A passing one carries that of the last lasting event.",
        ge=0,
    )


@dataclass(frozen=True, kw_only=True)
class JobQueued(JobEvent):
    """The job waits. Sent again when its position changes."""

    type: ClassVar[str] = "job_queued"

    position: int = spec("Jobs before it.", default=0, ge=0)
    lent: float = spec("It waits also for the device, which is lent to another program.", default=0.0, ge=0, unit="s")


@dataclass(frozen=True, kw_only=True)
class JobProgress(JobEvent):
    """The job runs, or its model is being downloaded while it waits."""

    type: ClassVar[str] = "job_progress"

    stage: Stage = spec("What is being done.")
    image: int = spec("Which image, from 0.", default=0, ge=0)
    step: int = spec("Denoising steps done.", default=0, ge=0)
    steps: int = spec("Denoising steps in all.", default=0, ge=0)
    fraction: float = spec("Of the whole job.", default=0.0, ge=0, le=1)
    eta: float | None = spec("Until the job ends, from measured step times.", default=None, ge=0, unit="s")
    bytes_done: int = spec("While downloading: what is here of the model.", default=0, ge=0, unit="bytes")
    bytes_total: int = spec("While downloading: what the model needs.", default=0, ge=0, unit="bytes")


@dataclass(frozen=True, kw_only=True)
class JobPreview(JobEvent):
    """A low-resolution look at the image so far. Dropped for slow readers, never resent."""

    type: ClassVar[str] = "job_preview"

    image: int = spec("Which image, from 0.", default=0, ge=0)
    step: int = spec("After this step.", default=0, ge=0)
    picture: Picture = spec("rgb8; stretch it over the result's rectangle.")


@dataclass(frozen=True, kw_only=True)
class JobNotice(JobEvent):
    """The job goes on, but not quite as asked: retried after a crash, computed with less memory…"""

    type: ClassVar[str] = "job_notice"

    notice: ErrorInfo = spec("What changed.")


@dataclass(frozen=True, kw_only=True)
class JobResult(JobEvent):
    """An image is done, and stored before this was sent."""

    type: ClassVar[str] = "job_result"
    shares_files: ClassVar[bool] = True

    index: int = spec("Which image, from 0.", default=0, ge=0)
    layer: Layer = spec("The image.")


@dataclass(frozen=True, kw_only=True)
class JobFinished(JobEvent):
    """All images are done."""

    type: ClassVar[str] = "job_finished"

    reason: Literal["done", "filtered"] = spec(
        "`filtered` when the safety filter held images back; a notice names each.", default="done"
    )
    timings: dict[str, object] = spec("Seconds spent, by stage.", default_factory=dict, unit="s")


@dataclass(frozen=True, kw_only=True)
class JobFailed(JobEvent):
    """The job ended without all of its images."""

    type: ClassVar[str] = "job_failed"

    error: ErrorInfo = spec("Why.")


@dataclass(frozen=True, kw_only=True)
class JobCancelled(JobEvent):
    """The job was cancelled by its owner."""

    type: ClassVar[str] = "job_cancelled"


LASTING_EVENTS: tuple[type[JobEvent], ...] = (JobNotice, JobResult, JobFinished, JobFailed, JobCancelled)
FINAL_EVENTS: tuple[type[JobEvent], ...] = (JobFinished, JobFailed, JobCancelled)

CLIENT_MESSAGES: tuple[type[Message], ...] = (
    Hello, Submit, Attach, Cancel, ListJobs, FetchResult, ListModels, Lend, Ping, Received,
)  # fmt: skip
DAEMON_MESSAGES: tuple[type[Message], ...] = (
    Welcome, JobStatus, Jobs, Result, Models, Lent, Pong, Error, Goodbye,
    JobQueued, JobProgress, JobPreview, JobNotice, JobResult, JobFinished, JobFailed, JobCancelled,
)  # fmt: skip
