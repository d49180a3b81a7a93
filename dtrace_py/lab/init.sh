#!/bin/busybox sh
# The guest's first process: put the host's root, read-only, under a tmpfs, then hand over to the agent.
# /config sets python, agent and modules, and defines shares(), which calls share TAG PATH for each.
set -e
export PATH=/bin
/bin/busybox mkdir -p /host /own /new
/bin/busybox --install -s /bin
. /config
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do
    [ ! -e "$module" ] || insmod "$module"
done

mount -t virtiofs -o ro root /host
mount -t tmpfs -o mode=755 own /own
mkdir /own/upper /own/work
mount -t overlay -o lowerdir=/host,upperdir=/own/upper,workdir=/own/work overlay /new

mount -t proc proc /new/proc
mount -t sysfs sys /new/sys
mount -t tracefs tracefs /new/sys/kernel/tracing || true
mount -t debugfs debugfs /new/sys/kernel/debug || true
mount -t bpf bpf /new/sys/fs/bpf
mount -t cgroup2 cgroup /new/sys/fs/cgroup
mount -t devtmpfs dev /new/dev
mkdir -p /new/dev/pts /new/dev/shm
mount -t devpts devpts /new/dev/pts
mount -t tmpfs shm /new/dev/shm
ln -s /proc/self/fd /new/dev/fd
for stream in 0:stdin 1:stdout 2:stderr; do
    ln -s "/proc/self/fd/${stream%:*}" "/new/dev/${stream#*:}"
done
mount -t tmpfs -o mode=755 run /new/run

share() {
    mkdir -p "/new$2"
    mount -t virtiofs "$1" "/new$2"
}
shares

if [ -n "$modules" ] && [ ! -e "/new/lib/modules/$(uname -r)" ]; then
    mkdir -p /new/lib/modules
    ln -s "$modules" "/new/lib/modules/$(uname -r)"
fi
hostname dtpy-lab
ifconfig lo 127.0.0.1 up
umount /proc /dev
exec switch_root /new "$python" -I -S "$agent"
