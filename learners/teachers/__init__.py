"""Strong learners that label rows for others and cost too much to serve; none is delivered by default."""
