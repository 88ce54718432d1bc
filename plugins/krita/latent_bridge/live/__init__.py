# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as canvases that other programs share, and what a model makes of them while they are painted.

tiles.py       what differs between two states of a picture    pure
wishes.py      the fields as live settings, and how it goes    pure
watcher.py     what the user has painted                       a document
share.py       one document and its canvas                     a document and the bridge's client
sharing.py     all shared documents, and the timer             Qt and the host
session.py     live generation on the document in front        Qt and the host
recording.py   frames as files                                Qt
frames.py      frames as pictures of Qt                        Qt
overlay.py     a frame over the canvas itself                  Qt and the host
panel.py       the docker, with preview.py and canvas_list.py  Qt
"""
