"""The client's front: connect, submit, and one call for every task."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

from bridge.protocol.canvases import Canvases, CanvasInfo, CanvasLayer, ListCanvases, OpenCanvas
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import (
    AdapterInfo,
    Error,
    FetchResult,
    JobEvent,
    Jobs,
    JobSummary,
    Lend,
    Lent,
    ListJobs,
    ListModels,
    ModelInfo,
    Models,
    Ping,
    Pong,
    Priority,
    Reply,
    Request,
    Result,
    Welcome,
)
from bridge.protocol.tasks import (
    ImageToImage,
    Inpaint,
    Layer,
    Outpaint,
    SurfaceMap,
    SurfaceMaps,
    Task,
    TextToImage,
    Upscale,
)

from .canvas import Canvas, OnChange
from .core import ConnectionCallback, Core, closed_here
from .finding import Wanted
from .images import ImageLike, as_mask, as_picture
from .job import EventCallback, Job
from .link import Connection, ConnectionState, Link, LinkSettings, new_session

ReplyT = TypeVar("ReplyT", bound=Reply)

FETCH_SECONDS = 120.0
"""For the pixels of an image: 64 MiB over 10 Mbit/s take a minute. That nobody is there any more is noticed sooner."""
RUN_PARAMETERS = frozenset({"timeout", "on_event", "preview_side", "priority", "job_id"})


def connect(
    address: str | None = None,
    *,
    token: str | None = None,
    token_file: str | os.PathLike[str] | None = None,
    certificate: str | os.PathLike[str] | None = None,
    session: str | None = None,
    client_name: str = "latent-bridge client",
    timeout: float = 10.0,
    wait: bool = True,
    patience: float | None = None,
    on_connection: ConnectionCallback | None = None,
    settings: LinkSettings | None = None,
) -> Bridge:
    """Connect to the daemon.

    Args:
        address: `host:port` or a full address; None finds the running daemon of this user.
        token: the access token; None looks it up.
        token_file: where to look it up; None takes the daemon's usual place.
        certificate: for a `wss://` address a PEM file to trust besides the system's authorities: the daemon's own
            certificate, whatever name is in it, or the authority that signed it.
        session: secret of an earlier session, to own its jobs; None makes a new one. 16 to 64 of A-Z a-z 0-9 _ -.
        client_name: program and version, for the daemon's log.
        timeout: seconds for the first connection, and for every question that is answered at once.
        wait: False returns at once and keeps trying to connect; jobs submitted meanwhile are kept.
        patience: seconds without a connection after which jobs fail with `not_connected`; None never gives up.
        on_connection: told about every change of the connection, on the client's background thread.
        settings: times for keepalive and reconnecting.

    Raises:
        BridgeError: with `wait`: `not_connected`, `unauthorised`, `forbidden`, `untrusted`, `unsupported_version`;
            `invalid_field` for the field `address` or `certificate`.
    """
    bridge = Bridge(
        Wanted(address, token, token_file, certificate),
        session=session or new_session(),
        client_name=client_name,
        timeout=timeout,
        patience=patience,
        on_connection=on_connection,
        settings=settings or LinkSettings(open_timeout=timeout),
    )
    if wait:
        try:
            bridge.wait_connected(timeout)
        except BaseException:
            bridge.close()
            raise
    return bridge


class Bridge:
    """A connection to the daemon, which is opened again by itself whenever it is lost. See `connect`.

    Every method may be called from any thread. Callbacks run on the client's background thread, one at a time:
    they must be quick, and must not wait for the bridge (that raises `RuntimeError`).
    """

    def __init__(
        self,
        wanted: Wanted,
        *,
        session: str,
        client_name: str,
        timeout: float,
        patience: float | None,
        on_connection: ConnectionCallback | None,
        settings: LinkSettings,
    ) -> None:
        self.session = session
        self.timeout = timeout
        self._core = Core(patience, on_connection)
        self._link = Link(wanted.find, self._core, session=session, client=client_name, settings=settings)
        self._core.link = self._link
        self._link.start()

    def __enter__(self) -> Bridge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The connection.

    @property
    def connection(self) -> Connection:
        """Where the connection stands."""
        return self._core.connection

    @property
    def connected(self) -> bool:
        """Whether the daemon can be talked to right now."""
        return self.connection.state is ConnectionState.CONNECTED

    @property
    def welcome(self) -> Welcome:
        """What the daemon said of itself when the connection was last opened.

        Raises:
            BridgeError: `not_connected` when it never was.
        """
        welcome = self._core.welcome
        if welcome is None:
            raise self._core.reason()
        return welcome

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The daemon's models when the connection was last opened, the default first."""
        return self.welcome.models

    @property
    def adapters(self) -> tuple[AdapterInfo, ...]:
        """The daemon's LoRAs, embeddings and ControlNets when the connection was last opened."""
        return self.welcome.adapters

    def wait_connected(self, timeout: float | None = None) -> Welcome:
        """Wait for the connection.

        Raises:
            BridgeError: the reason, as soon as an attempt fails.
        """
        self._check_thread()
        with self._core.changed:
            self._core.changed.wait_for(
                lambda: self.connected or self.connection.error or self.connection.state is ConnectionState.CLOSED,
                timeout,
            )
            if not self.connected:
                raise self._core.reason()
        return self.welcome

    def retry(self) -> None:
        """Try to connect now instead of after the present pause."""
        self._link.retry()

    def close(self) -> None:
        """Close the connection for good. The daemon goes on with its jobs; waiting for them here fails."""
        self._link.close()

    # Jobs.

    def submit(
        self,
        task: Task,
        *,
        job_id: str | None = None,
        priority: Priority = "interactive",
        preview_side: int = 0,
        on_event: Callable[[Job, JobEvent], None] | None = None,
    ) -> Job:
        """Queue a job; returns at once. It survives losses of the connection and restarts of the daemon.

        Args:
            task: what to do. Its pixels are read later, so they must not be changed until the job has ended.
            job_id: unique among all jobs of the daemon; None draws one. The same id and task again is the same job.
            priority: interactive jobs go before batch jobs.
            preview_side: longest side of step previews in pixels, 0 for none.
            on_event: called with the job and each of its events, on the background thread.
        """
        job = self._job(job_id or uuid.uuid4().hex, task, priority, preview_side, on_event)
        self._post(lambda: self._core.book.add(job))
        return job

    def attach(self, job_id: str, *, on_event: EventCallback | None = None) -> Job:
        """Take up a job that was submitted earlier in the same session, by this program or a former run of it."""
        job = self._job(job_id, None, "interactive", 0, on_event)
        self._post(lambda: self._core.book.add(job, submitted=True))
        return job

    def _job(
        self, job_id: str, task: Task | None, priority: Priority, preview_side: int, on_event: EventCallback | None
    ) -> Job:
        return Job(
            job_id,
            task,
            priority=priority,
            preview_side=preview_side,
            on_event=on_event,
            cancel=self._cancel,
            check_thread=self._check_thread,
        )

    def _cancel(self, job: Job) -> None:
        self._link.post(lambda: self._core.book.cancel(job))

    # One call for every task. `parameters` are the fields of the task of that name in `bridge.protocol.tasks`.

    @overload
    def generate(self, prompt: str, *, images: Literal[1] = 1, **parameters: Any) -> Layer: ...
    @overload
    def generate(self, prompt: str, *, images: int, **parameters: Any) -> Layer | list[Layer]: ...
    def generate(self, prompt: str, *, images: int = 1, **parameters: Any) -> Layer | list[Layer]:
        """Make a picture from a prompt: `width`, `height`, `seed`, `steps`… see `TextToImage`.

        Returns one layer, or a list when `images` is more than 1. This and the other tasks also take `on_event` and
        `preview_side` as `submit` does, and `timeout` in seconds; a job that is not over by then is cancelled.

        Raises:
            BridgeError: the daemon's refusal, or why the job failed.
        """
        run, fields = _split(parameters)
        return self._run(TextToImage(prompt=prompt, images=images, **fields), **run)

    @overload
    def edit(self, image: ImageLike, prompt: str, *, images: Literal[1] = 1, **parameters: Any) -> Layer: ...
    @overload
    def edit(self, image: ImageLike, prompt: str, *, images: int, **parameters: Any) -> Layer | list[Layer]: ...
    def edit(self, image: ImageLike, prompt: str, *, images: int = 1, **parameters: Any) -> Layer | list[Layer]:
        """Change a whole picture towards a prompt: `strength`… see `ImageToImage` and `generate`."""
        run, fields = _split(parameters)
        task = ImageToImage(image=as_picture(image), prompt=prompt, images=images, **fields)
        return self._run(task, **run)

    @overload
    def inpaint(
        self, image: ImageLike, mask: ImageLike, prompt: str, *, images: Literal[1] = 1, **parameters: Any
    ) -> Layer: ...
    @overload
    def inpaint(
        self, image: ImageLike, mask: ImageLike, prompt: str, *, images: int, **parameters: Any
    ) -> Layer | list[Layer]: ...
    def inpaint(
        self, image: ImageLike, mask: ImageLike, prompt: str, *, images: int = 1, **parameters: Any
    ) -> Layer | list[Layer]:
        """Repaint the white part of the mask: `strength`, `feather`, `extent`… see `Inpaint` and `generate`."""
        run, fields = _split(parameters)
        task = Inpaint(image=as_picture(image), mask=as_mask(mask), prompt=prompt, images=images, **fields)
        return self._run(task, **run)

    @overload
    def outpaint(self, image: ImageLike, prompt: str, *, images: Literal[1] = 1, **parameters: Any) -> Layer: ...
    @overload
    def outpaint(self, image: ImageLike, prompt: str, *, images: int, **parameters: Any) -> Layer | list[Layer]: ...
    def outpaint(self, image: ImageLike, prompt: str, *, images: int = 1, **parameters: Any) -> Layer | list[Layer]:
        """Extend a picture by `left`, `top`, `right`, `bottom` pixels; see `Outpaint` and `generate`."""
        run, fields = _split(parameters)
        return self._run(Outpaint(image=as_picture(image), prompt=prompt, images=images, **fields), **run)

    @overload
    def upscale(self, image: ImageLike, prompt: str = "", *, images: Literal[1] = 1, **parameters: Any) -> Layer: ...
    @overload
    def upscale(self, image: ImageLike, prompt: str = "", *, images: int, **parameters: Any) -> Layer | list[Layer]: ...
    def upscale(self, image: ImageLike, prompt: str = "", *, images: int = 1, **parameters: Any) -> Layer | list[Layer]:
        """Enlarge a picture and paint the detail that it lacks: `scale`, `strength`… see `Upscale` and `generate`."""
        run, fields = _split(parameters)
        return self._run(Upscale(image=as_picture(image), prompt=prompt, images=images, **fields), **run)

    def surface_maps(self, image: ImageLike, **parameters: Any) -> dict[SurfaceMap, Layer]:
        """The other maps of a material whose base colour this is, by name: `maps`, `seamless`… see `SurfaceMaps`.

        `on_event` and `timeout` are taken as by `generate`.
        """
        run, fields = _split(parameters)
        task = SurfaceMaps(image=as_picture(image), **fields)
        return dict(zip(task.maps, self._layers(task, **run), strict=True))

    def _run(self, task: Task, **run: Any) -> Layer | list[Layer]:
        layers = self._layers(task, **run)
        return layers[0] if task.images == 1 else layers

    def _layers(self, task: Task, *, timeout: float | None = None, **submit: Any) -> list[Layer]:
        self._check_thread()
        job = self.submit(task, **submit)
        try:
            return job.result(timeout)
        except BaseException:
            job.cancel()
            raise

    # Canvases.

    def open_canvas(
        self,
        name: str,
        width: int = 0,
        height: int = 0,
        *,
        layers: Sequence[CanvasLayer] = (CanvasLayer("image"),),
        on_change: OnChange | None = None,
        timeout: float | None = None,
    ) -> Canvas:
        """Open a canvas and return when its pixels are here.

        Args:
            name: which one; programs that give the same name share it.
            width: of a new one, in pixels; an existing one keeps its size. 0 opens only what there is.
            height: likewise.
            layers: of a new one.
            on_change: called when others have changed it; see `Canvas.on_change`.
            timeout: seconds; None for the bridge's own.

        Raises:
            BridgeError: `unknown_canvas`, `too_many_pixels`, `timeout`, `not_connected`.
        """
        self._check_thread()
        wanted = OpenCanvas(request_id=0, canvas=name, width=width, height=height, layers=tuple(layers))
        canvas = Canvas(wanted, self._core.ask_now, self._link.post, self._core.next_id)
        canvas.on_change = on_change
        self._post(lambda: self._core.canvases.add(canvas))
        if not canvas.settle(self.timeout if timeout is None else timeout):
            canvas.close()
            raise canvas.error or self._core.late()
        return canvas

    def list_canvases(self) -> tuple[CanvasInfo, ...]:
        """All canvases of the daemon."""
        return self._ask(ListCanvases(request_id=self._core.next_id()), Canvases).canvases

    # Questions that are answered at once.

    def jobs(self, limit: int = 50) -> tuple[JobSummary, ...]:
        """The newest jobs of all sessions, newest first."""
        return self._ask(ListJobs(request_id=self._core.next_id(), limit=limit), Jobs).jobs

    def fetch(self, job_id: str, index: int = 0, *, timeout: float = FETCH_SECONDS) -> Result:
        """A stored image of any job.

        Args:
            job_id: the job.
            index: of the image, from 0.
            timeout: longest wait, seconds.

        Raises:
            BridgeError: `unknown_job`, `result_evicted`, `timeout`.
        """
        wanted = FetchResult(request_id=self._core.next_id(), job_id=job_id, index=index)
        return self._ask_within(timeout, wanted, Result)

    def list_models(self) -> tuple[ModelInfo, ...]:
        """Let the daemon look for models and adapters again; `models` and `adapters` then have them too."""
        return self._look_again().models

    def list_adapters(self) -> tuple[AdapterInfo, ...]:
        """Likewise for LoRAs, embeddings and ControlNets."""
        return self._look_again().adapters

    def _look_again(self) -> Models:
        found = self._ask(ListModels(request_id=self._core.next_id()), Models)
        self._link.post(lambda: self._core.set_models(found.models, found.adapters))
        return found

    def ping(self) -> Pong:
        """The state of daemon and engine."""
        return self._ask(Ping(request_id=self._core.next_id()), Pong)

    def lend(self, seconds: float = 600.0, *, timeout: float | None = None) -> Lent:
        """Free the device for another program and return when it is free; jobs wait until the time is over.

        Args:
            seconds: how long, from now, whatever was agreed before. 0 asks the device back.
            timeout: longest wait for the job that runs, seconds; None waits for as long as it takes.
        """
        return self._ask_within(timeout, Lend(request_id=self._core.next_id(), seconds=seconds), Lent)

    def _ask(self, request: Request, answer: type[ReplyT]) -> ReplyT:
        return self._ask_within(self.timeout, request, answer)

    def _ask_within(self, timeout: float | None, request: Request, answer: type[ReplyT]) -> ReplyT:
        self._check_thread()
        future: Future[Reply] = Future()
        self._post(lambda: self._core.ask(request, future.set_result, lasting=True))
        try:
            reply = future.result(timeout)
        except FutureTimeoutError:
            self._link.post(lambda: self._core.pending.forget(request.request_id))
            raise self._core.late() from None
        if isinstance(reply, Error):
            raise reply.error.raised()
        if not isinstance(reply, answer):
            raise BridgeError(
                ErrorCode.UNEXPECTED_MESSAGE, f"The daemon answered `{request.type}` with `{reply.type}`."
            )
        return reply

    def _post(self, action: Callable[[], None]) -> None:
        if not self._link.post(action):
            raise closed_here().raised()

    def _check_thread(self) -> None:
        if self._link.on_work_thread():
            raise RuntimeError("a callback of the bridge must not wait for the bridge: hand over to another thread")


def _split(parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keyword arguments for running a job, and those that are fields of its task."""
    run = {name: value for name, value in parameters.items() if name in RUN_PARAMETERS}
    return run, {name: value for name, value in parameters.items() if name not in RUN_PARAMETERS}
