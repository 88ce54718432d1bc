"""Live generation: canvases that are being painted, and the engine that keeps up with them."""
