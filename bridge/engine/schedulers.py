"""Schedulers by alias or diffusers class name. Every job gets an object of its own."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import diffusers
from diffusers import ConfigMixin, SchedulerMixin

from bridge.protocol.errors import BridgeError, ErrorCode


@dataclass(frozen=True)
class SchedulerChoice:
    """A diffusers class with what is to differ from the model's own configuration."""

    class_name: str
    overrides: Mapping[str, Any] = field(default_factory=dict)


_KARRAS = {"use_karras_sigmas": True}
ALIASES: Mapping[str, SchedulerChoice] = {
    "ddim": SchedulerChoice("DDIMScheduler"),
    "ddpm": SchedulerChoice("DDPMScheduler"),
    "deis": SchedulerChoice("DEISMultistepScheduler"),
    "dpmpp_2m": SchedulerChoice("DPMSolverMultistepScheduler"),
    "dpmpp_2m_karras": SchedulerChoice("DPMSolverMultistepScheduler", _KARRAS),
    "dpmpp_2m_sde": SchedulerChoice("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_2m_sde_karras": SchedulerChoice(
        "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", **_KARRAS}
    ),
    "dpmpp_2s": SchedulerChoice("DPMSolverSinglestepScheduler"),
    "euler": SchedulerChoice("EulerDiscreteScheduler"),
    "euler_a": SchedulerChoice("EulerAncestralDiscreteScheduler"),
    "euler_karras": SchedulerChoice("EulerDiscreteScheduler", _KARRAS),
    "flow_euler": SchedulerChoice("FlowMatchEulerDiscreteScheduler"),
    "flow_heun": SchedulerChoice("FlowMatchHeunDiscreteScheduler"),
    "heun": SchedulerChoice("HeunDiscreteScheduler"),
    "lcm": SchedulerChoice("LCMScheduler"),
    "pndm": SchedulerChoice("PNDMScheduler"),
    "tcd": SchedulerChoice("TCDScheduler"),
    "unipc": SchedulerChoice("UniPCMultistepScheduler"),
}


def scheduler_names() -> tuple[str, ...]:
    """Every name accepted: aliases, then the class names behind them."""
    return (*ALIASES, *sorted({choice.class_name for choice in ALIASES.values()}))


def make_scheduler(name: str, own: Any) -> Any:
    """A fresh scheduler for one job.

    Args:
        name: an alias, a diffusers class name, or "" for the model's own kind.
        own: the model's scheduler; it is only read.

    Raises:
        BridgeError: `invalid_field` when the name is unknown or the scheduler does not fit the model.
    """
    if not name:
        return type(own).from_config(own.config)
    choice = ALIASES.get(name) or SchedulerChoice(name)
    cls: Any = getattr(diffusers, choice.class_name, None)
    if not _is_scheduler(cls):
        raise _refused(f"There is no scheduler {name!r}.", f"Known are {', '.join(ALIASES)}.")
    if not _fits(choice, own):
        kind = "flow matching" if is_flow(own) or _predicts_flow(own) else "noise prediction"
        fitting = [alias for alias, other in ALIASES.items() if _fits(other, own)]
        raise _refused(
            f"The scheduler {name!r} does not fit this model, which was trained by {kind}.",
            f"Leave it empty for the model's own, or take one of {', '.join(fitting)}.",
        )
    try:
        return cls.from_config({**own.config, **choice.overrides})
    except (ImportError, ValueError, NotImplementedError, TypeError) as error:
        raise _refused(f"The scheduler {name!r} cannot be used with this model: {error}", "") from error


class Schedulers:
    """Schedulers for the jobs of one model.

    One of each name is built and kept as a pattern: building takes diffusers four times as long as copying.

    Args:
        own: the model's scheduler; it is only read.
        only: names that its pipelines work with; empty for all that fit `own`.
    """

    def __init__(self, own: Any, only: Sequence[str] = ()) -> None:
        self._own = own
        self._only = only
        self._patterns: dict[str, Any] = {}
        self._possible: set[tuple[str, int]] = set()

    def fresh(self, name: str) -> Any:
        """A scheduler for one job; see `make_scheduler`."""
        made = copy.deepcopy(self._pattern(name))
        made.set_timesteps = _within_its_means(made)
        return made

    def check_steps(self, name: str, steps: int) -> None:
        """Refuse a number of steps that the scheduler called `name` cannot divide its time into.

        Raises:
            BridgeError: `invalid_field` for `task.steps`, or as `make_scheduler`.
        """
        if (name, steps) not in self._possible:
            _check_steps(self.fresh(name), steps)
            self._possible.add((name, steps))

    def _pattern(self, name: str) -> Any:
        if name not in self._patterns:
            if name and self._only and _class_of(name) not in map(_class_of, self._only):
                message = f"The scheduler {name!r} does not fit this kind of model."
                raise _refused(message, f"Leave it empty, or take {', '.join(self._only)}.")
            self._patterns[name] = make_scheduler(name, self._own)
        return self._patterns[name]


def _check_steps(scheduler: Any, steps: int) -> None:
    if is_flow(scheduler):
        return  # Continuous time takes any number.
    trained = int(scheduler.config.get("num_train_timesteps", 1000))
    problem = f"this model was trained with {trained} steps" if steps >= trained else ""
    try:
        if not problem:
            scheduler.set_timesteps(steps)
    except (ValueError, IndexError, RuntimeError) as error:
        problem = str(error)
    if problem:
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"{steps} steps are not possible with {type(scheduler).__name__}: {problem}",
            hint="Take fewer steps, or another scheduler.",
            field="task.steps",
        )


def _class_of(name: str) -> str:
    return ALIASES[name].class_name if name in ALIASES else name


def _within_its_means(scheduler: Any) -> Callable[..., None]:
    """Its `set_timesteps`, which says in words when a pipeline asks for times that it cannot make."""
    original = scheduler.set_timesteps
    known = inspect.signature(original).parameters
    if "sigmas" in known:
        return original  # type: ignore[no-any-return]  # diffusers is not typed

    # The name `sigmas` is what pipelines look for, before they refuse in words for programmers.
    def set_timesteps(num_inference_steps: Any = None, device: Any = None, *, sigmas: Any = None, **more: Any) -> None:
        asked = {"num_inference_steps": num_inference_steps, "device": device, **more}
        if sigmas is not None or not asked.keys() <= known.keys():
            raise _refused(
                f"This model chooses the times of its steps itself, which {type(scheduler).__name__} cannot make.",
                "Leave the scheduler empty for the model's own.",
            )
        original(**asked)

    accepted = [*known.values(), inspect.Parameter("sigmas", inspect.Parameter.KEYWORD_ONLY, default=None)]
    set_timesteps.__signature__ = inspect.Signature(accepted)  # type: ignore[attr-defined]  # any function has one
    return set_timesteps


def _fits(choice: SchedulerChoice, own: Any) -> bool:
    """Whether a scheduler of this kind can denoise what a model with `own` predicts."""
    cls = getattr(diffusers, choice.class_name)
    if is_flow(cls) != is_flow(own):
        return False
    if not _predicts_flow(own):
        return True
    takes_flow = "use_flow_sigmas" in inspect.signature(cls.__init__).parameters
    return takes_flow and not choice.overrides.get("use_karras_sigmas")  # These are for noise without end.


def _predicts_flow(own: Any) -> bool:
    """Whether a model of flow matching comes with a scheduler that was made for noise prediction, too."""
    return bool(own.config.get("prediction_type") == "flow_prediction")


def _is_scheduler(found: Any) -> bool:
    return inspect.isclass(found) and issubclass(found, SchedulerMixin) and issubclass(found, ConfigMixin)


def is_flow(scheduler: Any) -> bool:
    """Whether a scheduler (object or class) is one of flow matching."""
    name = scheduler.__name__ if inspect.isclass(scheduler) else type(scheduler).__name__
    return name.startswith("FlowMatch")


def _refused(message: str, hint: str) -> BridgeError:
    return BridgeError(ErrorCode.INVALID_FIELD, message, hint=hint, field="task.scheduler")
