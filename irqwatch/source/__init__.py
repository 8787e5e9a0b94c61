"""All reading of the host: /proc, /sys, and the probe's maps through its loader child."""
