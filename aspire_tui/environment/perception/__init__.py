"""Finding and measuring things from pixels and depth alone. Imports no simulator and no driver."""
