"""What is usual for rows with arrays beside their columns: a file for each kind of array, no parts themselves."""
