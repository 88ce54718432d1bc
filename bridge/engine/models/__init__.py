"""Models: what a folder holds, loading it safely, keeping it."""
