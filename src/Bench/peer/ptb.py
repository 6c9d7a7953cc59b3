"""
The paper's language model (appendix A) and its Viterbi EM in plain PyTorch, written for speed:

* what reads x is one product over the whole window, ahead of the loop over time; only what reads h is done step by step;
* all M modules' candidates are one product per step (M·hidden is small), of which the chosen are picked;
* in the M-step choices are given, so the controller runs once, after the loop, over all steps;
* in the E-step all candidates are one batch; embedding and the products of x are done before it, once per datapoint, and
  spread over the candidates; nothing is tracked for autograd, and logits are made a few rows at a time.

What is best depends on the machine, so there are variants, by name; whoever measures keeps the fastest.
"""
import torch
import torch.nn.functional as F

import tensors
from minibatches import Minibatches


def whole(features, weight, bias, targets):
    """Σ log p(target | feature) over rows, with gradient: all logits at once."""
    return -F.cross_entropy(F.linear(features, weight, bias), targets, reduction="sum")


class Parts(torch.autograd.Function):
    """
    The same with gradients made on the way, a few rows' logits at a time: what stays in the cache need not go through memory,
    and no block of gigabytes is asked of the system at every step.
    """

    @staticmethod
    def forward(ctx, features, weight, bias, targets, rows):
        total = features.new_zeros(())
        slopes = torch.empty_like(features)
        weight_slope, bias_slope = torch.zeros_like(weight), torch.zeros_like(bias)
        for part, target, slope in zip(features.split(rows), targets.split(rows), slopes.split(rows)):
            log = torch.addmm(bias, part, weight.t())
            log = torch.log_softmax(log, 1)
            picked = log.gather(1, target.unsqueeze(1))
            total += picked.sum()
            # ∂/∂logits of Σ log p(target) is onehot − p.
            upstream = log.exp_().neg_()
            upstream.scatter_add_(1, target.unsqueeze(1), torch.ones_like(picked))
            torch.mm(upstream, weight, out=slope)
            weight_slope.addmm_(upstream.t(), part)
            bias_slope += upstream.sum(0)
        ctx.save_for_backward(slopes, weight_slope, bias_slope)
        return total

    @staticmethod
    def backward(ctx, above):
        slopes, weight_slope, bias_slope = ctx.saved_tensors
        return slopes * above, weight_slope * above, bias_slope * above, None, None


def scored(features, weight, bias, targets, rows):
    """log p(target | feature) of every row, without gradient, `rows` of logits at a time."""
    scores = torch.empty(features.shape[0])
    for part, target, score in zip(features.split(rows), targets.split(rows), scores.split(rows)):
        score.copy_(F.cross_entropy(torch.addmm(bias, part, weight.t()), target, reduction="none"))
    return scores.neg_()


def scored_by_sum(features, weight, bias, targets, rows):
    """The same as logit less log Σ exp: the target's logit is a product of its own."""
    picked = (features * weight[targets]).sum(1) + bias[targets]
    sums = torch.empty(features.shape[0])
    for part, total in zip(features.split(rows), sums.split(rows)):
        torch.logsumexp(torch.addmm(bias, part, weight.t()), 1, out=total)
    return picked.sub_(sums)


HEADS = {
    "whole": whole,
    "parts-32": lambda *a: Parts.apply(*a, 32),
    "parts-128": lambda *a: Parts.apply(*a, 128),
    "parts-512": lambda *a: Parts.apply(*a, 512),
}
SCORES = {
    # The logits of a time step, of all candidates.
    "steps": lambda *a, step: scored(*a, step),
    "entropy-32": lambda *a, step: scored(*a, 32),
    "entropy-128": lambda *a, step: scored(*a, 128),
    "entropy-512": lambda *a, step: scored(*a, 512),
    "sum-32": lambda *a, step: scored_by_sum(*a, 32),
    "sum-128": lambda *a, step: scored_by_sum(*a, 128),
    "sum-512": lambda *a, step: scored_by_sum(*a, 512),
}


class Ptb:
    """The model, its data, a* and an optimiser. K modules are chosen at every word, and summed."""

    def __init__(self, file, choose, samples, m_steps, batch, rate, seed, **_):
        told = tensors.read(file)
        self.inputs, self.targets, self.held = told.pop("inputs"), told.pop("targets"), told.pop("assignments")
        parameter = {name: torch.nn.Parameter(value) for name, value in told.items()}
        self.embedding = parameter["embedding"]
        self.gate_weight, self.gate_bias = parameter["gate_weight"], parameter["gate_bias"]
        self.controller_weight, self.controller_bias = parameter["controller_weight"], parameter["controller_bias"]
        self.module_weight, self.module_bias = parameter["module_weight"], parameter["module_bias"]
        self.head_weight, self.head_bias = parameter["head_weight"], parameter["head_bias"]
        self.modules, self.hidden = self.module_bias.shape
        self.choose, self.samples, self.m_steps = choose, samples, m_steps
        self.parameters = list(parameter.values())
        self.optimizers = {
            "adam": torch.optim.Adam(self.parameters, rate),
            "adam-foreach": torch.optim.Adam(self.parameters, rate, foreach=True),
        }
        torch.manual_seed(seed)
        self.m_batches = Minibatches(len(self.inputs), batch)
        self.e_batches = Minibatches(len(self.inputs), batch)

    def variants(self):
        """Of every part, the variants there are."""
        m = [f"{head}/{optimizer}" for head in HEADS for optimizer in self.optimizers]
        return {"m_step": m, "e_step": list(SCORES)}

    def run(self, part, variant, calls):
        """Does a part so many times. A round's variant is those of its two parts."""
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

    def split(self):
        """The parameters that read h, and those that read x, of gates and modules: [·, hidden] and [·, embed]."""
        h = self.hidden
        modules = self.module_weight.flatten(0, 1)
        return self.gate_weight[:, :h], self.gate_weight[:, h:], modules[:, :h], modules[:, h:]

    def ahead(self, tokens):
        """What x gives to gates [T, B, 2·hidden], to modules [T, B, M·hidden] and to controllers [T, B, K·M]."""
        _, gate_x, _, module_x = self.split()
        controller_x = self.controller_weight[:, self.hidden :]
        weight = torch.cat([gate_x, module_x, controller_x])
        bias = torch.cat([self.gate_bias, self.module_bias.flatten(), self.controller_bias])
        x = F.embedding(tokens.t(), self.embedding)
        every = F.linear(x, weight, bias)
        return every.split([2 * self.hidden, self.modules * self.hidden, len(self.controller_bias)], 2)

    def picked(self, candidates, rows, chosen):
        """Of all modules' outputs [R, M·hidden] the chosen [R, K] ones' activations, summed."""
        each = candidates.view(-1, self.hidden)
        if self.choose == 1:
            return F.relu(each[rows + chosen[:, 0]])
        return F.relu(each[rows.unsqueeze(1) + chosen]).sum(1)

    def loss(self, tokens, targets, held, head):
        """−mean log p(y|x, a*) − mean Σ log p(a*|x), of windows [B, T] with a* [B, T·K] (Eq. 8)."""
        batch, steps = tokens.shape
        gates, candidates, logits = (part.unbind(0) if i < 2 else part for i, part in enumerate(self.ahead(tokens)))
        gate_h, _, module_h, _ = self.split()
        gate_h, module_h = gate_h.t(), module_h.t()
        chosen = held.view(batch, steps, self.choose).transpose(0, 1)
        rows = torch.arange(batch) * self.modules
        h = torch.zeros(batch, self.hidden)
        before = []
        states = []
        for t in range(steps):
            before.append(h)
            z, r = torch.addmm(gates[t], h, gate_h).sigmoid().chunk(2, 1)
            candidate = self.picked(torch.addmm(candidates[t], r * h, module_h), rows, chosen[t])
            h = torch.lerp(h, candidate, z)
            states.append(h)
        logits = logits + F.linear(torch.stack(before), self.controller_weight[:, : self.hidden])
        choices = torch.log_softmax(logits.view(steps, batch, self.choose, self.modules), 3)
        log_choice = choices.gather(3, chosen.unsqueeze(3)).sum()
        features = torch.stack(states).flatten(0, 1)
        log_likelihood = HEADS[head](features, self.head_weight, self.head_bias, targets.t().reshape(-1))
        return -(log_likelihood + log_choice) / batch

    def m_step(self, variant):
        head, optimizer = variant.split("/")
        picked = self.m_batches.next()
        held = self.held[picked].long()
        loss = self.loss(self.inputs[picked], self.targets[picked], held, head)
        optimizer = self.optimizers[optimizer]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    @torch.no_grad()
    def joint(self, tokens, targets, held, score):
        """log p(y|x, a) + log p(a|x) of a* and S samples [S + 1, B], and their compositions [S + 1, B, T·K]."""
        batch, steps = tokens.shape
        many = self.samples + 1
        gates, candidates, logits = self.ahead(tokens)
        gate_h, _, module_h, _ = self.split()
        controller_h = self.controller_weight[:, : self.hidden]
        both = torch.cat([gate_h, controller_h]).t().contiguous()
        ahead = torch.cat([gates, logits], 2)
        module_h = module_h.t().contiguous()
        given = held.view(batch, steps, self.choose)
        rows = torch.arange(many * batch) * self.modules
        noise = torch.empty(steps, many * batch, self.choose, self.modules).exponential_()
        states = torch.empty(steps, many * batch, self.hidden)
        chosen = torch.empty(steps, many * batch, self.choose, dtype=torch.long)
        choices = torch.empty(steps, many * batch, self.choose, self.modules)
        h = torch.zeros(many * batch, self.hidden)
        for t in range(steps):
            seen = (h @ both).view(many, batch, -1).add_(ahead[t]).view(many * batch, -1)
            z, r = seen[:, : 2 * self.hidden].sigmoid().chunk(2, 1)
            log_p = torch.log_softmax(seen[:, 2 * self.hidden :].reshape(-1, self.choose, self.modules), 2)
            choices[t] = log_p
            # The smallest of exponential times at rates p is a draw from p.
            torch.argmax(log_p.exp_().div_(noise[t]), 2, out=chosen[t])
            chosen[t, :batch] = given[:, t]
            own = ((r * h) @ module_h).view(many, batch, -1).add_(candidates[t])
            h = torch.lerp(h, self.picked(own, rows, chosen[t]), z)
            states[t] = h
        log_choice = choices.gather(3, chosen.unsqueeze(3)).sum((0, 2, 3))
        wanted = targets.t().unsqueeze(1).expand(-1, many, -1).reshape(-1)
        scores = SCORES[score](states.view(-1, self.hidden), self.head_weight, self.head_bias, wanted, step=many * batch)
        joint = scores.view(steps, -1).sum(0).add_(log_choice)
        return joint.view(many, batch), chosen.transpose(0, 1).reshape(many, batch, -1)

    @torch.no_grad()
    def e_step(self, score):
        picked = self.e_batches.next()
        held = self.held[picked]
        joint, compositions = self.joint(self.inputs[picked], self.targets[picked], held.long(), score)
        best, which = joint[1:].max(0)
        found = compositions[which + 1, torch.arange(len(picked))].to(held.dtype)
        self.held[picked] = torch.where((best > joint[0]).unsqueeze(1), found, held)

    def values(self, rows):
        """For tests: what all variants say of the first rows. Losses by head, gradients by name, a*'s joints by score."""
        tokens, targets, held = self.inputs[:rows], self.targets[:rows], self.held[:rows].long()
        told = {"loss": {}, "gradient": {}, "joint": {}, "sampled": {}}
        for head in HEADS:
            loss = self.loss(tokens, targets, held, head)
            told["loss"][head] = loss.item()
            told["gradient"][head] = [g.norm().item() for g in torch.autograd.grad(loss, self.parameters)]
        for score in SCORES:
            joint, compositions = self.joint(tokens, targets, held, score)
            told["joint"][score] = joint[0].tolist()
            told["sampled"][score] = [joint[1].tolist(), compositions[1].tolist()]
        return told
