"""``cell`` and ``cells`` with all their verbs, which are modules of their own."""

from __future__ import annotations

from aspire_tui.commands import (
    cell_accept,
    cell_bringup_check,
    cell_calibrate,
    cell_setup,
    cell_teach,
    cells_new,
    fault_verbs,
)
from aspire_tui.commands.cell_verbs import cell_app
from aspire_tui.commands.list_verbs import cells_app

__all__ = ["cell_app", "cells_app"]

cell_app.command("fault", cls=fault_verbs.FaultCommand)(fault_verbs.fault)
cell_app.command("check")(cell_bringup_check.check)
cell_app.command("calibrate")(cell_calibrate.calibrate)
cell_app.command("accept")(cell_accept.accept)
cell_app.command("setup")(cell_setup.setup)
cell_app.command("teach")(cell_teach.teach)
cells_app.command("new")(cells_new.new)
