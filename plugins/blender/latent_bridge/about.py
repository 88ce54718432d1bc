# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on calls itself. Blender removes `bl_info` from extensions, so nothing of ours can read it there."""

VERSION = "0.1.0"
CLIENT_NAME = f"Blender add-on {VERSION}"
