"""The commands that call a server: `medley extract` and `medley chat`."""
