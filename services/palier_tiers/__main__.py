"""`python -m palier_tiers`: one worker."""

from palier_tiers.worker import main

if __name__ == "__main__":
    main()
