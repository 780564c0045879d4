"""An emulated Feetech STS servo bus on a pseudo-terminal, in a process of its own.

It speaks bytes and knows physics. Nothing here is shared with ``drivers.feetech``: the same fault
in both would hide itself.
"""
