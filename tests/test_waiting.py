"""How torch's threads wait for each other: asleep on a busy machine, unless a user says otherwise, chosen anew by each process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sketchlib

ASK = "import os, sketchlib; print(os.environ.get('OMP_WAIT_POLICY'))"
SPIN = "print(flush=True)\nwhile True: pass"


def chosen(monkeypatch, others, **environment):
    """What a process would find in its environment, with so many others at work."""
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sketchlib, "_others_at_work", lambda: others)
    sketchlib._choose_waiting()
    return os.environ.get("OMP_WAIT_POLICY")


def test_threads_sleep_where_others_are_at_work_and_else_wait_as_they_do(monkeypatch):
    assert chosen(monkeypatch, 1) == "Passive" and chosen(monkeypatch, 0) is None


@pytest.mark.parametrize("others", [0, 1])
def test_a_users_choice_stays(others, monkeypatch):
    assert chosen(monkeypatch, others, OMP_WAIT_POLICY="active") == "active"
    assert chosen(monkeypatch, others, OMP_WAIT_POLICY="passive") == "passive"
    assert chosen(monkeypatch, others, GOMP_SPINCOUNT="100") is None


def test_a_child_does_not_inherit_its_parents_choice_but_makes_its_own(monkeypatch):
    assert chosen(monkeypatch, 0, OMP_WAIT_POLICY="Passive") is None
    assert chosen(monkeypatch, 1, OMP_WAIT_POLICY="Passive") == "Passive"


def test_it_is_left_alone_once_torch_is_loaded(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setitem(sys.modules, "torch", object())
    monkeypatch.setattr(sketchlib, "_others_at_work", lambda: 1)
    sketchlib._choose_waiting()
    assert "OMP_WAIT_POLICY" not in os.environ


@pytest.mark.skipif(not Path("/proc/loadavg").exists(), reason="the system does not tell who is at work")
def test_a_process_that_starts_beside_a_busy_one_sees_it(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    other = subprocess.Popen([sys.executable, "-c", SPIN], stdout=subprocess.PIPE)
    other.stdout.readline()
    try:
        assert sketchlib._others_at_work() >= 1
        assert subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True).stdout.strip() == "Passive"
    finally:
        other.kill()
        other.communicate()
