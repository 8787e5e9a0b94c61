"""How a program is started that runs as whoever runs irqwatch, often root: nothing of the folder or
the environment that irqwatch was started with reaches it.

clang reads headers below the folder it runs in (of bcc ``./bcc/footer.h``) and where CPATH says,
the dynamic linker libraries where LD_LIBRARY_PATH says, bcc headers where BCC_KERNEL_SOURCE says.
Python is started with ``-I``, which leaves out its own variables and the user's packages.
"""

FOLDER = "/"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
