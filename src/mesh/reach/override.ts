/**
 * An object of libp2p with some of its methods replaced, for one user of it. Everything else is the
 * object's own.
 */
export function override<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(of, key) {
      const value: unknown = Reflect.get(Object.hasOwn(replaced, key) ? replaced : of, key)
      return typeof value === 'function' && !Object.hasOwn(replaced, key) ? value.bind(of) : value
    },
  })
}
