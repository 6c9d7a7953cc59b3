"""
A modular linear layer in plain PyTorch, forward, backward and update, in the ways in which it is written:

* loop: rows sorted by module, then one linear layer per module in use. Modules are `nn.Linear`s: idle ones have no gradient, and
  Adam passes them over.
* bmm: weights stacked; the rows of every module in use, padded to the longest, in one batched product.
* wide: all modules on all rows in one product, then the chosen are picked.
* dense: one layer for all rows, with a row for every choice.

Choices and the gradient of the output are given.
"""
import torch
import torch.nn.functional as F

# Of numbers in a block of outputs, and of operations in a step, beyond which nobody would run all modules on all rows.
MOST_NUMBERS = 3e8
MOST_OPERATIONS = 2e11


class Stacked:
    def __init__(self, modules, width):
        bound = width**-0.5
        self.weight = torch.nn.Parameter(torch.empty(modules, width, width).uniform_(-bound, bound))
        self.bias = torch.nn.Parameter(torch.empty(modules, width).uniform_(-bound, bound))
        self.parameters = [self.weight, self.bias]


class Layer:
    def __init__(self, modules, choose, batch, width, in_use):
        torch.manual_seed(1)
        self.modules, self.choose, self.width = modules, choose, width
        self.chosen = torch.randint(in_use, (batch, choose)) * (modules // in_use)
        self.x = torch.rand(batch, width, requires_grad=True)
        self.upstream = torch.rand(batch, width)
        rows = batch * choose
        self.many = torch.rand(rows, width, requires_grad=True)
        self.many_upstream = torch.rand(rows, width)
        self.linears = None
        self.stacked = None
        self.line = torch.nn.Linear(width, width)
        self.refused = {}
        if rows * modules * width > MOST_NUMBERS or 6 * batch * modules * width * width > MOST_OPERATIONS:
            self.refused["wide"] = "all modules on all rows would be too much"
        self.optimizers = {}

    def variants(self):
        ways = ["loop", "bmm", "wide", "dense"]
        return {way: self.refused.get(way, ["adam", "adam-foreach"]) for way in ways}

    def parameters(self, way):
        if way == "dense":
            return list(self.line.parameters())
        if way == "loop":
            if self.linears is None:
                self.linears = torch.nn.ModuleList(
                    torch.nn.Linear(self.width, self.width) for _ in range(self.modules)
                )
            return list(self.linears.parameters())
        if self.stacked is None:
            self.stacked = Stacked(self.modules, self.width)
        return self.stacked.parameters

    def optimizer(self, way, variant):
        if self.optimizers.get(way, (None,))[0] != variant:
            # One at a time: its moments are twice the parameters.
            self.optimizers.pop(way, None)
            adam = torch.optim.Adam(self.parameters(way), 1e-3, foreach=variant == "adam-foreach")
            self.optimizers[way] = (variant, adam)
        return self.optimizers[way][1]

    def run(self, part, variant, calls):
        optimizer = self.optimizer(part, variant)
        forward = getattr(self, part)
        x, upstream = (self.many, self.many_upstream) if part == "dense" else (self.x, self.upstream)
        for _ in range(calls):
            optimizer.zero_grad(set_to_none=True)
            x.grad = None
            forward(x).backward(upstream)
            optimizer.step()

    def dense(self, x):
        return self.line(x)

    def sorted(self):
        """The rows in order of their modules, where each choice went, the modules in use and their counts."""
        flat = self.chosen.flatten()
        order = flat.argsort()
        used, counts = torch.unique_consecutive(flat[order], return_counts=True)
        return order, used, counts

    def unsorted(self, outputs, order):
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        each = outputs.index_select(0, place)
        return each if self.choose == 1 else each.view(-1, self.choose, self.width).sum(1)

    def loop(self, x):
        order, used, counts = self.sorted()
        rows = order if self.choose == 1 else order // self.choose
        parts = x.index_select(0, rows).split(counts.tolist())
        outputs = [self.linears[module](part) for module, part in zip(used.tolist(), parts)]
        return self.unsorted(torch.cat(outputs), order)

    def bmm(self, x):
        order, used, counts = self.sorted()
        rows = order if self.choose == 1 else order // self.choose
        longest = int(counts.max())
        starts = counts.cumsum(0) - counts
        # Where the i-th sorted row lies among all modules' padded rows.
        slot = torch.repeat_interleave(torch.arange(len(used)) * longest - starts, counts) + torch.arange(len(order))
        padded = x.new_zeros(len(used) * longest, self.width).index_copy(0, slot, x.index_select(0, rows))
        weight, bias = self.stacked.weight, self.stacked.bias
        if len(used) < self.modules:
            weight, bias = weight.index_select(0, used), bias.index_select(0, used)
        outputs = torch.baddbmm(bias.unsqueeze(1), padded.view(len(used), longest, -1), weight.transpose(1, 2))
        return self.unsorted(outputs.flatten(0, 1).index_select(0, slot), order)

    def wide(self, x):
        weight, bias = self.stacked.weight, self.stacked.bias
        every = F.linear(x, weight.flatten(0, 1), bias.flatten()).view(-1, self.width)
        first = torch.arange(len(x)).unsqueeze(1) * self.modules
        each = every.index_select(0, (first + self.chosen).flatten())
        return each if self.choose == 1 else each.view(-1, self.choose, self.width).sum(1)

    def values(self):
        """For tests: the outputs' sums and gradients of x by every way, from the same parameters."""
        self.parameters("bmm")
        self.parameters("loop")
        with torch.no_grad():
            for linear, weight, bias in zip(self.linears, self.stacked.weight, self.stacked.bias):
                linear.weight.copy_(weight)
                linear.bias.copy_(bias)
        told = {}
        for way in ["loop", "bmm", "wide"]:
            outputs = getattr(self, way)(self.x)
            slope = torch.autograd.grad(outputs, self.x, self.upstream)[0]
            told[way] = [outputs.flatten().tolist(), slope.flatten().tolist()]
        return told
