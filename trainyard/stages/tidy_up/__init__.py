"""Stage tidy_up: what no run, model or endpoint needs any more goes, so that nothing grows for ever."""
