"""The X requests, on a real X server."""
