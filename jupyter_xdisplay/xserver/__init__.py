"""Pure: what is asked and what is there → argv, environment and files. Nothing runs here."""
