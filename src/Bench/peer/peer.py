"""
The peer of `./modnet bench`: runs in PyTorch what ModNet runs, when it is told to.

Reads a JSON object a line, answers with one: {"answer": …} or {"error": "…"}. Waits for the next line meanwhile, so that
whoever asks can measure both sides in turn. Ends with its input.

    python3 peer.py THREADS
"""
import json
import signal
import sys
import time

import torch

import cifar
import layer
import operators
import predict
import ptb

MODELS = {"ptb": ptb.Ptb, "cifar": cifar.Cifar, "layer": layer.Layer, "operators": operators.Operators, "predict": predict.Predict}


def growth(action):
    """Bytes by which the peak of resident memory during the action was above what was resident before."""

    def read(name):
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = read("VmRSS:")
    action()
    return read("VmHWM:") - before


class Program:
    def __init__(self):
        self.model = None

    def about(self):
        return f"{torch.__version__}, {torch.get_num_threads()} threads"

    def open(self, model, **arguments):
        self.model = None
        self.model = MODELS[model](**arguments)
        return self.model.variants()

    def close(self):
        self.model = None
        return True

    def time(self, part, variant, calls):
        start = time.perf_counter()
        self.model.run(part, variant, calls)
        return time.perf_counter() - start

    def memory(self, part, variant, calls):
        return growth(lambda: self.model.run(part, variant, calls))

    def values(self, **arguments):
        return self.model.values(**arguments)


def main():
    # The terminal's Ctrl-C reaches both; who started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(int(sys.argv[1]))
    program = Program()
    for line in sys.stdin:
        try:
            told = json.loads(line)
            answer = {"answer": getattr(program, told.pop("do"))(**told)}
        except Exception as failure:
            answer = {"error": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
