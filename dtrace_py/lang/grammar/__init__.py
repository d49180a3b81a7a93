"""From text to the syntax tree: nothing here knows what a name means, but for which words are types."""
