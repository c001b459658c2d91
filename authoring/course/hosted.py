# In Colab, Kaggle or JupyterHub this cell installs the course. Where the
# course is installed already, it does nothing.
# PACKAGE is a wheel's file name or https address, or an address such as
# git+https://HOST/OWNER/REPOSITORY. Empty: the wheel beside the notebook.
PACKAGE = ""

import importlib.util
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("buildhour_helpers") is None:
    wheels = sorted(Path().glob("agent_rft_workshop-*.whl"))
    package = PACKAGE or (str(wheels[-1].resolve()) if wheels else "")
    if not package:
        fix = "Put the course's wheel beside this notebook, or set PACKAGE."
        raise SystemExit(fix)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", package]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        why = done.stderr.strip()
        raise SystemExit(f"pip could not install {package}: {why}")
    importlib.invalidate_caches()
