"""The float64 trainings that loops are held against."""
