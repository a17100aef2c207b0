"""What recipes share whose data are rows of one table: all but the columns and the fit."""
