"""Talking to an X server with xcffib. Every call blocks: call from a thread, never a loop."""
