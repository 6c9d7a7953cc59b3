"""Shuffled passes over datapoints, as a DataLoader makes them, without its workers: the data are in memory."""
import torch


class Minibatches:
    def __init__(self, count, size):
        self.count, self.size, self.order, self.at = count, size, None, count

    def next(self):
        if self.at >= self.count:
            self.order, self.at = torch.randperm(self.count), 0
        picked = self.order[self.at : self.at + self.size]
        self.at += self.size
        return picked
