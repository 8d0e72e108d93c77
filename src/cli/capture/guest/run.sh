#!/bin/sh
# Records a capture end to end in a guest, and gives it to `kreplay fidelity`: Debian's kernel in qemu under software emulation.
# For Debian on x86-64, on demand only; the machine that it runs on is never traced. Takes a few minutes.
#   apt-get install --no-install-recommends qemu-system-x86 busybox-static
#   npm run -s capture:guest -- [pages|drain] [FOLDER]
# Exit code: 0 all checks held, 1 one did not, 3 something is missing here.
set -eu

QUESTION=${1:-pages}
OUT=${2:-guest-$QUESTION}
SECONDS_RECORDED=${SECONDS_RECORDED:-10}
MEMORY=${MEMORY:-768}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/kreplay-guest
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../../.." && pwd)
# Each after those that it needs.
MODULES='drivers/virtio/virtio_ring drivers/virtio/virtio drivers/virtio/virtio_pci_legacy_dev
  drivers/virtio/virtio_pci_modern_dev drivers/virtio/virtio_pci drivers/block/virtio_blk'

refuse() {
  echo "capture:guest: $1" >&2
  exit 3
}
kreplay() { "$ROOT/node_modules/.bin/node" --conditions=kreplay-src "$ROOT/src/cli/main.ts" "$@"; }

# The image package is unpacked, not installed.
fetch_kernel() {
  [ -d "$CACHE/kernel" ] && return
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" { print $2; exit }')
  mkdir -p "$CACHE"
  (cd "$CACHE" && apt-get download "$package" && dpkg-deb -x "$package"_*.deb unpacked && mv unpacked kernel && rm "$package"_*.deb)
}

# A program with the libraries that it needs, which for a static one are none.
add_program() {
  install -D "$1" "$2/bin/$(basename "$1")"
  { ldd "$1" 2>/dev/null || :; } | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$2$library"; done
}

make_initramfs() {
  tree=$WORK/tree
  mkdir -p "$tree/modules" "$tree/proc" "$tree/sys" "$tree/dev"
  add_program "$(command -v busybox)" "$tree"
  [ "${WITH_TRACE_CMD:-no}" = no ] || add_program "$(command -v trace-cmd)" "$tree"
  for module in $MODULES; do
    cp "$CACHE"/kernel/lib/modules/*/kernel/"$module.ko" "$tree/modules/"
    basename "$module" >>"$tree/modules/order"
  done
  kreplay capture --for "$QUESTION" --seconds "$SECONDS_RECORDED" --out capture >"$tree/capture.sh"
  kreplay capture --for "$QUESTION" --seconds 60 --out ended >"$tree/ended.sh"
  kreplay capture --for kvfree --seconds 1 --out refused >"$tree/refused.sh"
  echo "$QUESTION" >"$tree/question"
  install -m 755 "$HERE/init.sh" "$tree/init"
  cp "$HERE/workload.sh" "$tree/workload.sh"
  (cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$WORK/initramfs"
}

# One host thread for both CPUs. The first disk is there to be read, the second takes the result as a plain tar.
boot() {
  truncate -s 1G "$WORK/read.img"
  truncate -s 1G "$WORK/result.img"
  timeout "${LIMIT:-900}" nice -n 10 qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m "$MEMORY" \
    -nodefaults -display none -no-reboot -serial stdio \
    -kernel "$CACHE"/kernel/boot/vmlinuz-* -initrd "$WORK/initramfs" \
    -append "console=ttyS0 quiet panic=-1 tsc=reliable nohz_full=1 isolcpus=1" \
    -drive "file=$WORK/read.img,format=raw,if=virtio" -drive "file=$WORK/result.img,format=raw,if=virtio" </dev/null
}

case $QUESTION in pages | drain) ;; *) refuse "the kernel of Debian answers pages and drain, not $QUESTION" ;; esac
for program in qemu-system-x86_64 busybox; do
  command -v "$program" >/dev/null || refuse "no $program here: apt-get install --no-install-recommends qemu-system-x86 busybox-static"
done
[ ! -e "$OUT" ] || refuse "$OUT is there already"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
fetch_kernel
make_initramfs
boot
mkdir "$OUT"
tar -xf "$WORK/result.img" -C "$OUT"
cat "$OUT/checks"
kreplay info "$OUT/capture"
kreplay fidelity "$OUT/capture"
! grep -q '^FAILED' "$OUT/checks"
