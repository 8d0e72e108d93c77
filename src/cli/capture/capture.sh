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
STATES=''
STAND_INS=''
# --- end of settings

set -u
umask 077
PROC=${KREPLAY_PROC:-/proc}
SYS=${KREPLAY_SYS:-/sys}
BOOT=${KREPLAY_BOOT:-/boot}
T='' I='' MAIN='' OWN=no EVENTS='' FILTERS='' LAYOUT='' SYMBOLS='' SAVED='' DEFINED='' MADE=no STATE=prepare STOP=no TIMER='' READER='' NOTES='' ENABLED=''
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
  [ -z "$missing" ] || refuse "this kernel has no event$missing" "it was built without CONFIG_EVENT_TRACING=y"
  EVENTS=$REQUIRED
  for event in $OPTIONAL; do
    if [ -e "$T/events/$event/enable" ]; then
      EVENTS="$EVENTS $event"
    else
      case $event in
        # One note for all of them; probes stand in.
        rcu/*) [ ! -e "$T/events/rcu/rcu_grace_period" ] || note "this kernel has no event $event; it is left out" ;;
        # 6.1 and later have one event for both.
        kmem/*_node) ;;
        *) note "this kernel has no event $event; it is left out" ;;
      esac
    fi
  done
  case " $OPTIONAL " in *" rcu/rcu_grace_period "*)
    [ -e "$T/events/rcu/rcu_grace_period" ] ||
      note "this kernel has no RCU events (CONFIG_RCU_TRACE, which distributions leave out): probes stand in for them"
    ;;
  esac
}

# Without one source of grace periods and one of calls or frees nothing about kvfree_rcu() can be replayed.
check_evidence() {
  if [ "$QUESTION" = prices ]; then
    case " $EVENTS " in *" kreplay/bulk_free_begin "*" kreplay/bulk_free_end "* | *" kreplay/refill_begin "*" kreplay/refill_end "*) return 0 ;; esac
    refuse "no probe can time what this kernel does under zone->lock" "it takes CONFIG_KPROBE_EVENTS=y and functions free_pcppages_bulk() and rmqueue_bulk() of their own"
  fi
  [ "$QUESTION" = kvfree ] || [ "$QUESTION" = all ] || return 0
  periods=no objects=no
  case " $EVENTS " in *" rcu/rcu_grace_period "* | *" kreplay/rcu_gp_init "*" kreplay/rcu_gp_cleanup "*) periods=yes ;; esac
  case " $EVENTS " in *" workqueue/workqueue_queue_work "*" kreplay/queue_rcu_work "*) periods=yes ;; esac
  case " $EVENTS " in *" kreplay/kvfree_call_rcu "* | *" rcu/rcu_invoke_kfree_bulk_callback "* | *" kreplay/kvfree_rcu_bulk "*) objects=yes ;; esac
  [ "$periods$objects" != yesyes ] || return 0
  hint="build it with CONFIG_KPROBE_EVENTS=y, or CONFIG_RCU_TRACE=y; \`kreplay capture --for drain\` needs neither"
  if [ "$QUESTION" = kvfree ]; then
    refuse "this kernel shows nothing of kvfree_rcu(): it has no RCU events, and no probe can stand in for them" "$hint"
  fi
  note "this kernel shows nothing of kvfree_rcu(): pages and drains are recorded without it"
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

# --- probes

# The registers of a function's arguments, and where it returns to.
choose_registers() {
  A1='' A2='' A3='' BACK=''
  case $(uname -m) in
    x86_64) A1=%di A2=%si A3=%dx BACK="\$stack0" ;;
    aarch64) A1=%x0 A2=%x1 A3=%x2 BACK=%x30 ;;
  esac
}

# Of kallsyms what is asked for, each with the symbol after it; read once, since it is long. Without it only the try tells.
load_symbols() {
  names=vmstat_update
  for name in $STATES $PROBES free_pcppages_bulk rmqueue_bulk kmem_cache_free_bulk kvfree_rcu_list kfree_rcu_work kfree_rcu_monitor; do names="$names|$name"; done
  for pair in $STAND_INS; do names="$names|${pair%%=*}|$(probed_function "${pair%%=*}")"; done
  SYMBOLS=$(grep -A 1 -E " [tT] ($names)$" "$PROC/kallsyms" 2>/dev/null) || SYMBOLS=''
  SYMBOLS="$SYMBOLS
"
}
has_symbol() {
  [ -r "$PROC/kallsyms" ] || return 0
  case $SYMBOLS in *" t $1
"* | *" T $1
"*) return 0 ;; esac
  return 1
}
# Its address, and where the next symbol begins: `0x… 0x…`. Nothing where addresses are hidden.
symbol_range() {
  first=''
  while read -r address _ name _; do
    if [ -n "$first" ]; then
      printf '0x%s 0x%s' "$first" "$address"
      return 0
    fi
    if [ "$name" = "$1" ]; then
      case $address in *[!0]*) first=$address ;; *) return 1 ;; esac
    fi
  done <<END
$SYMBOLS
END
  return 1
}

# The fields of a pageset: by its type's description (6.6 and later), or by the offsets that `prove_layout` found.
state_fields() {
  case $LAYOUT in
    btf-tuned) echo "count=pcp->count high=pcp->high hmin=pcp->high_min hmax=pcp->high_max fc=pcp->free_count af=pcp->alloc_factor batch=pcp->batch" ;;
    btf) echo "count=pcp->count high=pcp->high ff=pcp->free_factor batch=pcp->batch" ;;
    0) echo "count=+0($1):s32 high=+4($1):s32 batch=+8($1):s32" ;;
    4) echo "count=+4($1):s32 high=+8($1):s32 batch=+12($1):s32 ff=+16($1):s16" ;;
    4-tuned) echo "count=+4($1):s32 high=+8($1):s32 hmin=+12($1):s32 hmax=+16($1):s32 batch=+20($1):s32" ;;
  esac
}

# What kprobe_events takes for a probe; each line is tried until one is accepted. `$1`: its name.
probe_definitions() {
  case $1 in
    drain_all_pages) [ -z "$A1" ] || echo "p:kreplay/$1 $1 zone=$A1" ;;
    kvfree_call_rcu) [ -z "$A1" ] || echo "p:kreplay/$1 $1 head=$A1 arg=$A2" ;;
    bulk_free_begin | bulk_free_again)
      if [ -n "$A1" ]; then
        echo "p:kreplay/$1 free_pcppages_bulk n=$A2:s32 listed=pcp->count"
        echo "p:kreplay/$1 free_pcppages_bulk n=$A2:s32"
      fi
      ;;
    bulk_free_end) echo "r:kreplay/$1 free_pcppages_bulk" ;;
    __slab_free | __free_slab | discard_slab | put_cpu_partial | __kfree_rcu_sheaf) [ -z "$A1" ] || echo "p:kreplay/$1 $1 a1=$A1 a2=$A2 a3=$A3" ;;
    ___slab_alloc | allocate_slab | new_slab | __pcs_replace_*) [ -z "$A1" ] || echo "p:kreplay/$1 $1 a1=$A1" ;;
    refill_begin) [ -z "$A1" ] || echo "p:kreplay/$1 rmqueue_bulk order=$A2:s32 n=$A3:s32" ;;
    refill_end) echo "r:kreplay/$1 rmqueue_bulk moved=\$retval:s32" ;;
    queue_rcu_work) [ -z "$A1" ] || echo "p:kreplay/$1 $1 rwork=$A2" ;;
    rcu_free_sheaf) [ -z "$A1" ] || echo "p:kreplay/$1 $1 head=$A1" ;;
    call_rcu_sheaf) [ -z "$A1" ] || echo "p:kreplay/$1 call_rcu head=$A1 func=$A2" ;;
    kvfree_rcu_bulk)
      if has_symbol kvfree_rcu_bulk; then
        echo "p:kreplay/$1 $1 nr=bnode->nr_records"
      elif [ -n "$A1" ]; then
        echo "p:kreplay/$1 kmem_cache_free_bulk nr=$A2 cache=$A1 back=$BACK"
      fi
      ;;
    kvfree_rcu_object) [ -z "$A1" ] || echo "p:kreplay/$1 kvfree object=$A1 back=$BACK" ;;
    kvfree_rcu_barrier_on_cache) [ -z "$A1" ] || echo "p:kreplay/$1 $1 cache=$A1" ;;
    __kfree_rcu_sheaf) [ -z "$A1" ] || echo "p:kreplay/$1 $1 a1=$A1 a2=$A2" ;;
    rcu_exp_done) echo "r:kreplay/$1 rcu_exp_wait_wake" ;;
    free_pcppages_bulk)
      case $LAYOUT in
        btf*) echo "p:kreplay/$1 $1 zone=zone start=zone->zone_start_pfn n=count $(state_fields)" ;;
        ?*) echo "p:kreplay/$1 $1 zone=$A1 n=$A2:s32 $(state_fields "$A3")" ;;
      esac
      ;;
    drain_zone_pages | decay_pcp_high)
      case $LAYOUT in
        btf*) echo "p:kreplay/$1 $1 zone=zone start=zone->zone_start_pfn $(state_fields)" ;;
        ?*) echo "p:kreplay/$1 $1 zone=$A1 $(state_fields "$A2")" ;;
      esac
      ;;
    *) echo "p:kreplay/$1 $1" ;;
  esac
}

# The functions out of which a probe's own is called for kvfree_rcu(): all that others call it for is filtered out.
callers_filter() {
  ranges=''
  for caller in "$@"; do
    if range=$(symbol_range "$caller"); then
      ranges="${ranges:+$ranges || }(back >= ${range% *} && back < ${range#* })"
    fi
  done
  printf '%s' "$ranges"
}
probe_filter() {
  case $1 in
    call_rcu_sheaf) range=$(symbol_range rcu_free_sheaf) && printf '%s' "func == ${range% *}" ;;
    kvfree_rcu_bulk)
      has_symbol kvfree_rcu_bulk || {
        ranges=$(callers_filter kfree_rcu_work)
        [ -n "$ranges" ] && printf '%s' "cache == 0 && $ranges"
      }
      ;;
    kvfree_rcu_object)
      ranges=$(callers_filter kvfree_rcu_list kfree_rcu_work kfree_rcu_monitor)
      [ -n "$ranges" ] && printf '%s' "$ranges"
      ;;
    *) return 0 ;;
  esac
}

# The function that a probe is on, and what is lost without it; nothing where releases lack it with its feature.
probed_function() {
  case $1 in
    bulk_free_*) echo free_pcppages_bulk ;;
    refill_*) echo rmqueue_bulk ;;
    call_rcu_sheaf) echo rcu_free_sheaf ;;
    kvfree_rcu_bulk) if has_symbol kvfree_rcu_bulk; then echo kvfree_rcu_bulk; else echo kfree_rcu_work; fi ;;
    kvfree_rcu_object) echo kvfree ;;
    rcu_exp_done) echo rcu_exp_wait_wake ;;
    *) echo "$1" ;;
  esac
}
lost_without() {
  case $1 in
    drain_all_pages) echo "who asks for drains is not recorded" ;;
    bulk_free_begin) echo "bulk frees are not timed" ;;
    refill_begin) echo "refills are not timed: no function that can be probed runs for refills alone" ;;
    kvfree_call_rcu) echo "single enqueues are not recorded" ;;
    rcu_gp_init | rcu_gp_cleanup) echo "grace periods are inferred from the batches that waited for them" ;;
    rcu_do_batch) echo "runs of callbacks are not recorded" ;;
    queue_rcu_work) echo "when a batch was handed over is not recorded" ;;
    kvfree_rcu_bulk) echo "bulk frees are not recorded" ;;
    kvfree_rcu_object) echo "objects freed one by one are not recorded" ;;
    synchronize_rcu_expedited | sync_rcu_exp_select_cpus | rcu_exp_done) echo "expedited grace periods are not recorded" ;;
    free_pcppages_bulk) echo "the state of page lists at bulk frees is not recorded" ;;
    drain_zone_pages) echo "the state of remote page lists at vmstat ticks is not recorded" ;;
    kfree_rcu_shrink_scan) echo "the shrinker of kvfree_rcu() is not recorded" ;;
    # 7.0 and later have sheaves in place of slabs and partial lists of CPUs; of two functions that call each other one is enough.
    ___slab_alloc) has_symbol __pcs_replace_empty_main || echo "allocations that find nothing at their CPU are not recorded: which slab it allocates from at the start is guessed" ;;
    put_cpu_partial) has_symbol __pcs_replace_empty_main || echo "where slabs go that were full is not recorded" ;;
    __pcs_replace_empty_main) has_symbol ___slab_alloc || echo "allocations that find nothing at their CPU are not recorded" ;;
    __pcs_replace_full_main) has_symbol ___slab_alloc || echo "frees that find no room at their CPU are not recorded" ;;
    __kfree_rcu_sheaf) has_symbol ___slab_alloc || echo "objects that kfree_rcu() puts into sheaves are not recorded: they look as if nobody freed them" ;;
    __slab_free) echo "frees past their CPU are not recorded: before 5.12 nothing names the cache of an object" ;;
    allocate_slab) has_symbol new_slab || echo "new slabs are not recorded" ;;
    __free_slab) has_symbol discard_slab || echo "slabs given back are not recorded" ;;
  esac
}

# Takes the first definition that the kernel accepts. `$1`: the probe, `$2`: why it was not asked for it, if so.
define_probe() {
  lost=$(lost_without "$1")
  symbol=$(probed_function "$1")
  if [ ! -e "$T/kprobe_events" ]; then
    [ -z "$lost" ] || note "this kernel was built without CONFIG_KPROBE_EVENTS: no probe on $symbol, $lost"
    return
  fi
  if grep -q ":kreplay/$1 " "$T/kprobe_events" 2>/dev/null; then
    refuse "another kreplay capture runs here, or was killed" "if none runs: echo '-:kreplay/$1' >> $T/kprobe_events"
  fi
  if ! has_symbol "$symbol"; then
    [ -z "$lost" ] || note "this kernel has no function $symbol of its own (it was inlined, or the release has none): $lost"
    return
  fi
  definitions=$(probe_definitions "$1")
  if [ -z "$definitions" ]; then
    [ -z "$lost" ] || note "the registers of $(uname -m) are not known here: no probe on $symbol, $lost"
    return
  fi
  if ! filter=$(probe_filter "$1"); then
    [ -z "$lost" ] || note "the kernel hides its addresses (kptr_restrict), so that others' calls can't be distinguished from ours: $lost"
    return
  fi
  accepted=no
  while read -r definition; do
    [ "$accepted" = yes ] || ! append "$T/kprobe_events" "$definition" || accepted=yes
  done <<END
$definitions
END
  if [ "$accepted" = no ]; then
    [ -z "$lost" ] || note "the kernel refuses a probe on $symbol: $lost"
    return
  fi
  DEFINED="$DEFINED $1"
  if [ ! -e "$I/events/kreplay/$1/enable" ]; then
    note "the kernel made no event of the probe on $symbol: ${lost:-it is left out}"
  elif [ -n "$filter" ] && ! put "$I/events/kreplay/$1/filter" "$filter"; then
    note "the kernel takes no filter for the probe on $symbol: ${lost:-it is left out}"
  else
    EVENTS="$EVENTS kreplay/$1"
  fi
}

# Offsets of `count`, `high` and `batch` in a pageset count as proven when high and batch of at least three pagesets are zoneinfo's.
prove_layout() {
  raw=free_pcppages_bulk
  append "$T/kprobe_events" "p:kreplay/proof $raw zone=$A1 w0=+0($A3):s32 w4=+4($A3):s32 w8=+8($A3):s32 w12=+12($A3):s32 w20=+20($A3):s32" || return 1
  DEFINED="$DEFINED proof"
  [ -e "$I/events/kreplay/proof/enable" ] || return 1
  put "$I/trace" ''
  put "$I/events/kreplay/proof/enable" 1 && put "$I/tracing_on" 1
  sleep 1
  put "$I/tracing_on" 0
  put "$I/events/kreplay/proof/enable" 0
  # ` 3 high batch` for each pageset.
  pagesets='' cpu='' high=''
  while read -r name value _; do
    case $name in
      cpu:) cpu=$value ;;
      high:) high=$value ;;
      batch:) [ -z "$cpu" ] || pagesets="$pagesets $cpu/$high/$value " ;;
      Node) cpu='' ;;
    esac
  done <"$PROC/zoneinfo"
  LAYOUT=''
  for layout in 4-tuned 4 0; do
    matched='' wrong=no samples=0
    while read -r line; do
      case $line in *': proof: '*) ;; *) continue ;; esac
      [ "$samples" -lt 500 ] || break
      samples=$((samples + 1))
      cpu=${line#*\[} cpu=${cpu%%\]*}
      # No leading zeros: 008 is no number.
      while [ "${cpu#0}" != "$cpu" ] && [ "$cpu" != 0 ]; do cpu=${cpu#0}; done
      zone=${line#*zone=} zone=${zone%% *}
      w4=${line#*w4=} w4=${w4%% *}
      w8=${line#*w8=} w8=${w8%% *}
      w12=${line#*w12=} w12=${w12%% *}
      w20=${line#*w20=} w20=${w20%% *}
      case $layout in 4-tuned) high=$w8 batch=$w20 ;; 4) high=$w8 batch=$w12 ;; 0) high=$w4 batch=$w8 ;; esac
      case $pagesets in
        *" $cpu/$high/$batch "*)
          case $matched in *" $cpu,$zone "*) ;; *) matched="$matched $cpu,$zone " ;; esac
          ;;
        # `high` tunes itself from 6.7 on, and is set anew under pressure: not each sample can match.
        *) [ "$layout" = 4-tuned ] || wrong=yes ;;
      esac
    done <"$I/trace"
    # shellcheck disable=SC2086 # words are counted
    set -- $matched
    if [ $# -ge 3 ] && [ "$wrong" = no ]; then
      LAYOUT=$layout
      break
    fi
  done
  put "$I/trace" ''
  [ -n "$LAYOUT" ]
}

# Before 6.6, or without CONFIG_PROBE_EVENTS_BTF_ARGS, only offsets tell where a pageset's fields are.
find_layout() {
  [ -e "$T/kprobe_events" ] && has_symbol free_pcppages_bulk || return 0
  for LAYOUT in btf-tuned btf; do
    if append "$T/kprobe_events" "p:kreplay/proof free_pcppages_bulk $(state_fields)"; then
      append "$T/kprobe_events" "-:kreplay/proof"
      return 0
    fi
  done
  LAYOUT=''
  if [ -z "$A1" ] || ! prove_layout; then
    note "where this kernel's page lists keep their counts is not proven (it takes bulk frees on three lists in a second): no probe of their state"
  fi
  case " $DEFINED " in *' proof '*)
    append "$T/kprobe_events" "-:kreplay/proof"
    DEFINED=${DEFINED% proof}
    ;;
  esac
}

define_probes() {
  choose_registers
  load_symbols
  if [ -n "$STATES" ]; then
    find_layout
    [ -z "$LAYOUT" ] || for probe in $STATES; do
      # Not a loss: 6.6 and older have no decay, kernels without NUMA no remote lists.
      case $probe in free_pcppages_bulk) define_probe "$probe" ;; *) ! has_symbol "$probe" || define_probe "$probe" ;; esac
    done
  fi
  for probe in $PROBES; do
    case $probe in
      # Each calls the other: one event of both is enough.
      new_slab) has_symbol allocate_slab || define_probe "$probe" ;;
      discard_slab) has_symbol __free_slab || define_probe "$probe" ;;
      *) define_probe "$probe" ;;
    esac
  done
  for pair in $STAND_INS; do
    event=${pair#*=}
    # For comparing both: KREPLAY_PROBES=always.
    if [ "$event" = none ] || [ ! -e "$T/events/$event/enable" ] || [ "${KREPLAY_PROBES:-}" = always ]; then
      define_probe "${pair%%=*}"
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
  # With the objects of slab caches twice as many.
  each=5
  [ "$QUESTION" != slab ] || each=10
  case " $REQUIRED " in *" kmem/mm_page_alloc "*)
    first=$(pages_allocated)
    sleep 1
    rate=$((($(pages_allocated) - first) * each))
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

# Only the ticks of vmstat matter to page lists; by address, since by name not all kernels filter.
choose_filters() {
  case " $EVENTS " in
    *' workqueue/workqueue_queue_work '*) ;;
    *' workqueue/workqueue_execute_start '*)
      if range=$(symbol_range vmstat_update); then FILTERS="workqueue/workqueue_execute_start function == ${range% *}"; fi
      ;;
  esac
  # Spinlocks alone: LCB_F_SPIN, or LCB_F_RT where they may sleep. Mutexes have more flags than one.
  case " $EVENTS " in *' lock/contention_begin '*)
    FILTERS="$FILTERS
lock/contention_begin flags == 1 || flags == 8"
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
    while read -r filtered filter; do
      [ "$filtered" != "$event" ] || put "$I/events/$event/filter" "$filter" ||
        note "the kernel takes no filter for $event: all of them are recorded"
    done <<END
$FILTERS
END
    ENABLED="$ENABLED $event"
    put "$I/events/$event/enable" 1 || refuse "the event $event can't be enabled"
  done
}

sidecars() {
  when=$1
  shift
  for file in "$@"; do
    put "$I/trace_marker" "kreplay: begin $file.$when"
    cat "$PROC/$file" >"$OUT/$file.$when" 2>/dev/null || rm -f "$OUT/$file.$when"
    put "$I/trace_marker" "kreplay: end $file.$when"
  done
}

# What does not change while it records.
settings() {
  uname -a >"$OUT/uname"
  cat "$PROC/cmdline" >"$OUT/cmdline"
  cat "$PROC/meminfo" >"$OUT/meminfo.before"
  cat "$PROC/pagetypeinfo" >"$OUT/pagetypeinfo.before" 2>/dev/null || rm -f "$OUT/pagetypeinfo.before"
  for file in "$PROC"/sys/vm/* "$PROC"/sys/kernel/*; do
    # Reading stat_refresh has an effect; names of hosts are nobody's business.
    case $file in */stat_refresh | */hostname | */domainname) continue ;; esac
    [ -f "$file" ] && [ -r "$file" ] || continue
    value=''
    { read -r value <"$file"; } 2>/dev/null || continue
    # No process for each of them: there are a hundred and more.
    printf '%s = %s\n' "${file#"$PROC/sys/"}" "$value"
  done >"$OUT/sysctl.paths"
  while read -r name value; do printf '%s.%s %s\n' "${name%%/*}" "${name#*/}" "$value"; done <"$OUT/sysctl.paths" >"$OUT/sysctl"
  rm -f "$OUT/sysctl.paths"
  for file in "$SYS"/devices/system/node/node[0-9]*/cpulist; do
    [ -r "$file" ] || continue
    node=${file%/cpulist}
    printf '%s/cpulist:%s\n' "${node##*/}" "$(cat "$file")"
  done >"$OUT/nodes"
  if [ -r "$PROC/config.gz" ]; then
    gzip -dc "$PROC/config.gz" >"$OUT/config" 2>/dev/null || rm -f "$OUT/config"
  elif [ -r "$BOOT/config-$(uname -r)" ]; then
    cat "$BOOT/config-$(uname -r)" >"$OUT/config"
  fi
  for file in sysctl nodes config; do [ -s "$OUT/$file" ] || rm -f "$OUT/$file"; done
}

# What the slab allocator says of its caches: lines `CACHE FILE TEXT`. No process for each file: it would use the caches that are counted.
slab_files() {
  for folder in "$SYS"/kernel/slab/*; do
    # Links are other names of merged caches.
    [ -d "$folder" ] && [ ! -h "$folder" ] || continue
    for file in "$folder"/*; do
      case ${file##*/} in
        *_calls) continue ;;
        align | aliases | cpu_slabs | object* | objs_per_slab | order* | partial | cpu_partial* | min_partial | slab_size | slabs*) ;;
        total_objects | sheaf_* | barn_* | alloc_* | free_* | cpuslab_flush | deactivate_* | cmpxchg_*) ;;
        *) continue ;;
      esac
      { read -r value <"$file"; } 2>/dev/null || continue
      printf '%s %s %s\n' "${folder##*/}" "${file##*/}" "$value"
    done
  done
}
# The counters stand next to what is recorded: no process lies between.
slab_state() {
  [ "$QUESTION" = slab ] || return 0
  [ "$1" = before ] || slab_files >"$OUT/slabstats.$1"
  cat "$PROC/slabinfo" >"$OUT/slabinfo.$1" 2>/dev/null
  [ "$1" != before ] || slab_files >"$OUT/slabstats.$1"
  for file in slabstats slabinfo; do [ -s "$OUT/$file.$1" ] || rm -f "$OUT/$file.$1"; done
}
check_slab() {
  [ "$QUESTION" = slab ] || return 0
  if [ ! -d "$SYS/kernel/slab" ]; then
    note "this kernel has no /sys/kernel/slab (CONFIG_SLUB, CONFIG_SLUB_TINY=n): how its caches are built is worked out from their objects' sizes"
    return
  fi
  for file in "$SYS"/kernel/slab/*/alloc_fastpath; do
    [ -e "$file" ] || note "this kernel does not count what its slab caches do (CONFIG_SLUB_STATS): what CPUs and barns held at the start is known only as far as the trace uses it, and no counter checks the replay"
    return
  done
}

record() {
  mkdir "$OUT" || refuse "the folder $OUT can't be made" "name another with --out"
  MADE=yes
  settings
  enter=''
  [ ! -t 0 ] || enter='Enter or '
  if [ "$DURATION" -gt 0 ]; then say "Recording for $DURATION s; ${enter}Ctrl-C ends it sooner."; else say "Recording until ${enter}Ctrl-C."; fi
  STATE=record
  [ "$STOP" = no ] || exit 130
  slab_state before
  { printf '1\n' >"$I/tracing_on"; } 2>/dev/null || refuse "tracing can't be switched on"
  # While it records, between marks: nothing that happens lies between file and trace.
  sidecars before zoneinfo buddyinfo vmstat
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
  STATE=save
  sidecars after zoneinfo buddyinfo vmstat
  put "$I/tracing_on" 0
  slab_state after
  # trace-cmd extract of an instance writes the main buffer's.
  current trace_clock >"$OUT/clock"
  # shellcheck disable=SC2086 # none or one
  kill $TIMER $READER 2>/dev/null
  TIMER='' READER=''
}

# How often each probe was hit: at 0.2 to 1 µs each.
count_hits() {
  hits=0
  [ -r "$T/kprobe_profile" ] || return 0
  while read -r name hit _; do
    case " $DEFINED " in *" ${name#*/} "*) hits=$((hits + hit)) ;; esac
  done <"$T/kprobe_profile"
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
  if [ "$hits" -gt 0 ]; then
    say "Probes: $hits hits, at 0.2 to 1 µs each (a rule of thumb) $((hits / 5000)) to $((hits / 1000 + 1)) ms in all."
  fi
  if [ "$lost" -gt 0 ]; then
    note "$lost events were lost: the buffer was too small. Record a shorter time (--seconds), or a quieter one"
  elif [ "$entries" -eq 0 ]; then
    note "no event was recorded"
  fi
  printf '%s' "kreplay capture --for $QUESTION --seconds $DURATION
events: $EVENTS
clock: $(cat "$OUT/clock")
probes: $hits hits${LAYOUT:+; pagesets by $LAYOUT}
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
  say "Next, where kreplay is: kreplay compare $(basename "$RESULT")"
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
  check_evidence
  check_slab
  choose_filters
  set_up
  record
  count_losses
  count_hits
  save
  restore
  pack
  [ "$lost" -eq 0 ] || exit 1
}

main
