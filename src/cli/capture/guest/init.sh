#!/bin/busybox sh
# The guest's first and only program: records under a workload, checks that everything is set back, hands the result out.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tracefs tracefs /sys/kernel/tracing
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
mkdir /result
cd /result || poweroff -f

T=/sys/kernel/tracing
state() {
  ls $T/instances
  for file in tracing_on current_tracer set_event trace_clock kprobe_events trace_options; do
    echo "$file: $(cat $T/$file)"
  done
  # "7 (expanded: 1408)" becomes "7": the script tells it.
  sed 's/ .*//' $T/buffer_size_kb
}
check() {
  what=$1
  shift
  if "$@"; then echo "held: $what"; else echo "FAILED: $what"; fi | tee -a checks
}
unchanged() {
  state >state.after
  cmp state.before state.after
}

state >state.before
sh /workload.sh "$(cat /question)" >/dev/null 2>&1 &
sh /capture.sh
code=$?
check "the capture is whole (exit code $code)" [ "$code" = 0 ]
check 'every setting is as it was' unchanged
timeout -s TERM 12 sh /ended.sh
code=$?
check "SIGTERM ends it (exit code $code)" [ "$code" = 143 ]
check 'and leaves no folder' [ ! -e ended ]
check 'and every setting as it was' unchanged
sh /refused.sh 2>refusal
code=$?
cat refusal
check "a kernel without CONFIG_RCU_TRACE is refused (exit code $code)" [ "$code" = 3 ]
check 'with the reason' grep -q CONFIG_RCU_TRACE refusal
check 'and every setting as it was' unchanged
tar -cf /dev/vdb . && sync
poweroff -f
