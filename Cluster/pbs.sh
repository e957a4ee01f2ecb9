#!/usr/bin/env bash
# A SIP-AT run under PBS (PBS Pro, OpenPBS), from sipat's folder: qsub Cluster/pbs.sh
#PBS -N sipat
# Change: your queue, and the time it allows.
#PBS -q workq
#PBS -l walltime=12:00:00
# Change: nodes (select), cores and ranks per node (one per core is a good start).
#PBS -l select=2:ncpus=16:mpiprocs=16
# The run may be started again; it goes on where it was.
#PBS -r y
#PBS -j oe
set -uo pipefail
cd "$PBS_O_WORKDIR" || exit 74

# Change: the binary, built with SIPAT_MARCH for the oldest CPU of the queue; the recipe; the run's folder.
export SIPAT=${SIPAT:-$PWD/.build/release/sipat}
recipe=${RECIPE:-recipe.yaml}
run=${RUN:-runs/$PBS_JOBID}
# Change: a little less than walltime, so that the run ends by itself with a checkpoint.
budget=${BUDGET:-11h50m}

# Open MPI as Debian builds it does not know PBS: the hosts are told in a file, one line per host with its ranks.
hosts=$(mktemp)
sort "$PBS_NODEFILE" | uniq -c | awk '{print $2 " slots=" $1}' > "$hosts"
ranks=$(wc -l < "$PBS_NODEFILE")
Scripts/launch -n "$ranks" --hostfile "$hosts" -- train "$recipe" --output "$run" --resume-if-present --time-budget "$budget"
code=$?
rm -f "$hosts"
# 75: checkpointed, run me again.
if [ "$code" -eq 75 ]; then qsub -v "SIPAT=$SIPAT,RECIPE=$recipe,RUN=$run,BUDGET=$budget" Cluster/pbs.sh; fi
exit "$code"
