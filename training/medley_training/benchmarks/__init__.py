"""What each variant of a base costs to serve, with and without adapters: `medley bench`."""
