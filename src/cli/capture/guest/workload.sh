# What the guest does while it is recorded, by nothing but busybox: until it is switched off.
mkdir -p /scratch
churn() { # on one CPU: files made and unlinked, processes started
  while :; do
    dd if=/dev/zero of="/scratch/$1" bs=64k count=48
    (:)
    cat /proc/self/maps
    rm "/scratch/$1"
  done
}
handed() { # written on CPU 0, unlinked on CPU 1
  while :; do
    taskset 1 dd if=/dev/zero of=/scratch/handed bs=64k count=32
    taskset 2 rm /scratch/handed
  done
}
pressure() { # file pages until reclaim has to work, then blocks of high order
  while :; do
    taskset 1 dd if=/dev/vda of=/dev/null bs=1M
    echo 400 >/proc/sys/vm/nr_hugepages
    echo 0 >/proc/sys/vm/nr_hugepages
  done
}
case $1 in
  drain)
    taskset -p 2 $$
    pressure &
    churn isolated
    ;;
  *)
    (taskset -p 1 "$(exec sh -c 'echo $PPID')"; churn first) &
    handed &
    churn second
    ;;
esac
