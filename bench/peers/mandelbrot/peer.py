"""Times one peer: python3 peer.py NAME NX NY ITERATIONS RUNS BUILD_DIR COUNTS_FILE.

Prints a line of JSON, {"ms": [...], "version": "..."}, and writes the counts as 32-bit integers.
Exits with 3 and says why when the peer is not there. Started by bench/peers/mandelbrot.ts.
"""
import array
import importlib
import json
import os
import platform
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "CPython " + platform.python_version()


def missing(why):
    print(why, file=sys.stderr)
    sys.exit(3)


def need(module):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing(str(error))


def cythonized(source, name, build):
    """Compiles a copy of the source as the module `name`."""
    cython = need("Cython")
    need("setuptools")
    from Cython.Build import cythonize
    from setuptools import Extension, setup

    os.makedirs(build, exist_ok=True)
    os.chdir(build)
    copy = name + os.path.splitext(source)[1]
    shutil.copy(os.path.join(HERE, source), copy)
    flags = ["-O3", "-ffp-contract=off"]
    extension = Extension(name, [copy], extra_compile_args=flags)
    try:
        log = os.dup(1)
        os.dup2(2, 1)
        options = {"language_level": 3}
        modules = cythonize([extension], quiet=True, compiler_directives=options)
        setup(name=name, ext_modules=modules, script_args=["-q", "build_ext", "--inplace"])
    except SystemExit as error:
        missing("Cython found no C compiler that works: %s" % str(error)[:200])
    finally:
        os.dup2(log, 1)
    sys.path.insert(0, build)
    return importlib.import_module(name), "Cython %s, %s" % (cython.__version__, PYTHON)


def numpy_heights(points):
    return need("numpy").zeros(points, dtype="int32")


def plain_heights(points):
    return array.array("i", bytes(4 * points))


def peer(name, build):
    """The module, its version, and what makes an array for it."""
    if name == "python":
        return need("textbook"), PYTHON, plain_heights
    if name == "numpy":
        numpy = need("numpy")
        return need("vectorized"), "NumPy %s, %s" % (numpy.__version__, PYTHON), numpy_heights
    if name == "numba":
        numba = need("numba")
        return need("jitted"), "Numba %s, %s" % (numba.__version__, PYTHON), numpy_heights
    if name == "cython-as-is":
        return (*cythonized("textbook.py", "textbook_compiled", build), plain_heights)
    if name == "cython":
        return (*cythonized("typed.pyx", "typed", build), plain_heights)
    missing("there is no peer " + name)


def main():
    name, build, counts_file = sys.argv[1], sys.argv[6], sys.argv[7]
    nx, ny, iterations, runs = (int(text) for text in sys.argv[2:6])
    module, version, heights = peer(name, build)
    # numba compiles at the first call
    module.mandelbrot(heights(16), 4, 4, 10)
    ms = []
    for _ in range(runs):
        height = heights(nx * ny)
        start = time.perf_counter()
        module.mandelbrot(height, nx, ny, iterations)
        ms.append((time.perf_counter() - start) * 1000)
    with open(counts_file, "wb") as file:
        height.tofile(file)
    print(json.dumps({"ms": ms, "version": version}))


main()
