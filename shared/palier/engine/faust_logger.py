"""Faust's services log under the name of their class's module; ours would drown our own lines in theirs."""

import logging

FAUST_LOGGER = logging.getLogger("faust")
