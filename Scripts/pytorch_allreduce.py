#!/usr/bin/env python3
"""Median times of torch.distributed.all_reduce over gloo, for the sizes of `sipat bench allreduce`.

    torchrun --nproc-per-node 2 Scripts/pytorch_allreduce.py --sizes 4096,1048576

Rank 0 prints one JSON line: bytes -> seconds, the slowest rank's.
"""
import argparse
import json
import statistics
import time

import torch
import torch.distributed as dist

parser = argparse.ArgumentParser()
parser.add_argument("--sizes", default="4096,65536,1048576,4194304,16777216,67108864,268435456")
parser.add_argument("--repeats", type=int, default=10)
options = parser.parse_args()
torch.set_num_threads(1)
dist.init_process_group("gloo")
medians = {}
for size in map(int, options.sizes.split(",")):
    values = torch.rand(size // 4)
    times = []
    for repeat in range(options.repeats + 1):
        dist.barrier()
        start = time.perf_counter()
        dist.all_reduce(values)
        elapsed = torch.tensor([time.perf_counter() - start], dtype=torch.float64)
        dist.all_reduce(elapsed, dist.ReduceOp.MAX)
        if repeat > 0:
            times.append(elapsed.item())
        values.mul_(0.5)
    medians[size] = statistics.median(times)
if dist.get_rank() == 0:
    print(json.dumps(medians))
dist.destroy_process_group()
