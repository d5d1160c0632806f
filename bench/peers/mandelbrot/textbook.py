"""The Mandelbrot set in pure Python. Cython compiles this file as it is, too (peer.py)."""


def grid_point(k, n, start, stop):
    """Point k of n, as numpy.linspace has it."""
    if n == 1:
        return start
    return stop if k == n - 1 else start + k * ((stop - start) / (n - 1))


def escape(cx, cy, iterations):
    """Steps before |z|^2 >= 4."""
    x, y = cx, cy
    for n in range(iterations):
        x2, y2 = x * x, y * y
        if x2 + y2 >= 4.0:
            return n
        y = 2.0 * x * y + cy
        x = x2 - y2 + cx
    return iterations


def mandelbrot(height, nx, ny, iterations):
    """Fills height[i * ny + j] with the counts of x i and y j."""
    for i in range(nx):
        cx = grid_point(i, nx, -2.5, 0.5)
        for j in range(ny):
            cy = grid_point(j, ny, -1.2, 1.2)
            height[i * ny + j] = escape(cx, cy, iterations)
