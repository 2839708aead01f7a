"""Where ``dot`` puts the parts of a drawing, and what runs through what."""

import itertools
import json
import subprocess
from dataclasses import dataclass, field


@dataclass
class Box:
    """A node, or words, as a rectangle."""

    kind: str
    owner: object
    """The name of a node or cluster, or the number of an edge."""
    left: float
    low: float
    right: float
    high: float

    def holds(self, point):
        return self.left < point[0] < self.right and self.low < point[1] < self.high

    def meets(self, other):
        return (
            self.left < other.right
            and other.left < self.right
            and self.low < other.high
            and other.low < self.high
        )


@dataclass
class Layout:
    """A drawing with places, in points."""

    width: float
    nodes: dict = field(default_factory=dict)
    words: list = field(default_factory=list)
    """The names of clusters and the words on edges."""
    edges: list = field(default_factory=list)
    """Of each visible edge its number, its two ends and the points of its curve."""

    def collisions(self):
        """Return which edge runs through a node or words that are not its own; and overlaps."""
        found = []
        boxes = [*self.nodes.values(), *self.words]
        for number, tail, head, points in self.edges:
            for box in boxes:
                if box.owner not in (tail, head, number) and any(map(box.holds, points)):
                    found.append(f"{tail} -> {head} through {box.kind} {box.owner}")
        for box, other in itertools.combinations(boxes, 2):
            if box.owner != other.owner and box.meets(other):
                found.append(f"{box.kind} {box.owner} on {other.kind} {other.owner}")
        return found

    def crossings(self):
        """Return the pairs of edges, without a common end, that cross."""
        found = []
        curves = [(ends, points, _around(points)) for _, *ends, points in self.edges]
        for (ends, points, box), (others, line, other) in itertools.combinations(curves, 2):
            if set(ends) & set(others) or not box.meets(other):
                continue
            if any(
                _cross(*one, *two)
                for one in itertools.pairwise(points)
                for two in itertools.pairwise(line)
            ):
                found.append((ends, others))
        return found


def lay_out(source):
    """Return the layout that ``dot`` gives a drawing."""
    result = subprocess.run(
        ["dot", "-Tjson"], input=source, capture_output=True, text=True, check=True
    )
    drawn = json.loads(result.stdout)
    layout = Layout(width=float(drawn["bb"].split(",")[2]))
    names = {}
    for part in drawn.get("objects", []):
        name = names[part["_gvid"]] = part["name"]
        if "pos" in part:
            x, y = map(float, part["pos"].split(","))
            across, up = 36 * float(part["width"]) - 1, 36 * float(part["height"]) - 1
            layout.nodes[name] = Box("node", name, x - across, y - up, x + across, y + up)
        else:
            layout.words += _words(part, "the name of", name)
    for edge in drawn.get("edges", []):
        if edge.get("style") != "invis":
            number = edge["_gvid"]
            layout.words += _words(edge, "the words of edge", number)
            ends = names[edge["tail"]], names[edge["head"]]
            layout.edges.append((number, *ends, _curve(edge["pos"])))
    return layout


def _words(part, kind, owner):
    """Return the box of each line of text, a little smaller than the letters."""
    size = 0.0
    for command in part.get("_ldraw_", []):
        if command["op"] == "F":
            size = command["size"]
        elif command["op"] == "T" and command["text"].strip("\xa0 "):
            (x, y), width = command["pt"], command["width"]
            left = x - width * {"l": 0, "c": 0.5, "r": 1}[command["align"]]
            yield Box(kind, owner, left + 3, y, left + width - 3, y + 0.7 * size)


def _curve(text, steps=24):
    """Return points along the Bézier curves of an edge, with its arrow heads."""
    start, spline, end = [], [], []
    for word in text.split(" "):
        *which, x, y = word.split(",")
        {"s": start, "e": end}.get("".join(which), spline).append((float(x), float(y)))
    points = start
    for first in range(0, len(spline) - 3, 3):
        for step in range(steps + 1):
            t = step / steps
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
            corners = list(zip(weights, spline[first : first + 4], strict=True))
            points.append(tuple(sum(w * corner[i] for w, corner in corners) for i in (0, 1)))
    return points + end


def _around(points):
    """Return the smallest box with all points inside it."""
    across, up = zip(*points, strict=True)
    return Box("curve", None, min(across) - 1, min(up) - 1, max(across) + 1, max(up) + 1)


def _cross(a, b, c, d):
    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
