// What a decoder returns instead of a value: one shared object per reason, so that bad input costs
// no exception and no allocation. Test with `instanceof Bad`.

/** The reasons of kernel/plan.ts that reading a key or a value can give. */
export type BadReason =
  | 'invalid-json'
  | 'invalid-utf8'
  | 'not-an-object'
  | 'missing-field'
  | 'wrong-type'
  | 'null-value'

export class Bad {
  readonly #reason: BadReason

  constructor(reason: BadReason) {
    this.#reason = reason
  }

  get reason(): BadReason {
    return this.#reason
  }
}

export const invalidJson = new Bad('invalid-json')
export const invalidUtf8 = new Bad('invalid-utf8')
export const notAnObject = new Bad('not-an-object')
export const missingField = new Bad('missing-field')
export const wrongType = new Bad('wrong-type')
export const nullValue = new Bad('null-value')
