"""EC2, mended: instances with machines behind them, images, launch templates."""
