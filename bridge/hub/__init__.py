"""Models from a hub: a process that downloads them, and where they lie afterwards. Only that process talks to a hub."""
