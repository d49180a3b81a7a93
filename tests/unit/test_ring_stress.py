"""bpf/ring.h itself as ordinary C: storms of signals and preemption, and an interrupt behind every instruction."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ring.programs import POLICIES, RING, SANITIZERS, Wrong, build, run


@pytest.mark.parametrize("sanitizer", SANITIZERS)
@pytest.mark.parametrize("policy", POLICIES)
def test_storm(policy: str, sanitizer: str, tmp_path: Path) -> None:
    figures = run(build(tmp_path, "storm", policy, sanitizer), 2_000_000)
    assert figures["attempts"] == figures["recorded"] + figures["dropped"]
    assert figures["recorded"] > 10_000
    if policy != "ring":
        assert figures["read"] == figures["recorded"]
    if sanitizer != "thread":
        assert figures["depth"] >= 2


@pytest.mark.parametrize(("sanitizer", "stride"), [("no", 47), ("address,undefined", 401)])
@pytest.mark.parametrize("policy", POLICIES)
def test_steps(policy: str, sanitizer: str, stride: int, tmp_path: Path) -> None:
    figures = run(build(tmp_path, "steps", policy, sanitizer), stride)
    assert figures["attempts"] == figures["recorded"] + figures["dropped"]
    assert figures["depth"] == 3
    assert figures["dropped"] > 0
    if policy != "ring":
        assert figures["read"] == figures["recorded"]


@pytest.mark.parametrize(
    ("policy", "right", "wrong"),
    [
        ("switch", "__sync_val_compare_and_swap(&ring->head, head, head + size)", "(ring->head = head + size, head)"),
        ("switch", "> RING_BYTES)", "> RING_BYTES + 16)"),
        ("switch", "__sync_fetch_and_add(&ring->dropped, 1)", "ring->tail = ring->tail"),
        ("ring", "__sync_val_compare_and_swap(&ring->head, head, head + size + 1)", "(ring->head += size + 1, head)"),
        ("ring", "end - RING_LOAD(ring->base) > RING_BYTES || ", ""),
        ("ring", "RING_STORE(ring->base, head)", "RING_STORE(ring->base, head + size)"),
    ],
)
def test_what_is_wrong_is_noticed(policy: str, right: str, wrong: str, tmp_path: Path) -> None:
    text = RING.read_text()
    assert right in text
    with pytest.raises(Wrong):
        run(build(tmp_path, "steps", policy, "no", text.replace(right, wrong)), 47)
