/* The plain loop in C: plain NX NY ITERATIONS RUNS COUNTS_FILE. Prints a line of JSON like peer.py. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double grid_point(int k, int n, double from, double to) {
  if (n == 1) return from;
  return k == n - 1 ? to : from + k * ((to - from) / (n - 1));
}

static int escape(double cx, double cy, int iterations) {
  double x = cx, y = cy;
  for (int n = 0; n < iterations; n++) {
    double x2 = x * x, y2 = y * y;
    if (x2 + y2 >= 4.0) return n;
    y = 2.0 * x * y + cy;
    x = x2 - y2 + cx;
  }
  return iterations;
}

static void mandelbrot(int *height, int nx, int ny, int iterations) {
  for (int i = 0; i < nx; i++) {
    double cx = grid_point(i, nx, -2.5, 0.5);
    for (int j = 0; j < ny; j++)
      height[(size_t)i * ny + j] = escape(cx, grid_point(j, ny, -1.2, 1.2), iterations);
  }
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

int main(int count, char **words) {
  if (count != 6) return 2;
  int nx = atoi(words[1]), ny = atoi(words[2]), iterations = atoi(words[3]);
  int *height = malloc((size_t)nx * ny * sizeof *height);
  FILE *file = fopen(words[5], "wb");
  if (height == NULL || file == NULL) return 1;
  printf("{\"ms\":[");
  for (int run = 0; run < atoi(words[4]); run++) {
    double start = now_ms();
    mandelbrot(height, nx, ny, iterations);
    printf("%s%.3f", run > 0 ? "," : "", now_ms() - start);
  }
  printf("],\"version\":\"%s\"}\n", __VERSION__);
  fwrite(height, sizeof *height, (size_t)nx * ny, file);
  return fclose(file);
}
