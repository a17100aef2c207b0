"""Stage verify: what became true beside what was predicted, and beside what the evaluation promised."""
