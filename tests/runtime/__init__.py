"""Local sidecars and their manager."""
