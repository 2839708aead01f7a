"""Small training programs that learn to make things: a VAE, a GAN, a diffusion model.

As in ``recurrent.py``: ``torch`` stands for either package, and what is random comes from NumPy.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.training.recurrent import prepared


def pictures(count: int) -> np.ndarray:
    """Return pictures (count, 1, 8, 8) of a bright bar, across or upright, values in [0, 1]."""
    random = np.random.RandomState(0)
    images = random.uniform(0.0, 0.2, (count, 1, 8, 8))
    for image in images:
        start = random.randint(0, 7)
        bar = image[0] if random.randint(2) else image[0].T
        bar[start : start + 2] = random.uniform(0.8, 1.0)
    return images


def vae(torch: Any, dtype: Any) -> list[float]:
    """A variational autoencoder; its loss is what it gets wrong and how far its code strays.

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes" (2013).
    """
    nn, F, data = torch.nn, torch.nn.functional, torch.utils.data
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    random = np.random.RandomState(1)

    class VAE(nn.Module):
        def __init__(self, pixels: int = 64, hidden: int = 24, latent: int = 4) -> None:
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(inplace=True))
            self.mu = nn.Linear(hidden, latent)
            self.logvar = nn.Linear(hidden, latent)
            self.decoder = nn.Sequential(
                nn.Linear(latent, hidden), nn.ReLU(True), nn.Linear(hidden, pixels), nn.Sigmoid()
            )

        def reparameterize(self, mu: Any, logvar: Any) -> Any:
            std = logvar.mul(0.5).exp_()
            eps = torch.from_numpy(random.standard_normal(std.size())).type_as(std)
            return eps.mul(std).add_(mu) if self.training else mu

        def forward(self, x: Any) -> Any:
            h = self.encoder(x.view(x.size(0), -1))
            mu, logvar = self.mu(h), self.logvar(h)
            return self.decoder(self.reparameterize(mu, logvar)).view_as(x), mu, logvar

    def criterion(recon: Any, x: Any, mu: Any, logvar: Any) -> Any:
        bce = F.binary_cross_entropy(recon, x, reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return (bce + kld) / x.numel()

    model = prepared(torch, VAE(), dtype).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    images = torch.from_numpy(pictures(48)).to(dtype)
    loader = data.DataLoader(data.TensorDataset(images), batch_size=16, num_workers=0)
    losses = []
    for _epoch in range(4):
        model.train()
        for _batch, (x,) in enumerate(loader):
            x = x.to(device)
            optimizer.zero_grad()
            recon, mu, logvar = model(x)
            loss = criterion(recon, x, mu, logvar)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    other = VAE().to(device=device, dtype=dtype)
    other.load_state_dict(torch.load(buffer, map_location=device))
    other.eval()
    with torch.no_grad():
        recon, mu, logvar = other(images.to(device))
        losses.append(criterion(recon, images.to(device), mu, logvar).item())
    return losses


def dcgan(torch: Any, dtype: Any) -> list[float]:
    """A generator of pictures and a discriminator that tells them from real ones, in turns.

    Source: Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep
    Convolutional Generative Adversarial Networks" (2015).
    """
    nn, nz, nf = torch.nn, 6, 8
    random = np.random.RandomState(2)

    def weights_init(m: Any) -> None:
        kind = m.__class__.__name__
        if kind.find("Conv") != -1:
            values = random.normal(0.0, 0.2, m.weight.size())
            m.weight.data.copy_(torch.from_numpy(values))
        elif kind.find("BatchNorm") != -1:
            m.weight.data = torch.from_numpy(random.normal(1.0, 0.02, m.num_features)).to(dtype)
            nn.init.constant_(m.bias.data, 0)

    netG = nn.Sequential(
        nn.ConvTranspose2d(nz, 2 * nf, 4, 1, 0, bias=False),
        nn.BatchNorm2d(2 * nf),
        nn.ReLU(True),
        nn.ConvTranspose2d(2 * nf, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    ).to(dtype)
    netD = nn.Sequential(
        nn.Conv2d(1, nf, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(nf, 2 * nf, 4, 2, 1, bias=False),
        nn.BatchNorm2d(2 * nf),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(2 * nf, 1, 2, bias=False),
        nn.Sigmoid(),
        nn.Flatten(0),
    ).to(dtype)
    netG.apply(weights_init)
    netD.apply(weights_init)
    criterion = nn.BCELoss()
    optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
    optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999))
    losses = []
    for real in torch.from_numpy(pictures(40)).to(dtype).mul(2).sub(1).split(8):
        label = torch.full((real.size(0),), 1.0, dtype=dtype)
        netD.zero_grad()
        errD_real = criterion(netD(real), label)
        errD_real.backward()
        fake = netG(torch.from_numpy(random.standard_normal((real.size(0), nz, 1, 1))).to(real))
        output = netD(fake.detach())
        errD_fake = criterion(output, label.fill_(0))
        errD_fake.backward()
        optimizerD.step()
        netG.zero_grad()
        errG = criterion(netD(fake), torch.ones_like(label))
        errG.backward()
        optimizerG.step()
        losses += [(errD_real + errD_fake).item(), errG.item(), output.mean().item()]
    netG.eval()
    with torch.no_grad():
        losses.append(netG(torch.ones(1, nz, 1, 1, dtype=dtype)).data.abs().max().item())
    return losses


def diffusion(torch: Any, dtype: Any) -> list[float]:
    """Points on a circle drown in noise; a network learns to take it out again, step by step.

    Source: Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (2020).
    """
    nn, F, steps = torch.nn, torch.nn.functional, 20
    random = np.random.RandomState(3)

    def randn(*shape: int) -> Any:
        return torch.from_numpy(random.standard_normal(shape)).to(dtype)

    class Denoiser(nn.Module):
        def __init__(self, width: int = 32) -> None:
            super().__init__()
            half = torch.arange(8, dtype=torch.float64)
            self.register_buffer("frequencies", torch.exp(-np.log(100.0) * half / 8)[None])
            self.time = nn.Sequential(nn.Linear(16, width), nn.SiLU())
            self.first, self.last = nn.Linear(2, width), nn.Linear(width, 2)
            self.blocks = nn.ModuleList([nn.Linear(width, width) for _ in range(2)])
            self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])

        def forward(self, x: Any, t: Any) -> Any:
            angles = t.unsqueeze(-1).to(x.dtype) * self.frequencies
            time = self.time(torch.cat((angles.sin(), angles.cos()), dim=-1))
            x = self.first(x)
            for block, norm in zip(self.blocks, self.norms):
                x = x + F.gelu(block(norm(x) + time))
            return self.last(x)

    betas = torch.linspace(1e-3, 0.3, steps, dtype=dtype)
    alphas = 1.0 - betas
    kept = torch.cumprod(alphas, dim=0)
    angle = random.uniform(0, 2 * np.pi, 64)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    points = torch.tensor(circle, dtype=dtype)
    model = prepared(torch, Denoiser(), dtype)
    slow = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15, eta_min=1e-4)
    losses = []
    for _ in range(15):
        t = torch.from_numpy(random.randint(0, steps, (64,))).long()
        noise = randn(64, 2)
        mixed = (
            kept[t].sqrt()[:, None] * points + (1 - kept).sqrt().gather(0, t).view(-1, 1) * noise
        )
        loss = F.mse_loss(model(mixed, t), noise)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        scheduler.step()
        with torch.no_grad():
            for p_slow, p in zip(slow.parameters(), model.parameters()):
                p_slow.mul_(0.9).add_(p, alpha=0.1)
        losses.append(loss.item())
    slow.eval()
    x = randn(16, 2)
    with torch.no_grad():
        for i in reversed(range(steps)):
            predicted = slow(x, torch.full((x.shape[0],), i, dtype=torch.long))
            x = (x - betas[i] / (1 - kept[i]).sqrt() * predicted) / alphas[i].sqrt()
            x += betas[i].sqrt() * randn(16, 2) if i else torch.zeros_like(x)
    return [*losses, x.norm(dim=1).mean().item(), x.std(unbiased=False).item()]


PROGRAMS: dict[str, Callable[..., list[float]]] = {
    "VAE": vae,
    "DCGAN": dcgan,
    "diffusion": diffusion,
}
