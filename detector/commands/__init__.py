"""What each subcommand does, a module each; `detector.cli` gathers them."""
