"""The nets of `advise`: one slides over the bands and finds resonances, the other weighs the whole spectrum."""
import torch
from torch import nn

torch.set_num_threads(2)  # the number decides how sums are split, and with it the last bits of the weights
torch.use_deterministic_algorithms(True)

# Resonances: middle and scale of the height in dB and of the logarithm of Q to base 2, as the songs are given them.
HEIGHT, LOG_Q = (13.0, 3.0), (3.8, 0.5)
POOL = 4  # bands that the tone net sees as one


class ResonanceNet(nn.Module):
    """Band by band: certainty as a logit, height and log2 Q in units of their scale."""

    def __init__(self, rows, width=48, dropout=0.2):
        super().__init__()
        self.first = nn.Conv1d(rows, width, 5, padding=2)
        self.blocks = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2 * d, dilation=d) for d in (1, 2, 4, 8))
        self.last = nn.Conv1d(width, 3, 1)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        h = self.first(x)
        for block in self.blocks:
            h = h + block(self.drop(torch.relu(h)))
        return self.last(torch.relu(h))


class ToneNet(nn.Module):
    """The amount of each fault of tone, dB."""

    def __init__(self, rows, bands, tones, width=24, hidden=48, dropout=0.5):
        super().__init__()
        self.first = nn.Conv1d(rows, width, 5, padding=2)
        self.second = nn.Conv1d(width, width, 5, padding=2, stride=2)
        self.hidden = nn.Linear(width * ((bands // POOL + 1) // 2), hidden)
        self.last = nn.Linear(hidden, tones)
        self.drop, self.drop_input = nn.Dropout(dropout), nn.Dropout(0.1)

    def forward(self, x):
        h = self.drop_input(nn.functional.avg_pool1d(x, POOL))
        h = self.drop(torch.relu(self.first(h)))
        h = self.drop(torch.relu(self.second(h)))
        return self.last(self.drop(torch.relu(self.hidden(h.flatten(1)))))


def resonance_loss(said, place, near, height, log_q):
    """`place`: 1 where a resonance lies; `near`: 1 where it is neither there nor elsewhere."""
    counts = 1 - near * (1 - place)
    certainty = nn.functional.binary_cross_entropy_with_logits(said[:, 0], place, reduction="none")
    size = nn.functional.smooth_l1_loss(said[:, 1], height, reduction="none") + nn.functional.smooth_l1_loss(said[:, 2], log_q, reduction="none")
    return (certainty * counts).sum() / counts.sum() + 0.01 * (size * place).sum() / place.sum().clamp(min=1)


def tone_loss(said, tone_db):
    return nn.functional.mse_loss(said, tone_db)


def train(net, loss, inputs, labels, seed, epochs, batch, rate, decay, noise):
    """Shuffled batches with a little noise on standardised inputs, and a rate that rises and falls."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=decay)
    steps = epochs * (len(inputs) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    net.train()
    for epoch in range(epochs):
        order = torch.randperm(len(inputs), generator=generator)
        sum_ = 0.0
        for part in order.split(batch)[: len(inputs) // batch]:
            x = inputs[part]
            error = loss(net(x + noise * torch.randn(x.shape, generator=generator)), *(label[part] for label in labels))
            optimiser.zero_grad(); error.backward(); optimiser.step(); schedule.step()
            sum_ += error.item()
        print(f"  {type(net).__name__} {seed}, epoch {epoch + 1}/{epochs}: {sum_ / (len(inputs) // batch):.4f}", flush=True)
    return net.eval()
