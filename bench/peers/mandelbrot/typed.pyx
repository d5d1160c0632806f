# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The same with declared types, which Cython makes plain C of."""


cdef inline double grid_point(int k, int n, double start, double stop) noexcept nogil:
    if n == 1:
        return start
    return stop if k == n - 1 else start + k * ((stop - start) / (n - 1))


cdef inline int escape(double cx, double cy, int iterations) noexcept nogil:
    cdef double x = cx, y = cy, x2, y2
    cdef int n
    for n in range(iterations):
        x2 = x * x
        y2 = y * y
        if x2 + y2 >= 4.0:
            return n
        y = 2.0 * x * y + cy
        x = x2 - y2 + cx
    return iterations


def mandelbrot(int[::1] height, int nx, int ny, int iterations):
    """Fills height[i * ny + j] with the counts of x i and y j."""
    cdef int i, j
    cdef double cx
    with nogil:
        for i in range(nx):
            cx = grid_point(i, nx, -2.5, 0.5)
            for j in range(ny):
                height[i * ny + j] = escape(cx, grid_point(j, ny, -1.2, 1.2), iterations)
