"""The secrets of hooks: sealed where they lie, never read out again."""
