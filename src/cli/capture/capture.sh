#!/bin/sh
# Records a capture for kreplay on this machine. POSIX shell, by tracefs alone or with trace-cmd; run it as root.
# Made by `kreplay capture`. Exit code: 0 recorded, 1 recorded but events were lost, 3 refused or failed,
# 128 + n ended by signal n before there was a capture. Whatever it sets is set back before it ends.

# --- settings; `kreplay capture` writes these lines
QUESTION=pages
DURATION=10
OUT=''
TAR=no
REQUIRED='kmem/mm_page_alloc kmem/mm_page_free'
OPTIONAL=''
PROBES=''
# --- end of settings

set -u
umask 077
PROC=${KREPLAY_PROC:-/proc}
T='' I='' MAIN='' OWN=no SAVED='' DEFINED='' MADE=no STATE=prepare STOP=no TIMER='' READER='' NOTES='' ENABLED=''
LOCKED='the kernel may be locked down (cat /sys/kernel/security/lockdown), or this is a container'

say() { printf '%s\n' "$*" >&2; }
note() {
  say "note: $*"
  NOTES="${NOTES}note: $*
"
}
refuse() {
  say "kreplay capture: $1"
  [ $# -lt 2 ] || say "  $2"
  exit 3
}

# A write that fails is the caller's to tell; the subshell keeps a failed redirection from ending the script.
put() { (printf '%s\n' "$2" >"$1") 2>/dev/null; }
append() { (printf '%s\n' "$2" >>"$1") 2>/dev/null; }

# A setting's value as it has to be written back.
current() {
  value=$(cat "$I/$1" 2>/dev/null) || value=''
  case $1 in
    trace_clock)
      value=${value#*\[}
      value=${value%%\]*}
      ;;
    # "7 (expanded: 1408)": 7 would stay 7.
    *buffer_size_kb) case $value in *expanded:*) value=${value##*expanded: } value=${value%%\)*} ;; esac ;;
    # 0 clears a filter.
    */filter) [ "$value" != none ] || value=0 ;;
  esac
  printf '%s' "$value"
}
# An instance of our own goes away as a whole; of the main buffer each setting is kept, the latest first.
keep() {
  [ "$OWN" = yes ] || SAVED="$1 $(current "$1")
$SAVED"
}
change() {
  [ -e "$I/$1" ] || return 1
  keep "$1"
  put "$I/$1" "$2"
}

restore() {
  if [ -n "$I" ]; then
    put "$I/tracing_on" 0
    for event in $ENABLED; do put "$I/events/$event/enable" 0; done
    if [ "$OWN" = yes ]; then
      # trace-cmd extract has removed it already.
      rmdir "$I" 2>/dev/null || [ ! -d "$I" ] || say "kreplay capture: $I can't be removed; once nobody reads it: rmdir $I"
    else
      put "$I/trace" ''
      while read -r file value; do
        [ -z "$file" ] || put "$I/$file" "$value" || say "kreplay capture: $I/$file could not be set back to $value"
      done <<END
$SAVED
END
    fi
  fi
  for probe in $DEFINED; do
    append "$T/kprobe_events" "-:kreplay/$probe" ||
      say "kreplay capture: a probe is left: echo '-:kreplay/$probe' >> $T/kprobe_events"
  done
  # Before 6.6, who makes an instance keeps the main buffer from growing at its first use.
  case $MAIN in *expanded:*)
    [ "$(cat "$T/buffer_size_kb" 2>/dev/null)" != "${MAIN%% *}" ] ||
      say "The main trace buffer of this kernel won't grow by itself any more: before it is used next, set $T/buffer_size_kb."
    ;;
  esac
  I='' SAVED='' DEFINED='' ENABLED='' MAIN=''
}

finish() {
  code=$?
  trap '' INT TERM HUP
  trap - EXIT
  # shellcheck disable=SC2086 # none or one
  kill $TIMER $READER 2>/dev/null
  restore
  if [ "$MADE" = yes ]; then
    rm -rf "$OUT"
    say "kreplay capture: there is no capture; every setting is as it was"
  fi
  exit "$code"
}

on_int() {
  STOP=yes
  # shellcheck disable=SC2086 # none or one
  case $STATE in record) kill $TIMER 2>/dev/null ;; *) exit 130 ;; esac
}

find_tracefs() {
  if [ -n "${KREPLAY_TRACEFS:-}" ]; then
    T=$KREPLAY_TRACEFS
  elif [ -r "$PROC/mounts" ]; then
    while read -r _ point type _; do
      case $type in
        tracefs)
          T=$point
          break
          ;;
        debugfs) [ ! -d "$point/tracing" ] || T=$point/tracing ;;
      esac
    done <"$PROC/mounts"
  fi
  [ -e "${T:-/nowhere}/tracing_on" ] || refuse "no tracefs is mounted here" \
    "mount -t tracefs tracefs /sys/kernel/tracing; if that fails, the kernel has no CONFIG_FTRACE, or this is a container"
  cat "$T/tracing_on" >/dev/null 2>&1 || refuse "tracefs can't be read" "$LOCKED"
}

check_events() {
  missing=''
  for event in $REQUIRED; do [ -e "$T/events/$event/enable" ] || missing="$missing $event"; done
  case $missing in
    '') ;;
    *" rcu/"*) refuse "this kernel has no event$missing" \
      "it was built without CONFIG_RCU_TRACE=y, as most distributions' kernels are; \`kreplay capture --for drain\` needs none of them" ;;
    *) refuse "this kernel has no event$missing" "it was built without CONFIG_EVENT_TRACING=y" ;;
  esac
  EVENTS=$REQUIRED
  for event in $OPTIONAL; do
    if [ -e "$T/events/$event/enable" ]; then EVENTS="$EVENTS $event"; else note "this kernel has no event $event; it is left out"; fi
  done
}

# An instance of our own leaves the settings and the buffer of others alone.
open_buffer() {
  if [ -d "$T/instances/kreplay" ]; then
    refuse "another kreplay capture runs here, or was killed" "if none runs: rmdir $T/instances/kreplay"
  fi
  main=$(cat "$T/buffer_size_kb" 2>/dev/null)
  if [ -d "$T/instances" ] && mkdir "$T/instances/kreplay" 2>/dev/null; then
    OWN=yes I=$T/instances/kreplay MAIN=$main
  else
    [ "$(cat "$T/current_tracer" "$T/set_event" 2>/dev/null)" = nop ] ||
      refuse "somebody is tracing here already, and this kernel gives no tracing instance of our own" \
        "end that first; cat $T/current_tracer $T/set_event"
    note "no tracing instance can be made: the main trace buffer is used, and what it holds is lost"
    I=$T
  fi
  change tracing_on 0 || {
    # Nothing was changed, so nothing has to be set back.
    [ "$OWN" = yes ] || I=''
    refuse "tracefs can't be written" "$LOCKED"
  }
}

probe_arguments() {
  case $1:$(uname -m) in
    drain_all_pages:x86_64) echo 'zone=%di' ;;
    drain_all_pages:aarch64) echo 'zone=%x0' ;;
    kvfree_call_rcu:x86_64) echo 'head=%di arg=%si' ;;
    kvfree_call_rcu:aarch64) echo 'head=%x0 arg=%x1' ;;
    *) return 1 ;;
  esac
}

define_probes() {
  for probe in $PROBES; do
    case $probe in
      drain_all_pages) without="who asks for drains is not recorded" ;;
      *) without="single enqueues are not recorded" ;;
    esac
    if [ ! -e "$T/kprobe_events" ]; then
      note "this kernel was built without CONFIG_KPROBE_EVENTS: no probe on $probe, $without"
    elif ! arguments=$(probe_arguments "$probe"); then
      note "the registers of $(uname -m) are not known here: no probe on $probe, $without"
    elif grep -q ":kreplay/$probe " "$T/kprobe_events" 2>/dev/null; then
      refuse "another kreplay capture runs here, or was killed" "if none runs: echo '-:kreplay/$probe' >> $T/kprobe_events"
    elif append "$T/kprobe_events" "p:kreplay/$probe $probe $arguments"; then
      DEFINED="$DEFINED $probe"
      if [ -e "$I/events/kreplay/$probe/enable" ]; then
        EVENTS="$EVENTS kreplay/$probe"
      else
        note "the kernel made no event of the probe on $probe: $without"
      fi
    else
      note "the kernel refuses a probe on $probe: $without"
    fi
  done
}

pages_allocated() {
  sum=0
  while read -r name value; do
    case $name in pgalloc_*) sum=$((sum + value)) ;; esac
  done <"$PROC/vmstat"
  echo "$sum"
}
meminfo() {
  while read -r name value _; do [ "$name" != "$1:" ] || echo "$value"; done <"$PROC/meminfo"
}

# An event takes about 44 bytes of the buffer, and 120 as text. A page that is allocated and freed again gives up to 5 events.
choose_buffer() {
  cpus=0
  while read -r name _; do case $name in cpu[0-9]*) cpus=$((cpus + 1)) ;; esac done <"$PROC/stat"
  [ "$cpus" -gt 0 ] || cpus=1
  available=$(meminfo MemAvailable)
  [ -n "$available" ] || available=$(meminfo MemFree)
  [ -n "$available" ] || available=262144
  kb=60000
  rate=''
  case " $REQUIRED " in *" kmem/mm_page_alloc "*)
    first=$(pages_allocated)
    sleep 1
    rate=$((($(pages_allocated) - first) * 5))
    # Twice the mean, since CPUs are not alike.
    wanted=$((rate * DURATION * 88 / 1000 / cpus))
    [ "$wanted" -le "$kb" ] || kb=$wanted
    ;;
  esac
  most=$((available / 4 / cpus))
  if [ "$kb" -gt "$most" ]; then
    kb=$most
    note "a quarter of the available memory is all the buffer may take: on a busy machine it may overrun"
  fi
  [ "$kb" -ge 64 ] || refuse "there is too little memory for a trace buffer: $available kB are available on $cpus CPUs"
  say "Buffer: $kb kB on each of $cpus CPUs, $((kb * cpus / 1024)) MiB of $((available / 1024)) MiB available; room for about $((kb / 44))000 events a CPU."
  say "On disk: up to $((kb * cpus / 1024)) MiB as trace.dat, $((kb * cpus * 3 / 1024)) MiB as text."
  if [ -n "$rate" ]; then
    # 0.2 to 1 µs an event: a percent of one CPU is 10 000 µs a second.
    say "Overhead: in the last second pages were allocated at a rate that gives up to $rate events/s; at 0.2 to 1 µs each (a rule of thumb), $((rate / 50000)) to $((rate / 10000 + 1)) % of one CPU in all."
  fi
  case " $PROBES " in *" kvfree_call_rcu "*)
    say "Overhead: each kvfree_rcu() and kfree_rcu() call passes a probe, about 0.2 to 2 µs more."
    ;;
  esac
}

set_up() {
  change trace_clock mono || refuse "the trace clock can't be set to mono"
  if [ "$OWN" = no ]; then for file in "$I"/per_cpu/cpu*/buffer_size_kb; do keep "${file#"$I"/}"; done; fi
  put "$I/buffer_size_kb" "$kb" || refuse "the kernel refuses a buffer of $kb kB a CPU"
  # Text as kreplay reads it; which of these exist depends on the kernel.
  for option in context-info irq-info overwrite record-cmd; do
    [ "$OWN$option" = yesrecord-cmd ] || change "options/$option" 1
  done
  for option in raw hex bin verbose latency-format stacktrace userstacktrace fields hash-ptr; do change "options/$option" 0; done
  for file in set_event_pid set_event_notrace_pid; do
    [ -z "$(cat "$I/$file" 2>/dev/null)" ] || refuse "events are limited to some processes by $I/$file" "echo > $I/$file"
  done
  put "$I/trace" ''
  for event in $EVENTS; do
    [ "$OWN" = yes ] || [ ! -e "$I/events/$event/filter" ] || change "events/$event/filter" 0
    ENABLED="$ENABLED $event"
    put "$I/events/$event/enable" 1 || refuse "the event $event can't be enabled"
  done
}

sidecars() {
  when=$1
  shift
  for file in "$@"; do cat "$PROC/$file" >"$OUT/$file.$when" 2>/dev/null || rm -f "$OUT/$file.$when"; done
}

record() {
  mkdir "$OUT" || refuse "the folder $OUT can't be made" "name another with --out"
  MADE=yes
  uname -a >"$OUT/uname"
  cat "$PROC/cmdline" >"$OUT/cmdline"
  cat "$PROC/meminfo" >"$OUT/meminfo.before"
  enter=''
  [ ! -t 0 ] || enter='Enter or '
  if [ "$DURATION" -gt 0 ]; then say "Recording for $DURATION s; ${enter}Ctrl-C ends it sooner."; else say "Recording until ${enter}Ctrl-C."; fi
  STATE=record
  # zoneinfo next to the trace: on a busy machine the lists' counts change meanwhile.
  sidecars before vmstat buddyinfo zoneinfo
  [ "$STOP" = no ] || exit 130
  put "$I/tracing_on" 1 || refuse "tracing can't be switched on"
  if [ "$DURATION" -gt 0 ]; then sleep "$DURATION" & else sleep 31536000 & fi
  TIMER=$!
  if [ -t 0 ]; then
    exec 3<&0
    (
      read -r _
      kill "$TIMER"
    ) <&3 2>/dev/null &
    READER=$!
  fi
  # A signal that came before TIMER was known.
  [ "$STOP" = no ] || kill "$TIMER"
  wait "$TIMER" 2>/dev/null
  put "$I/tracing_on" 0
  STATE=save
  sidecars after zoneinfo buddyinfo vmstat
  # shellcheck disable=SC2086 # none or one
  kill $TIMER $READER 2>/dev/null
  TIMER='' READER=''
}

count_losses() {
  entries=0 lost=0
  for file in "$I"/per_cpu/cpu*/stats; do
    while read -r line; do
      case $line in
        'entries: '*) entries=$((entries + ${line##*: })) ;;
        'overrun: '* | 'commit overrun: '* | 'dropped events: '*) lost=$((lost + ${line##*: })) ;;
      esac
    done <"$file"
    printf '%s\n' "${file#"$I"/}"
    cat "$file"
  done >"$OUT/stats" 2>/dev/null
}

# Some kernels (6.1) swallow every string of a text with real pointers: gfp flags, and all of the RCU events.
swallows_strings() {
  lines=0
  while [ "$lines" -lt 1000 ] && read -r line; do
    case "$line " in *' gfp_flags= '* | *'] '*': rcu_'*'] '*': rcu_'*) return 0 ;; esac
    lines=$((lines + 1))
  done <"$I/trace"
  return 1
}

save() {
  say "Saving $entries events …"
  # trace-cmd finds tracefs by itself, so not where another tree was named.
  if [ -z "${KREPLAY_TRACEFS:-}" ] && command -v trace-cmd >/dev/null 2>&1; then
    buffer=''
    [ "$OWN" = no ] || buffer='-B kreplay'
    # shellcheck disable=SC2086 # none or two words
    if ! (cd "$OUT" && trace-cmd extract $buffer -o trace.dat) >"$OUT/trace-cmd.log" 2>&1 || [ ! -s "$OUT/trace.dat" ]; then
      rm -f "$OUT"/trace.dat*
      note "trace-cmd extract failed (see trace-cmd.log): what is left in the buffer is saved as text"
    fi
  fi
  if [ ! -s "$OUT/trace.dat" ]; then
    if swallows_strings; then
      change options/hash-ptr 1
      note "this kernel prints text with real pointers wrongly: pointers are hashed. trace-cmd would keep them"
    fi
    cat "$I/trace" >"$OUT/trace.txt" || refuse "the trace can't be saved in $OUT" "is the disk full? df $OUT"
  fi
  if [ "$lost" -gt 0 ]; then
    note "$lost events were lost: the buffer was too small. Record a shorter time (--seconds), or a quieter one"
  elif [ "$entries" -eq 0 ]; then
    note "no event was recorded"
  fi
  printf '%s' "kreplay capture --for $QUESTION --seconds $DURATION
events: $EVENTS
buffer: $kb kB a CPU
$entries events, $lost lost
$NOTES" >"$OUT/capture.log"
}

pack() {
  RESULT=$OUT
  if [ "$TAR" = yes ]; then
    if tar -cf "$OUT.tar" -C "$(dirname "$OUT")" "$(basename "$OUT")"; then
      rm -rf "$OUT"
      RESULT=$OUT.tar
    else
      rm -f "$OUT.tar"
      note "the tarball can't be written: the folder stays"
      TAR=no
    fi
  fi
  if [ "$TAR" = yes ]; then
    if command -v gzip >/dev/null 2>&1 && gzip -f "$RESULT"; then RESULT=$RESULT.gz; fi
  fi
  MADE=no
  if [ -n "${SUDO_UID:-}" ]; then chown -R "$SUDO_UID:${SUDO_GID:-}" "$RESULT" 2>/dev/null; fi
  say "Recorded: $RESULT"
  if [ "$TAR" = yes ]; then
    say "Where kreplay is: tar xf $(basename "$RESULT") && kreplay info $(basename "$OUT")"
  else
    say "Where kreplay is: kreplay info $OUT; kreplay fidelity $OUT"
  fi
}

# All in functions: a script that arrives by a pipe and breaks off does nothing.
main() {
  [ "$(id -u)" = 0 ] || refuse "tracing needs root" "sudo sh this-script"
  [ -n "$OUT" ] || OUT=kreplay-$QUESTION-$(date +%Y%m%d-%H%M%S)
  case $OUT in -*) OUT=./$OUT ;; esac
  for file in "$OUT" "$OUT.tar" "$OUT.tar.gz"; do
    [ ! -e "$file" ] || refuse "$file is there already" "name another with --out"
  done
  [ "$TAR" = no ] || command -v tar >/dev/null 2>&1 || refuse "there is no tar here" "record a folder: leave --tar out"
  find_tracefs
  check_events
  trap finish EXIT
  trap on_int INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  trap '' PIPE
  choose_buffer
  open_buffer
  define_probes
  set_up
  record
  count_losses
  save
  restore
  pack
  [ "$lost" -eq 0 ] || exit 1
}

main
