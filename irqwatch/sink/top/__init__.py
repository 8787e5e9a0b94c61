"""``irqwatch top``: a View and the state of the screen in, lines of text out."""
