"""What this machine can do for a robot cell, and what would make it better.

``probes`` look at the machine, ``checks`` judge what was seen and touch nothing.
"""

from aspire_tui.doctor.report import Report, examine

__all__ = ["Report", "examine"]
