"""Every message that there is, and who may send it."""

from __future__ import annotations

from collections.abc import Mapping

from . import canvases, live, messages
from .messages import Message

CLIENT_MESSAGES: tuple[type[Message], ...] = messages.CLIENT_MESSAGES + canvases.CLIENT_MESSAGES + live.CLIENT_MESSAGES
DAEMON_MESSAGES: tuple[type[Message], ...] = messages.DAEMON_MESSAGES + canvases.DAEMON_MESSAGES + live.DAEMON_MESSAGES
MESSAGE_TYPES: Mapping[str, type[Message]] = {cls.type: cls for cls in CLIENT_MESSAGES + DAEMON_MESSAGES}
