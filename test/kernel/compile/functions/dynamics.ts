// Iterated maps and differential equations; compiled unchanged by functions.test.ts.

/** The logistic map's orbit, after a transient. */
export function logisticMap(rate: number, orbit: Float64Array): void {
  let x = 0.5
  for (let i = 0; i < 100; i++) x = rate * x * (1 - x)
  for (let i = 0; i < orbit.length; i++) {
    x = rate * x * (1 - x)
    orbit[i] = x
  }
}

const GRAVITY = 9.81

/** Runge–Kutta of the fourth order for a pendulum: angle and speed after each step. */
export function pendulum(angle: number, speed: number, step: number, path: Float64Array): void {
  const acceleration = (theta: number, omega: number) => -GRAVITY * Math.sin(theta) - 0.1 * omega
  for (let i = 0; i + 1 < path.length; i += 2) {
    const k1 = speed
    const l1 = acceleration(angle, speed)
    const k2 = speed + (step / 2) * l1
    const l2 = acceleration(angle + (step / 2) * k1, k2)
    const k3 = speed + (step / 2) * l2
    const l3 = acceleration(angle + (step / 2) * k2, k3)
    const k4 = speed + step * l3
    const l4 = acceleration(angle + step * k3, k4)
    angle += (step / 6) * (k1 + 2 * k2 + 2 * k3 + k4)
    speed += (step / 6) * (l1 + 2 * l2 + 2 * l3 + l4)
    path[i] = angle
    path[i + 1] = speed
  }
}

/** Bodies that attract each other: one step, positions and speeds changed in place. */
export function gravityStep(
  positions: Float64Array,
  speeds: Float64Array,
  masses: Float64Array,
  step: number,
): number {
  const count = masses.length
  for (let i = 0; i < count; i++) {
    for (let k = i + 1; k < count; k++) {
      const dx = positions[3 * i] - positions[3 * k]
      const dy = positions[3 * i + 1] - positions[3 * k + 1]
      const dz = positions[3 * i + 2] - positions[3 * k + 2]
      const squared = dx * dx + dy * dy + dz * dz + 1e-9
      const force = step / (squared * Math.sqrt(squared))
      speeds[3 * i] -= dx * masses[k] * force
      speeds[3 * i + 1] -= dy * masses[k] * force
      speeds[3 * i + 2] -= dz * masses[k] * force
      speeds[3 * k] += dx * masses[i] * force
      speeds[3 * k + 1] += dy * masses[i] * force
      speeds[3 * k + 2] += dz * masses[i] * force
    }
  }
  let energy = 0
  for (let i = 0; i < positions.length; i++) {
    positions[i] += speeds[i] * step
    energy += 0.5 * speeds[i] * speeds[i] * masses[(i / 3) | 0]
  }
  return energy
}
