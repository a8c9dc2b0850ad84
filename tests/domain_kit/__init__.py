"""One contact's life in a few words: touchpoints by day and hour, what came of them, and golden timelines."""
