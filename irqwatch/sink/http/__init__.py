"""HTTP for ``irqwatch serve``: messages, pages, and the server between them and the sockets."""
