"""The talk of a contestant in Python with ../support/contestant.ts."""

import json
import resource
import sys
import time

WARM_UP_CALLS, WARM_UP_SECONDS = 2, 1.5


def contest(run, description):
    started, calls = time.perf_counter(), 0
    while calls < WARM_UP_CALLS or time.perf_counter() - started < WARM_UP_SECONDS:
        run()
        calls += 1
    calls = 0
    say({"ready": description})
    for line in sys.stdin:
        command, *count = line.split()
        if command != "run":
            break
        start = time.perf_counter()
        for _ in range(int(count[0])):
            run()
        calls += int(count[0])
        say({"milliseconds": 1000 * (time.perf_counter() - start) / int(count[0])})
    say({"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "calls": calls})


def say(value):
    print(json.dumps(value), flush=True)
