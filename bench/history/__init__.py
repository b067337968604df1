"""Many runs of one machine: since when is a loop slower, by how much, and how sure is that?"""
