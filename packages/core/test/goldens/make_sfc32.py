"""The sfc32 generator, written after PractRand's description and independent of rng.ts, for rng.test.ts.

Ran on: Python 3.11.7, standard library alone.
Call: python make_sfc32.py > sfc32.json
"""

import json

M = 0xFFFFFFFF


def sfc32(a, b, c, counter, n):
    for _ in range(n):
        result = (a + b + counter) & M
        counter = (counter + 1) & M
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & M
        c = (((c << 21) | (c >> 11)) + result) & M
        yield result


states = [(1, 2, 3, 4), (0, 0, 0, 1), (M, M, M, M), (0xDEADBEEF, 0x12345678, 0x9ABCDEF0, 42)]
print(json.dumps([{"state": s, "values": list(sfc32(*s, 20))} for s in states]))
