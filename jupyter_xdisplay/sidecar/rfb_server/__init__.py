"""Our own RFB server: damage wakes a viewer's thread, which grabs, encodes and hands over bytes.

`region` (what has changed), `pacing` (how much may be on the way) and `policy` (JPEG or exact)
are pure; `viewer_thread` has the X connection and the encoders, `session` has the stream.
"""
