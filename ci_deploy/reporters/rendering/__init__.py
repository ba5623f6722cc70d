"""What several reporters share: words, sections, charts, and how text is made safe for each sink."""
