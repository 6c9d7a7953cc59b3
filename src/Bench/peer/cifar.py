"""
The network of modular convolutions (paper, appendix D) and its Viterbi EM in plain PyTorch, written for speed:

* all M filters of a layer are one convolution (a filter has one channel), and all M modules of a linear layer one product;
* in the E-step the first layer's filters and controller run once per image and are spread over the candidates, which are one batch;
  nothing is tracked for autograd.

Linear layers can also fetch the chosen weights instead; whoever measures keeps the fastest.
"""
import torch
import torch.nn.functional as F

import tensors
from minibatches import Minibatches

CONVOLUTIONS = 3
LINEARS = ["wide", "fetched"]


class Cifar:
    def __init__(self, file, modules, choose, samples, m_steps, e_batch, m_batch, rate, controller_weight, seed, **_):
        told = tensors.read(file)
        self.inputs, self.targets, self.held = told.pop("inputs"), told.pop("targets"), told.pop("assignments")
        parameter = {name: torch.nn.Parameter(value) for name, value in told.items()}
        self.head = parameter["head.weight"], parameter["head.bias"]
        names = ["module_weight", "module_bias", "controller_weight", "controller_bias"]
        self.layers = [[parameter[f"{i}.{name}"] for name in names] for i in range(CONVOLUTIONS + 2)]
        self.modules, self.choose, self.samples, self.m_steps = modules, choose, samples, m_steps
        self.controller_weight = controller_weight
        self.parameters = list(parameter.values())
        self.optimizers = {
            "adam": torch.optim.Adam(self.parameters, rate),
            "adam-foreach": torch.optim.Adam(self.parameters, rate, foreach=True),
        }
        torch.manual_seed(seed)
        self.m_batches = Minibatches(len(self.inputs), m_batch)
        self.e_batches = Minibatches(len(self.inputs), e_batch)

    def variants(self):
        return {"m_step": [f"{linear}/{o}" for linear in LINEARS for o in self.optimizers], "e_step": LINEARS}

    def run(self, part, variant, calls):
        for _ in range(calls):
            if part == "m_step":
                self.m_step(variant)
            elif part == "e_step":
                self.e_step(variant)
            else:
                m, e = variant.split(" ")
                self.e_step(e)
                for _ in range(self.m_steps):
                    self.m_step(m)

    def log_choices(self, x, layer):
        """log p(·|x) of rows [R, …] → [R, K, M]."""
        logits = F.linear(x.flatten(1), layer[2], layer[3])
        return torch.log_softmax(logits.view(-1, self.choose, self.modules), 2)

    def filtered(self, x, layer):
        """All filters' outputs [R, M, H, W], before the activation."""
        return F.conv2d(x, layer[0].flatten(0, 1), layer[1].flatten(), stride=2, padding=1)

    @staticmethod
    def channels(every, chosen):
        """Of [R, M, H, W] the channels chosen [R, K]."""
        height, width = every.shape[2:]
        return F.relu(every.gather(1, chosen[:, :, None, None].expand(-1, -1, height, width)))

    def linear(self, x, layer, chosen, how):
        """The K chosen modules' outputs side by side, [R, K·out]."""
        rows, out = len(x), layer[1].shape[1]
        if how == "wide":
            every = F.linear(x, layer[0].flatten(0, 1), layer[1].flatten()).view(-1, out)
            first = torch.arange(rows).unsqueeze(1) * self.modules
            each = every.index_select(0, (first + chosen).flatten())
        else:
            flat = chosen.flatten()
            weight = layer[0].index_select(0, flat).view(rows, self.choose * out, -1)
            each = torch.bmm(weight, x.unsqueeze(2)).view(-1, out) + layer[1].index_select(0, flat)
        return F.relu(each).view(rows, -1)

    def loss(self, images, classes, held, how):
        """−mean log p(y|x, a*) − w · mean Σ log p(a*|x) (Eq. 8)."""
        x, log_choice = images, 0
        for i, layer in enumerate(self.layers):
            chosen = held[:, i * self.choose : (i + 1) * self.choose]
            log_choice = log_choice + self.log_choices(x, layer).gather(2, chosen.unsqueeze(2)).sum()
            if i < CONVOLUTIONS:
                x = self.channels(self.filtered(x, layer), chosen)
            else:
                x = self.linear(x.flatten(1), layer, chosen, how)
        return F.cross_entropy(F.linear(x, *self.head), classes) - self.controller_weight * log_choice / len(images)

    def m_step(self, variant):
        how, optimizer = variant.split("/")
        picked = self.m_batches.next()
        loss = self.loss(self.inputs[picked], self.targets[picked], self.held[picked].long(), how)
        optimizer = self.optimizers[optimizer]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    @torch.no_grad()
    def joint(self, images, classes, held, how):
        """log p(y|x, a) + log p(a|x) of a* and S samples [S + 1, B], and their compositions [S + 1, B, C]."""
        batch, many = len(images), self.samples + 1
        x, log_choice, compositions = images, 0, []
        for i, layer in enumerate(self.layers):
            log_p = self.log_choices(x, layer)
            if i == 0:
                log_p = log_p.repeat(many, 1, 1)
            # The smallest of exponential times at rates p is a draw from p.
            chosen = log_p.exp().div_(torch.empty_like(log_p).exponential_()).argmax(2)
            chosen[:batch] = held[:, i * self.choose : (i + 1) * self.choose]
            compositions.append(chosen)
            log_choice = log_choice + log_p.gather(2, chosen.unsqueeze(2)).sum((1, 2))
            if i == 0:
                every = self.filtered(x, layer)
                row = torch.arange(batch).repeat(many).unsqueeze(1) * self.modules
                x = F.relu(every.flatten(0, 1).index_select(0, (row + chosen).flatten()))
                x = x.view(many * batch, self.choose, *every.shape[2:])
            elif i < CONVOLUTIONS:
                x = self.channels(self.filtered(x, layer), chosen)
            else:
                x = self.linear(x.flatten(1), layer, chosen, how)
        logits = F.linear(x, *self.head)
        scores = -F.cross_entropy(logits, classes.repeat(many), reduction="none")
        return (scores + log_choice).view(many, batch), torch.cat(compositions, 1).view(many, batch, -1)

    @torch.no_grad()
    def e_step(self, how):
        picked = self.e_batches.next()
        held = self.held[picked]
        joint, compositions = self.joint(self.inputs[picked], self.targets[picked], held.long(), how)
        best, which = joint[1:].max(0)
        found = compositions[which + 1, torch.arange(len(picked))].to(held.dtype)
        self.held[picked] = torch.where((best > joint[0]).unsqueeze(1), found, held)

    def values(self, rows):
        """For tests: what all variants say of the first rows."""
        images, classes, held = self.inputs[:rows], self.targets[:rows], self.held[:rows].long()
        told = {"loss": {}, "joint": {}, "sampled": {}}
        for how in LINEARS:
            told["loss"][how] = self.loss(images, classes, held, how).item()
            joint, compositions = self.joint(images, classes, held, how)
            told["joint"][how] = joint[0].tolist()
            told["sampled"][how] = [joint[1].tolist(), compositions[1].tolist()]
        return told
