"""The secrets of receivers: sealed where they lie, never read out again."""
