"""Arms that already have a server of their own, behind the same seam as any other arm.

Those servers know no limits, no NaN, no watchdog and no keys: all of that is ours, on this side.
"""
