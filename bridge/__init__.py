"""The bridge: one local daemon that owns the GPU and the diffusion models, and thin clients of it."""

__version__ = "0.1.0"
