// Loads a package that only some users have, because a setting names it.
import { EuphorionError } from '../errors.ts'

/** Rejects with SETTING_INVALID, naming the setting and the package, where it does not load. */
export async function optionalPackage<T>(
  setting: string,
  name: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const message = `${setting} needs the package ${name}, which does not load: npm install ${name}`
    throw new EuphorionError('SETTING_INVALID', message, { cause })
  }
}
