"""How the starter in resources/models is made: `python -m detector.starter`."""
