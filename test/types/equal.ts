// Compile-time equality for the type tests of this folder: `check<Equal<A, B>>()` does not compile
// unless both are the same type.

export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export function check<_Holds extends true>(): void {}
