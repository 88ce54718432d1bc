"""Which models there are: folders and files in the configured places and the hub's cache, told by JSON and headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.hub.cache import HUB_ID, cached_models, complete_snapshot, missing_from
from bridge.protocol.engine_link import AdapterSource, ModelSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import AdapterInfo, ModelInfo
from bridge.protocol.model_layout import INDEX_NAME
from bridge.protocol.tasks import ESTIMATED, GENERATIONS, Generation, Task

from .adapters import CataloguedAdapter, find_adapters, sources_for
from .catalogued import CataloguedModel, on_the_hub, unusable
from .embedding_names import with_tags
from .model_file import find_files, look_at, model_of
from .model_folder import read_folder

ALL_TASKS = tuple(str(getattr(task, "kind")) for task in GENERATIONS)  # noqa: B009 - not declared on the base


@dataclass(frozen=True)
class Needs:
    """What an engine needs for a task.

    Attributes:
        model: None when it needs none.
        adapters: every adapter that the task names.
        hub_id: what has to be downloaded first; empty when the model is here.
    """

    model: ModelSource | None = None
    adapters: tuple[AdapterSource, ...] = ()
    hub_id: str = ""


class Catalogue:
    """The models that clients may name. Nothing else is ever loaded.

    Args:
        models: folders, files and hub ids; the first is the default model.
        folders: folders whose subfolders and files are models.
        hub_cache: the cache of the hub; None for a machine without one.
    """

    def __init__(self, models: Iterable[str], folders: Iterable[Path], hub_cache: Path | None = None) -> None:
        self._named = tuple(models)
        self._folders = tuple(folders)
        self._hub_cache = hub_cache
        self._models: dict[str, CataloguedModel] = {}
        self._adapters: tuple[CataloguedAdapter, ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Look again. Models named on the command line come first, the first of them is the default."""
        named = {name: self._read_named(name) for name in self._named if not _names_a_file(name)}
        folders = [read_folder(child) for child in self._children() if (child / INDEX_NAME).is_file()]
        # Files take what they lack from a folder of their family, so the folders have to be known first.
        cached = [_read_cached(*each) for each in cached_models(self._hub_cache)] if self._hub_cache else []
        known = (*named.values(), *folders, *cached)
        files = [file for folder in self._folders for file in find_files(folder)]
        models = [named[name] if name in named else model_of(look_at(_path(name)), known) for name in self._named]
        models += [*folders, *(model_of(file, known) for file in files if file.adapter is None), *cached]
        found: dict[str, CataloguedModel] = {}
        for model in models:
            found.setdefault(model.info.id, model)
        self._models = found
        adapters = [file.adapter for file in files if file.adapter is not None]
        self._adapters = (*adapters, *(adapter for folder in self._folders for adapter in find_adapters(folder)))

    def _read_named(self, name: str) -> CataloguedModel:
        path = Path(name).expanduser()
        if path.is_dir():
            return read_folder(path.resolve())
        if HUB_ID.fullmatch(name):
            snapshot = self._hub_cache and complete_snapshot(self._hub_cache, name)
            return read_folder(snapshot, name) if snapshot else on_the_hub(name, ALL_TASKS)
        return unusable(name, path, f"{name} is neither a folder nor a file nor a hub id of the form owner/name.")

    def _children(self) -> Iterator[Path]:
        for folder in self._folders:
            yield from sorted(folder.iterdir()) if folder.is_dir() else []

    def adapters(self) -> tuple[AdapterInfo, ...]:
        """All adapters."""
        return tuple(adapter.info for adapter in self._adapters)

    def preprocessors(self) -> tuple[str, ...]:
        """Names of the models that make guiding pictures of ordinary ones."""
        known = (adapter.info for adapter in self._adapters)
        return tuple(info.id for info in known if info.type in ESTIMATED and not info.unusable)

    def needs_of(self, task: Task) -> Needs:
        """What a task needs. Raises `BridgeError` as `find_for` and `adapters_for`."""
        if not isinstance(task, Generation):
            return Needs()
        model = self.find_for(task)
        return Needs(model.source, self.adapters_for(task), model.hub_id)

    def adapters_for(self, task: Generation) -> tuple[AdapterSource, ...]:
        """Every adapter that a task names. Raises `BridgeError` (`unknown_adapter`, `model_unusable`)."""
        return sources_for(task, self._adapters)

    def spelled_out(self, task: Task) -> Task:
        """The task with tags for the embeddings that its prompts name plainly. Raises `BridgeError` as `find_for`."""
        if not isinstance(task, Generation):
            return task
        return with_tags(task, self.adapters(), self.find_for(task).info.family)

    def infos(self) -> tuple[ModelInfo, ...]:
        """All models, the default first."""
        return tuple(model.info for model in self._models.values())

    def find(self, model_id: str) -> CataloguedModel:
        """The model of this id; the default one for an empty id.

        Raises:
            BridgeError: `unknown_model` or `model_unusable`.
        """
        model = self._find(model_id)
        if model.hub_id or Path(model.source.location).exists():
            return model
        self.refresh()  # somebody has removed it; one of the hub is downloaded again
        return self._find(model_id)

    def _find(self, model_id: str) -> CataloguedModel:
        if not model_id and self._models:
            model = next(iter(self._models.values()))
        elif model_id in self._models:
            model = self._models[model_id]
        else:
            raise BridgeError(
                ErrorCode.UNKNOWN_MODEL,
                f"There is no model {model_id!r}." if model_id else "This daemon has no model.",
                hint="`latent-bridge models` lists them; `latent-bridge serve --model FOLDER` adds one.",
                field="task.model",
            )
        if model.info.unusable:
            raise BridgeError(
                ErrorCode.MODEL_UNUSABLE,
                f"Model {model.info.id} cannot be used: {model.info.unusable}",
                field="task.model",
            )
        return model

    def find_for(self, task: Generation) -> CataloguedModel:
        """The model for a task. Raises `BridgeError` as `find`, or `task_unsupported` when it cannot do it."""
        model = self.find(task.model)
        kind = kind_of(task)
        if kind not in model.info.tasks:
            able = [info.id for info in self.infos() if kind in info.tasks]
            raise BridgeError(
                ErrorCode.TASK_UNSUPPORTED,
                f"The model {model.info.id} cannot do {kind}; it does {', '.join(model.info.tasks)}.",
                hint=f"Take {' or '.join(able[:3])}." if able else "Add a model that can.",
                field="task.model",
            )
        return model


def _path(name: str) -> Path:
    return Path(name).expanduser().resolve()


def _names_a_file(name: str) -> bool:
    return _path(name).is_file()


def _read_cached(hub_id: str, snapshot: Path) -> CataloguedModel:
    """A model in the hub's cache, whoever downloaded it."""
    try:
        missing = missing_from(snapshot)
    except (BridgeError, OSError, ValueError) as error:
        return unusable(hub_id, snapshot, str(error))
    model = read_folder(snapshot, hub_id)
    if missing and not missing_from(snapshot, weights=False) and not model.info.unusable:
        lacks = f"only its settings are here, for files of its family; `latent-bridge pull {hub_id}` brings the rest."
        return replace(model, info=replace(model.info, unusable=lacks), settings_only=True)
    if missing:
        lacks = f"its {missing} is not here in safetensors; `latent-bridge pull {hub_id}` completes it, if the hub can."
        return unusable(hub_id, snapshot, lacks)
    return model


def kind_of(task: Task | Generation) -> str:
    """The wire name of a task."""
    return str(getattr(task, "kind", ""))
