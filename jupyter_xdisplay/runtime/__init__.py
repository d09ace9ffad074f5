"""Where a sidecar runs. *What* runs (the X server kind) is never its business."""
