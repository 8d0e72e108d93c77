#!/bin/sh
# One scenario as a Slurm array: each task does its part of the runs and puts its results into one store on a shared file system.
#   sbatch --export=ALL,SCENARIO=/shared/scenario.yaml docs/scale/slurm-array.sh
#   kreplay sweep report /shared/scenario.yaml          # when the array is done; before, it says how many runs are missing
#SBATCH --job-name=kreplay-sweep
#SBATCH --array=1-64
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -eu
: "${SCENARIO:?name a scenario: sbatch --export=ALL,SCENARIO=FILE}"
# What is done is not done again, so a task that is requeued goes on where it was.
exec "${KREPLAY:-kreplay}" sweep run "$SCENARIO" \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  --jobs "${SLURM_CPUS_PER_TASK:-1}"
