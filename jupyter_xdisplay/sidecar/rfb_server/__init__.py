"""Our own RFB server: damage wakes a viewer's thread, which grabs, encodes and hands over bytes.

Pure are `region` (what has changed), `known_pixels` (what the viewer has), `scrolling`, `policy`
(JPEG or exact) and `pacing` (how much may be on the way). For each viewer `viewer_thread` has an X
connection and the `encoder`, `session` the stream and `outgoing` its bytes. For all viewers of a
display there is one `inputs` (keys and pointer), one `selections` (the clipboard) and one
`resizes`.
"""
