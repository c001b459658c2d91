# In Colab, Kaggle or JupyterHub this cell installs the course; elsewhere it does nothing.
# PACKAGE: a wheel's file name or https address, or git+https://HOST/OWNER/REPOSITORY.
# Left empty, it is the wheel in the notebook's folder.
PACKAGE = ""

import importlib.util
import subprocess
import sys
from pathlib import Path

if importlib.util.find_spec("buildhour_helpers") is None:
    wheels = sorted(Path().glob("agent_rft_workshop-*.whl"))
    package = PACKAGE or (str(wheels[-1].resolve()) if wheels else "")
    if not package:
        raise SystemExit("Upload the course's wheel beside this notebook, or set PACKAGE above.")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", package]
    if subprocess.run(pip).returncode:
        raise SystemExit(f"pip could not install {package}; its message is above.")
    importlib.invalidate_caches()
