"""The Jupyter server extension, in real Jupyter servers."""
