"""Reading: turns files as people have them into typed Parquet tables of a recipe; knows no cloud."""
