/** Shows that the module runs. */
export function ready(): i32 {
  return 1
}
