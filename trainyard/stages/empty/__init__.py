"""Stage empty: what runs have put into a stack goes with the stack, which CloudFormation would otherwise not delete."""
