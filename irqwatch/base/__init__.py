"""What every collector and engine is made of: counters, measures, folding, layouts. Pure."""
