"""Which CPU each interrupt should run on, and how good that is. Pure."""
