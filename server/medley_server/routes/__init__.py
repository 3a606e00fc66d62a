"""The registry over HTTP: one file per thing, each route one call of the registry."""
