"""What somebody asks for, by shell, HTTP, pipeline or script: each order a frozen value, each result one, too."""
