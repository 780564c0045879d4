"""Panes as pure functions: a :class:`~aspire_tui.tui.moment.Moment` in, styled lines out."""
