"""Small training programs that look at pictures: classifiers, a U-Net, neural style.

As in ``recurrent.py``: ``torch`` stands for either package, and what is random comes from NumPy.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.training.recurrent import prepared


def shapes(count: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures (count, height, width, 1) of a disc, a square or a cross, and which it is."""
    random = np.random.RandomState(7)
    labels = np.arange(count) % 3
    rows, columns = np.mgrid[:height, :width]
    images = []
    for label in labels:
        up, left = abs(rows - random.randint(4, height - 4)), abs(columns - random.randint(4, 7))
        inside = (np.hypot(up, left) < 3, np.maximum(up, left) < 3, np.minimum(up, left) < 1)[label]
        images.append(inside * 200 + random.randint(0, 50, inside.shape))
    return np.stack(images).astype(np.uint8)[..., None], labels


def classifier(torch: Any, dtype: Any) -> list[float]:
    """What courses begin with: a small convolutional network tells digits (here: shapes) apart.

    Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition" (1998).
    """
    nn, F, data = torch.nn, torch.nn.functional, torch.utils.data

    class Compose:
        def __init__(self, transforms: list[Callable[[Any], Any]]) -> None:
            self.transforms = transforms

        def __call__(self, x: Any) -> Any:
            for transform in self.transforms:
                x = transform(x)
            return x

    class Shapes(data.Dataset):
        def __init__(self, train: bool, transform: Any) -> None:
            images, targets = shapes(60, 12, 12)
            part = slice(0, 45) if train else slice(45, None)
            self.data, self.targets, self.transform = images[part], targets[part], transform

        def __len__(self) -> int:
            return len(self.data)

        def __getitem__(self, index: int) -> tuple[Any, int]:
            return self.transform(self.data[index]), int(self.targets[index])

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 4, kernel_size=5)
            self.conv2 = nn.Conv2d(4, 8, 3, padding="same")
            self.drop = nn.Dropout2d(p=0.0)
            self.fc1 = nn.Linear(8 * 2 * 2, 16)
            self.fc2 = nn.Linear(16, 3)

        def forward(self, x: Any) -> Any:
            x = F.relu(F.max_pool2d(self.conv1(x), 2))
            x = F.relu(F.max_pool2d(self.drop(self.conv2(x)), 2))
            x = x.view(-1, self.num_flat_features(x))
            x = F.dropout(F.relu(self.fc1(x)), p=0.5, training=False)
            return F.log_softmax(self.fc2(x), dim=1)

        def num_flat_features(self, x: Any) -> int:
            return int(np.prod(x.size()[1:]))

    transform = Compose(
        [
            lambda image: torch.from_numpy(image.transpose(2, 0, 1)).to(dtype).div(255),
            lambda x: x.sub_(torch.tensor([0.3], dtype=dtype).view(-1, 1, 1)).div_(0.35),
        ]
    )
    order = np.random.RandomState(8).permutation(45).tolist()
    train_loader = data.DataLoader(
        Shapes(True, transform), batch_size=10, sampler=order, num_workers=0, drop_last=False
    )
    test_loader = data.DataLoader(Shapes(False, transform), batch_size=4, shuffle=False)
    model = prepared(torch, Net(), dtype)
    if torch.cuda.is_available():
        model.cuda()
    device = next(model.parameters()).device
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    losses = []
    for _epoch in range(1, 4):
        model.train()
        for batch_idx, (inputs, target) in enumerate(train_loader):
            inputs, target = inputs.to(device), target.to(device)
            optimizer.zero_grad()
            loss = F.nll_loss(model(inputs), target)
            loss.backward()
            optimizer.step()
            if batch_idx % 2 == 0:
                losses.append(loss.item())
        model.eval()
        test_loss, correct = 0.0, 0
        with torch.no_grad():
            for inputs, target in test_loader:
                inputs, target = inputs.to(device), target.to(device)
                output = model(inputs)
                test_loss += F.nll_loss(output, target, reduction="sum").item()
                pred = output.argmax(dim=1, keepdim=True)
                correct += pred.eq(target.view_as(pred)).sum().item()
        losses += [test_loss / len(test_loader.dataset), correct / len(test_loader.dataset)]
        losses.append(scheduler.get_last_lr()[0])
        scheduler.step()
    return losses


def resnet(torch: Any, dtype: Any) -> list[float]:
    """Blocks with a way around them; halfway the model is stored and goes on in another one.

    Source: He et al., "Deep Residual Learning for Image Recognition" (2015).
    """
    nn = torch.nn

    def conv3x3(in_planes: int, out_planes: int, stride: int = 1) -> Any:
        return nn.Conv2d(in_planes, out_planes, 3, stride=stride, padding=1, bias=False)

    class BasicBlock(nn.Module):
        expansion = 1

        def __init__(
            self, inplanes: int, planes: int, stride: int = 1, downsample: Any = None
        ) -> None:
            super().__init__()
            self.conv1, self.bn1 = conv3x3(inplanes, planes, stride), nn.BatchNorm2d(planes)
            self.relu = nn.ReLU(inplace=True)
            self.conv2, self.bn2 = conv3x3(planes, planes), nn.BatchNorm2d(planes)
            self.downsample = downsample

        def forward(self, x: Any) -> Any:
            residual = x if self.downsample is None else self.downsample(x)
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += residual
            return self.relu(out)

    class ResNet(nn.Module):
        def __init__(self, block: Any, layers: list[int], num_classes: int = 3) -> None:
            super().__init__()
            self.inplanes = 4
            self.stem = nn.Sequential(
                OrderedDict(
                    [("conv", conv3x3(1, 4)), ("bn", nn.BatchNorm2d(4)), ("relu", nn.ReLU())]
                )
            )
            self.layer1 = self._make_layer(block, 4, layers[0])
            self.layer2 = self._make_layer(block, 8, layers[1], stride=2)
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(8 * block.expansion, num_classes)
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                    values = random.normal(0, np.sqrt(2.0 / n), m.weight.shape)
                    m.weight.data.copy_(torch.from_numpy(values))
                elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                    m.weight.data.fill_(1)
                    m.bias.data.zero_()
                elif isinstance(m, nn.Linear):
                    m.weight.data.copy_(torch.from_numpy(random.uniform(-0.3, 0.3, (3, 8))))
                    nn.init.constant_(m.bias, 0.0)

        def _make_layer(self, block: Any, planes: int, blocks: int, stride: int = 1) -> Any:
            downsample = None
            if stride != 1 or self.inplanes != planes * block.expansion:
                downsample = nn.Sequential(
                    nn.Conv2d(self.inplanes, planes * block.expansion, 1, stride, bias=False),
                    nn.BatchNorm2d(planes * block.expansion),
                )
            layers = [block(self.inplanes, planes, stride, downsample)]
            self.inplanes = planes * block.expansion
            layers += [block(self.inplanes, planes) for _ in range(1, blocks)]
            return nn.Sequential(*layers)

        def forward(self, x: Any) -> Any:
            x = self.avgpool(self.layer2(self.layer1(self.stem(x))))
            return self.fc(torch.flatten(x, 1))

    def start() -> tuple[Any, Any, Any]:
        model = ResNet(BasicBlock, [1, 2]).to(dtype)
        optimizer = torch.optim.SGD(
            model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, nesterov=True
        )
        plan = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 5], gamma=0.1)
        return model, optimizer, plan

    random = np.random.RandomState(9)
    images, labels = shapes(32, 10, 12)
    X = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(dtype) / 255
    y = torch.from_numpy(labels)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    model, optimizer, plan = start()
    losses = []
    for epoch in range(6):
        if epoch == 4:
            buffer, kept = io.BytesIO(), (model, optimizer, plan)
            torch.save({i: thing.state_dict() for i, thing in enumerate(kept)}, buffer)
            buffer.seek(0)
            model, optimizer, plan = kept = start()
            for i, state in torch.load(buffer, weights_only=True).items():
                kept[i].load_state_dict(state)
        model.train()
        for i in range(0, X.size(0), 16):
            optimizer.zero_grad()
            outputs = model(X[i : i + 16])
            loss = criterion(outputs, y[i : i + 16])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        plan.step()
        model.eval()
        with torch.no_grad():
            outputs = model(X)
        losses.append((outputs.data.max(1)[1] == y).sum().item() / y.size(0))
        losses.append(criterion(outputs, y).item())
    return losses


def unet(torch: Any, dtype: Any) -> list[float]:
    """Which points belong to the shape: down to small maps and up again, with bridges between.

    Source: Ronneberger, Fischer and Brox, "U-Net" (2015).
    """
    nn, F = torch.nn, torch.nn.functional

    class DoubleConv(nn.Sequential):
        def __init__(self, in_ch: int, out_ch: int) -> None:
            super().__init__(
                nn.Conv2d(in_ch, out_ch, 3, padding=1),
                nn.BatchNorm2d(out_ch, momentum=0.5),
                nn.ReLU(inplace=True),
                nn.Conv2d(out_ch, out_ch, 3, padding=1),
                nn.GroupNorm(2, out_ch),
                nn.ReLU(inplace=True),
            )

    class Up(nn.Module):
        def __init__(self, in_ch: int, out_ch: int, bilinear: bool) -> None:
            super().__init__()
            if bilinear:
                self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            else:
                self.up = nn.ConvTranspose2d(in_ch - out_ch, in_ch - out_ch, 2, stride=2)
            self.conv = DoubleConv(in_ch, out_ch)

        def forward(self, x: Any, bridge: Any) -> Any:
            x = self.up(x)
            dy, dx = bridge.size()[2] - x.size()[2], bridge.size()[3] - x.size()[3]
            x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            return self.conv(torch.cat([bridge, x], dim=1))

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inc = DoubleConv(1, 4)
            self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(4, 6))
            self.down2 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(6, 8))
            self.up1, self.up2 = Up(14, 6, bilinear=True), Up(10, 4, bilinear=False)
            self.outc = nn.Conv2d(4, 1, kernel_size=1)

        def forward(self, x: Any) -> Any:
            x1 = self.inc(x)
            x2 = self.down1(x1)
            return self.outc(self.up2(self.up1(self.down2(x2), x2), x1)).squeeze(1)

    def dice(input: Any, target: Any, smooth: float = 1.0) -> Any:
        iflat, tflat = input.contiguous().view(-1), target.contiguous().view(-1)
        return (2.0 * (iflat * tflat).sum() + smooth) / (iflat.sum() + tflat.sum() + smooth)

    images = torch.as_tensor(shapes(6, 11, 13)[0]).to(dtype).squeeze(3)[:, None] / 255.0
    masks = (images.squeeze(1) > 0.5).to(dtype)
    model = prepared(torch, UNet(), dtype)
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(2.0, dtype=dtype))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-2, weight_decay=1e-8, momentum=0.8)
    plan = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", patience=1, factor=0.5)
    losses = []
    for _ in range(8):
        model.train()
        for x, target in zip(torch.chunk(images, 2), torch.chunk(masks, 2)):
            pred = model(x)
            loss = criterion(pred, target) + 1 - dice(torch.sigmoid(pred), target)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_value_(model.parameters(), 0.1)
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.inference_mode():
            found = (torch.sigmoid(model(images)) > 0.5).to(dtype)
        score = dice(found, masks)
        plan.step(score)
        losses += [score.item(), optimizer.param_groups[0]["lr"]]
    return losses


def neural_style(torch: Any, dtype: Any) -> list[float]:
    """A picture is changed until its maps look like one's content and another's style.

    The style is what Gram matrices tell of a layer: which of its maps are bright together.

    Source: Gatys, Ecker and Bethge, "A Neural Algorithm of Artistic Style" (2015).
    """
    nn, F = torch.nn, torch.nn.functional

    def gram_matrix(input: Any) -> Any:
        a, b, c, d = input.size()
        features = input.view(a * b, c * d)
        return torch.mm(features, features.t()).div(a * b * c * d)

    class ContentLoss(nn.Module):
        def __init__(self, target: Any) -> None:
            super().__init__()
            self.target = target.detach()

        def forward(self, input: Any) -> Any:
            self.loss = F.mse_loss(input, self.target)
            return input

    class StyleLoss(ContentLoss):
        def __init__(self, target_feature: Any) -> None:
            super().__init__(gram_matrix(target_feature))

        def forward(self, input: Any) -> Any:
            self.loss = F.mse_loss(gram_matrix(input), self.target)
            return input

    class Normalization(nn.Module):
        def __init__(self, mean: list[float], std: list[float]) -> None:
            super().__init__()
            self.register_buffer("mean", torch.tensor(mean, dtype=dtype).view(-1, 1, 1))
            self.std = torch.tensor(std, dtype=dtype).view(-1, 1, 1)

        def forward(self, img: Any) -> Any:
            return (img - self.mean) / self.std

    random = np.random.RandomState(10)
    content, style = torch.from_numpy(random.uniform(0, 1, (2, 1, 3, 10, 10))).to(dtype)
    content[..., 3:7, :] *= 0.2
    cnn = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect"),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 6, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2, 2),
        nn.Conv2d(6, 8, 3, padding=1),
    )
    cnn = prepared(torch, cnn, dtype).eval().requires_grad_(False)
    model = nn.Sequential(Normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    content_losses, style_losses, i = [], [], 0
    for layer in cnn.children():
        if isinstance(layer, nn.Conv2d):
            i += 1
            name = f"conv_{i}"
        else:
            name = f"{type(layer).__name__.lower()}_{i}"
            layer = nn.ReLU(inplace=False) if isinstance(layer, nn.ReLU) else layer
        model.add_module(name, layer)
        if name == "conv_2":
            content_losses.append(ContentLoss(model(content)))
            model.add_module(f"content_loss_{i}", content_losses[-1])
        if name.startswith("conv"):
            style_losses.append(StyleLoss(model(style)))
            model.add_module(f"style_loss_{i}", style_losses[-1])

    image, losses = content.clone().requires_grad_(True), []
    optimizer = torch.optim.SGD([image], lr=0.1, momentum=0.5)

    def closure() -> Any:
        with torch.no_grad():
            image.clamp_(0, 1)
        optimizer.zero_grad()
        model(image)
        style_score = sum(sl.loss for sl in style_losses)
        content_score = sum(cl.loss for cl in content_losses)
        loss = 50.0 * style_score + content_score
        loss.backward()
        losses.append(loss.item())
        return loss

    for _ in range(8):
        optimizer.step(closure)
    return [*losses, image.data.clamp(0, 1).sub(content).norm().item()]


PROGRAMS: dict[str, Callable[..., list[float]]] = {
    "classifier": classifier,
    "ResNet": resnet,
    "U-Net": unet,
    "neural style": neural_style,
}
