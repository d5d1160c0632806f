"""The Mandelbrot set by whole arrays of NumPy; points that have left are taken out of them."""
import numpy


def mandelbrot(height, nx, ny, iterations):
    """Fills height[i * ny + j] with the counts of x i and y j."""
    cx = numpy.repeat(numpy.linspace(-2.5, 0.5, nx), ny)
    cy = numpy.tile(numpy.linspace(-1.2, 1.2, ny), nx)
    x, y = cx.copy(), cy.copy()
    where = numpy.arange(nx * ny)
    height[:] = iterations
    for n in range(iterations):
        x2, y2 = x * x, y * y
        gone = x2 + y2 >= 4.0
        if gone.any():
            height[where[gone]] = n
            stay = ~gone
            where, cx, cy = where[stay], cx[stay], cy[stay]
            x, y, x2, y2 = x[stay], y[stay], x2[stay], y2[stay]
        y = 2.0 * x * y + cy
        x = x2 - y2 + cx
