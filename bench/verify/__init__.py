"""Does a loop do the same work?"""
