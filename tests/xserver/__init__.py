"""Command lines and files."""
