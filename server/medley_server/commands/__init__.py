"""The commands this part adds to `medley`; importing one of these modules is cheap."""
