/* Stand-in: bcc includes this file, the probe needs nothing of it. */
