"""What pyproject.toml cannot say: a wheel has weights/ and profiles/ inside the package. In a checkout they stay where they are."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


class BuildWithData(build_py):
    def run(self):
        shutil.rmtree(self.build_lib, ignore_errors=True)  # else what an earlier build left would be in the wheel too
        super().run()
        for name in () if self.editable_mode else ("weights", "profiles"):
            shutil.copytree(HERE / name, Path(self.build_lib) / "sketchlib" / name, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithData})
