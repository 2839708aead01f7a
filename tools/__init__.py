"""Programs for those who work with the package: ``python -m tools.NAME``, in a clone's folder."""
