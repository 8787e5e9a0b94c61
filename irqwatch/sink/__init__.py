"""All output. Sinks never import each other."""
