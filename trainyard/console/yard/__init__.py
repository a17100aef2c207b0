"""The yard: a state machine and one of its executions drawn as one list with a rail beside it; runs on a laptop."""
