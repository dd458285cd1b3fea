// ContentFiles
