"""Curves as an SVG, without other packages."""
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 60, 170, 40, 50
COLORS = ("#1b6ca8", "#d1495b", "#3c8d5a", "#e0902f", "#7a5195", "#555555")


def _ticks(high, count=5):
    """Round numbers from 0 to `high`."""
    step = 10 ** (len(str(int(max(high, 1)))) - 1)
    while high / step < count / 2:
        step /= 2
    while high / step > 2 * count:
        step *= 2
    return [i * step for i in range(int(high / step) + 1)]


def _text(x, y, text, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def write(path, title, x_name, y_name, lines, top=None):
    """lines: {name: [(x, y), ...]}; the axes begin at zero."""
    right = max((x for points in lines.values() for x, _ in points), default=1) or 1
    top = top or max((y for points in lines.values() for _, y in points), default=1) or 1
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    at_x = lambda x: LEFT + inner_width * x / right
    at_y = lambda y: TOP + inner_height * (1 - y / top)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
           'font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           _text(LEFT + inner_width / 2, TOP - 16, title, more=' font-size="14"')]
    for x in _ticks(right):
        out += [f'<line x1="{at_x(x):.1f}" y1="{TOP}" x2="{at_x(x):.1f}" y2="{TOP + inner_height}" stroke="#eee"/>',
                _text(at_x(x), HEIGHT - BOTTOM + 18, f"{x:g}")]
    for y in _ticks(top):
        out += [f'<line x1="{LEFT}" y1="{at_y(y):.1f}" x2="{LEFT + inner_width}" y2="{at_y(y):.1f}" stroke="#eee"/>',
                _text(LEFT - 8, at_y(y) + 4, f"{y:g}", "end")]
    out += [f'<rect x="{LEFT}" y="{TOP}" width="{inner_width}" height="{inner_height}" fill="none" stroke="#888"/>',
            _text(LEFT + inner_width / 2, HEIGHT - 10, x_name),
            _text(16, TOP + inner_height / 2, y_name, more=f' transform="rotate(-90 16 {TOP + inner_height / 2:.1f})"')]
    for i, (name, points) in enumerate(lines.items()):
        color, dash = COLORS[i % len(COLORS)], "" if i < len(COLORS) else ' stroke-dasharray="6 3"'
        path_ = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in points)
        out += [f'<polyline points="{path_}" fill="none" stroke="{color}" stroke-width="2"{dash}/>',
                f'<line x1="{WIDTH - RIGHT + 12}" x2="{WIDTH - RIGHT + 36}" y1="{TOP + 14 + 20 * i}" '
                f'y2="{TOP + 14 + 20 * i}" stroke="{color}" stroke-width="2"{dash}/>',
                _text(WIDTH - RIGHT + 42, TOP + 18 + 20 * i, name, "start")]
    with open(path, "w") as file:
        file.write("\n".join(out + ["</svg>"]) + "\n")
