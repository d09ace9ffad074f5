"""Real JupyterLab in a real Chromium."""
