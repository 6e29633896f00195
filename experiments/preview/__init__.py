"""What a run or a comparison would do, and how long it may take: all checks, and nothing that is kept."""
