"""The language of the bridge: frames, messages, pixel formats and error codes.

Standard library and msgpack only, Python 3.10+. Nothing in this package opens a socket; the one module that
touches the file system is `shared_pixels`, which the daemon and its engine use to hand pixels over.
"""

PROTOCOL_VERSION = 1
"""The newest version of the conversation (messages and their meaning) that this package speaks."""
