"""The sidecar program, as a process."""
