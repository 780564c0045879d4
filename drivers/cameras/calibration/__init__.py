"""Where a camera is, and what its lens is like, from pictures of a printed ChArUco board.

What needs OpenCV (extra ``vision``) imports it when called.
"""
