"""What the jobs in Glue share: their arguments and the two engines that evaluate tables."""
