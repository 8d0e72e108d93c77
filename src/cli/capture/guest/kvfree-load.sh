#!/bin/sh
# Makes any kernel call kvfree_rcu(): usage: kvfree-load.sh SECONDS. Run as root; what a machine lacks is left out.
# Which call it is: docs/kvfree-load.md.
seconds=${1:-10}
end=$(($(date +%s) + seconds))
going() { [ "$(date +%s)" -lt "$end" ]; }
work=$(mktemp -d)

# Names longer than a dentry holds: the old one of a renamed file goes to kfree_rcu() (copy_name(), fs/dcache.c).
# Watched files: each entry of an epoll set does (__ep_remove(), fs/eventpoll.c, 6.12 and later).
files() {
  python3 - "$work/files.$1" "$seconds" <<'END'
import os, select, sys, time
folder, seconds = sys.argv[1], int(sys.argv[2])
os.makedirs(folder)
names = [os.path.join(folder, letter * 100) for letter in 'ab']
open(names[0], 'w').close()
pipe = os.pipe()[0]
end = time.monotonic() + seconds
while time.monotonic() < end:
    for _ in range(500):
        os.rename(names[0], names[1])
        os.rename(names[1], names[0])
    watch = select.epoll()
    for _ in range(200):
        watch.register(pipe)
        watch.unregister(pipe)
    watch.close()
    time.sleep(0.002)
END
}
# fib_info of each route, and what a network namespace has.
routes() {
  unshare -n sh -c '
    ip link set lo up
    n=0
    while [ "$n" -lt 200 ]; do n=$((n + 1)); echo "route add 10.9.$n.0/24 dev lo"; done > "$1/add"
    sed "s/ add / del /" "$1/add" > "$1/del"
    while [ "$(date +%s)" -lt "$2" ]; do ip -batch "$1/add"; ip -batch "$1/del"; done' routes "$work" "$end"
}
namespaces() { while going; do unshare -n ip link set lo up; sleep 0.1; done; }
# A node of a longest-prefix-match map that another replaces: trie_update_elem(), kernel/bpf/lpm_trie.c, up to 6.12.
maps() {
  python3 - "$seconds" <<'END'
import ctypes, os, struct, sys, time
number = {'x86_64': 321, 'aarch64': 280}.get(os.uname().machine)
libc = ctypes.CDLL(None)
def bpf(command, attributes):
    return libc.syscall(number, command, ctypes.create_string_buffer(attributes), len(attributes))
LPM_TRIE, NO_PREALLOC = 11, 1
trie = -1 if number is None else bpf(0, struct.pack('5I', LPM_TRIE, 8, 8, 64, NO_PREALLOC))
key, value = (ctypes.create_string_buffer(struct.pack('2I', *pair)) for pair in ((32, 1), (0, 0)))
update = struct.pack('2I3Q', trie & 0xffffffff, 0, ctypes.addressof(key), ctypes.addressof(value), 0)
end = time.monotonic() + int(sys.argv[1])
while trie >= 0 and time.monotonic() < end:
    for _ in range(200):
        bpf(2, update)
    time.sleep(0.01)
END
}
# A cgroup's directory and its control files.
cgroups() {
  root=$(grep -m 1 ' cgroup2 ' /proc/mounts | cut -d ' ' -f 2)
  [ -n "$root" ] || return
  while going; do mkdir "$root/kvfree-load" && rmdir "$root/kvfree-load"; sleep 0.05; done
}

for cpu in 1 2; do files "$cpu" & done
routes &
maps &
namespaces &
cgroups &
wait
rm -rf "$work"
