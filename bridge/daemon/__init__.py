"""The daemon: sessions, the job queue, history and the engine's keeper. One asyncio loop; never torch, never numpy."""
