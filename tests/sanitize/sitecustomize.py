"""Found on PYTHONPATH before all else: takes an editable installation of asap out of the way of the sanitized one."""

import sys

sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "ScikitBuildRedirectingFinder"]
