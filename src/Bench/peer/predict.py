"""
What a trained network answers, in plain PyTorch: a linear layer, a layer that runs K of M linear modules, a softmax. The modules are run in the ways in which
this is written:

* fetched: the chosen weights of every row, one batched product.
* wide: all modules on all rows in one product, then the chosen are picked.
* loop: rows sorted by module, then one product per module in use.
"""
import torch
import torch.nn.functional as F

import tensors

WAYS = ["fetched", "wide", "loop"]


class Predict:
    def __init__(self, file, modules, choose, **_):
        told = tensors.read(file)
        self.inputs = {name.split(".")[1]: told.pop(name) for name in [n for n in told if n.startswith("x.")]}
        self.told, self.modules, self.choose = told, modules, choose

    def variants(self):
        return {rows: WAYS for rows in self.inputs}

    def run(self, part, variant, calls):
        x = self.inputs[part]
        with torch.inference_mode():
            for _ in range(calls):
                self.answer(x, variant)

    def answer(self, x, variant):
        t = self.told
        h = F.relu(F.linear(x, t["first.weight"], t["first.bias"]))
        logits = F.linear(h, t["controller.weight"], t["controller.bias"])
        chosen = logits.view(-1, self.choose, self.modules).argmax(2)
        y = F.relu(getattr(self, variant)(h, chosen)).sum(1)
        return torch.softmax(F.linear(y, t["head.weight"], t["head.bias"]), 1)

    def fetched(self, h, chosen):
        rows, flat = len(h), chosen.flatten()
        weight = self.told["modules.weight"].index_select(0, flat).view(rows, -1, h.shape[1])
        each = torch.bmm(weight, h.unsqueeze(2)).view(rows, self.choose, -1)
        return each + self.told["modules.bias"].index_select(0, flat).view(rows, self.choose, -1)

    def wide(self, h, chosen):
        weight, bias = self.told["modules.weight"], self.told["modules.bias"]
        every = F.linear(h, weight.flatten(0, 1), bias.flatten()).view(len(h) * self.modules, -1)
        places = torch.arange(len(h)).unsqueeze(1) * self.modules + chosen
        return every.index_select(0, places.flatten()).view(len(h), self.choose, -1)

    def loop(self, h, chosen):
        weight, bias = self.told["modules.weight"], self.told["modules.bias"]
        flat = chosen.flatten()
        outputs = h.new_empty(len(flat), weight.shape[1])
        for module in flat.unique().tolist():
            places = (flat == module).nonzero().squeeze(1)
            outputs[places] = F.linear(h.index_select(0, places // self.choose), weight[module], bias[module])
        return outputs.view(len(h), self.choose, -1)

    def values(self, rows):
        x = self.inputs[str(rows)]
        with torch.inference_mode():
            return {way: self.answer(x, way).flatten().tolist() for way in WAYS}
