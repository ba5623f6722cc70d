"""Everything that people are told of why something is so: one class each, with its code, its facts and its words."""
