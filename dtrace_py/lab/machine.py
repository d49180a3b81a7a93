"""The virtual machine: the qemu command line, and which accelerator really runs the kernel."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from dtrace_py.lab import initramfs
from dtrace_py.lab.errors import LabError
from dtrace_py.lab.kernels import Kernel, cache_dir
from dtrace_py.record import record

EMULATION = "tcg,thread=single"
"""One thread for all virtual CPUs: QEMU 7.2's multi-threaded emulator corrupts kernel text under mass patching."""

_PROBE_SECONDS = 10

_COMPLAINTS_ARE_FATAL = (
    "oops=panic softlockup_panic=1 hung_task_panic=1 sysctl.kernel.panic_on_rcu_stall=1 sysctl.kernel.hung_task_panic=1"
)


@record
class Accelerator:
    """What runs the guest: qemu's option, and the line that tells the user."""

    option: str
    reason: str


def binary() -> str:
    """The path of qemu; LabError where there is none."""
    if found := shutil.which("qemu-system-x86_64"):
        return found
    raise LabError("no qemu-system-x86_64: install the package qemu-system-x86")


def accelerator(kernel: Kernel) -> Accelerator:
    """KVM if it runs this kernel to user space, found out once a boot of the host; else emulation."""
    emulated = Accelerator(EMULATION, "emulation (about 10 to 20 times slower than native)")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        why = "there is no /dev/kvm" if not os.path.exists("/dev/kvm") else "/dev/kvm is not accessible to this user"
        return Accelerator(emulated.option, f"{emulated.reason}: {why}")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    verdict = cache_dir() / "kvm" / f"{boot}-{kernel.release}"
    if not verdict.exists():
        verdict.parent.mkdir(parents=True, exist_ok=True)
        verdict.write_text("yes" if _kvm_boots(kernel) else "no")
    if verdict.read_text() == "yes":
        return Accelerator("kvm", "KVM")
    return Accelerator(emulated.option, f"{emulated.reason}: /dev/kvm does not run a stock kernel")


def _kvm_boots(kernel: Kernel) -> bool:
    with tempfile.NamedTemporaryFile() as archive:
        archive.write(initramfs.probe())
        archive.flush()
        options = "-accel kvm -cpu host -m 256 -display none -no-reboot -nodefaults -serial stdio"
        command = [binary(), *options.split(), "-kernel", str(kernel.image), "-initrd", archive.name]
        command += ["-append", "console=ttyS0 quiet panic=-1"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return b"dtpy-lab: alive" in done.stdout


def command(
    kernel: Kernel,
    accel: Accelerator,
    cpus: int,
    memory: int,
    archive: Path,
    shares: dict[str, str],
    ports: dict[str, int],
    warn_ok: bool,
) -> list[str]:
    """The qemu command line.

    ``memory`` is in MiB; ``shares`` maps a virtio-fs tag to the abstract socket of its server; ``ports`` maps the name
    of a virtio port, or "console" or "monitor", to an inherited descriptor of a connected socket. With a monitor qemu
    stays when the guest has ended.
    """
    line = [binary(), "-accel", accel.option, "-cpu", "max" if accel.option != "kvm" else "host", "-smp", str(cpus)]
    line += ["-m", str(memory), "-object", f"memory-backend-memfd,id=memory,size={memory}M,share=on"]
    line += ["-numa", "node,memdev=memory", "-display", "none", "-no-reboot", "-nodefaults", "-no-user-config"]
    for tag, socket in shares.items():
        line += ["-chardev", f"socket,id={tag},path={socket},abstract=on,tight=on"]
        line += ["-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]
    line += ["-device", "virtio-serial-pci"]
    for name, descriptor in ports.items():
        line += ["-chardev", f"socket,id=port.{name},fd={descriptor}"]
        if name == "console":
            line += ["-serial", f"chardev:port.{name}"]
        elif name == "monitor":
            line += ["-mon", f"chardev=port.{name},mode=control", "-action", "shutdown=pause"]
        else:
            line += ["-device", f"virtserialport,chardev=port.{name},name=dtpy.{name}"]
    append = f"console=ttyS0 quiet panic=-1 {_COMPLAINTS_ARE_FATAL}" + ("" if warn_ok else " panic_on_warn=1")
    return [*line, "-kernel", str(kernel.image), "-initrd", str(archive), "-append", append]
