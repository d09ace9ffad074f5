"""Our own RFB server: damage wakes a viewer's thread, which grabs, encodes and hands over bytes.

`region` (what has changed), `known_pixels` (what the viewer has), `scrolling`, `pacing` (how much may
be on the way) and `policy` (JPEG or exact)
are pure. For each viewer `viewer_thread` has an X connection and the `encoder`, `session` the
stream and `outgoing` its bytes. For all viewers of a display there is one `inputs` (keys and
pointer), one `selections` (the clipboard) and one `resizes`.
"""
