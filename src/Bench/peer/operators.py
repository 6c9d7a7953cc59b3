"""Operators one by one, on tensors so small that what is measured is the way to them."""
import torch


class Operators:
    def __init__(self):
        a, b = torch.rand(4, 4), torch.rand(4, 4)
        bias = torch.rand(4)
        index = torch.tensor([2, 0, 1])
        leaf = torch.rand(4, 4, requires_grad=True)

        def backward():
            leaf.grad = None
            (leaf * b).sum().backward()

        self.all = {
            "add": lambda: a + b,
            "multiply by a number": lambda: a * 2.0,
            "matmul": lambda: a.matmul(b),
            "linear": lambda: torch.nn.functional.linear(a, b, bias),
            "sum": lambda: a.sum(),
            "softmax": lambda: a.softmax(1),
            "view": lambda: a.view(2, 8),
            "narrow": lambda: a.narrow(0, 1, 2),
            "index_select": lambda: a.index_select(0, index),
            "cat": lambda: torch.cat([a, b]),
            "to a number": lambda: a.sum().item(),
            "multiply, sum, backward": backward,
        }

    def variants(self):
        return list(self.all)

    def run(self, part, variant, calls):
        operator = self.all[variant]
        for _ in range(calls):
            operator()
