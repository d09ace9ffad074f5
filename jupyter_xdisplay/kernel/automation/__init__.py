"""Windows from Python: look, click, type, wait, record."""
