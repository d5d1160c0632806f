"""The pure Python version, compiled by Numba when it is first called."""
import numba

import textbook

grid_point = numba.njit(textbook.grid_point)
escape = numba.njit(textbook.escape)


@numba.njit
def mandelbrot(height, nx, ny, iterations):
    """Fills height[i * ny + j] with the counts of x i and y j."""
    for i in range(nx):
        cx = grid_point(i, nx, -2.5, 0.5)
        for j in range(ny):
            cy = grid_point(j, ny, -1.2, 1.2)
            height[i * ny + j] = escape(cx, cy, iterations)
