// Why a record was not counted; the numbers of src/kernel/plan.ts `reasons`.

export const INVALID_JSON: i32 = 1
export const INVALID_UTF8: i32 = 2
export const NOT_AN_OBJECT: i32 = 3
export const MISSING_FIELD: i32 = 4
export const WRONG_TYPE: i32 = 5
export const NULL_VALUE: i32 = 6
export const NULL_KEY: i32 = 7
export const TIME_NEGATIVE: i32 = 8
export const TIME_IN_FUTURE: i32 = 9
export const KEY_TOO_LONG: i32 = 10
export const LATE: i32 = 20
