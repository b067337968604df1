"""Is anything slower than it was?"""
